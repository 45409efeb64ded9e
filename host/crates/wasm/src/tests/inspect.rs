//! What is said of components.

use std::fs;

use super::CACHE;
use crate::{Config, Inspection, Kind, cache::Cache, component::LoadError, inspect::look};

fn of(bytes: &[u8]) -> Result<Inspection, LoadError> {
    look(bytes, &Cache::at(CACHE.path().to_owned()))
}

fn component(text: &str) -> Inspection {
    of(&wat::parse_str(text).unwrap()).expect("a component")
}

#[test]
fn a_plugin_with_all_that_is_known_of_it() {
    let bytes = fs::read(torana_plugins_build::plugin("header-edit")).unwrap();
    let found = of(&bytes).expect("a component");
    assert_eq!((found.kind, found.size, found.problem.clone()), (Kind::Plugin, bytes.len(), None));
    assert_eq!(found.sha256.len(), 64);
    assert_eq!(found.version.as_deref(), Some(Inspection::gateway_version()));
    assert_eq!(found.loads_on(), Some("0.1"));
    let hooks = ["on-request", "on-backend-request", "on-backend-response", "on-response"];
    assert_eq!(found.hooks, hooks);
    assert!(found.init && found.asks_for.is_empty());
    assert_eq!(
        found.config,
        Config::Schema { title: Some("header-edit".to_owned()), warning: None }
    );
    assert!(found.memory >= 1 << 16 && found.modules >= 1 && found.names && !found.debug_info);
    assert!(found.makers.iter().any(|maker| maker.part == "language" && maker.name == "Rust"));
    let exchange =
        found.imports.iter().find(|i| i.interface.starts_with("torana:plugin/exchange@"));
    assert!(exchange.unwrap().functions.iter().any(|function| function == "set-header"));
}

#[test]
fn capabilities_are_imports_that_must_be_granted() {
    let probe = fs::read(torana_plugins_build::plugin("test-probe")).unwrap();
    assert!(of(&probe).expect("a component").asks_for.contains(&"log"));
    let found = component(
        r#"(component
            (import "torana:plugin/kv@0.1.1" (instance))
            (import "torana:plugin/metrics@0.1.1" (instance))
            (import "torana:plugin/config@0.1.1" (instance (export "get" (func (result string)))))
            (import "torana:plugin/http@0.1.1" (instance)))"#,
    );
    assert_eq!(found.asks_for, ["http", "kv", "metrics"]);
    let found = component(r#"(component (import "torana:plugin/cache@0.1.1" (instance)))"#);
    assert_eq!(found.asks_for, ["kv"]);
    let env = r#"(func (param "name" string) (result (option string)))"#;
    let found = component(&format!(
        r#"(component (import "torana:plugin/config@0.1.1" (instance (export "env" {env}))))"#
    ));
    assert!(found.reads_env && found.asks_for.is_empty(), "a variable need not be granted");
}

#[test]
fn the_standard_world_asks_as_its_imports_do() {
    let bytes = fs::read(torana_plugins_build::plugin("test-wasi-http")).unwrap();
    let found = of(&bytes).expect("a component");
    assert_eq!((found.kind, found.problem), (Kind::WasiHttp, None));
    assert_eq!((found.version, found.asks_for), (None, vec!["http"]));
    assert!(found.imports.iter().any(|i| i.interface.starts_with("wasi:http/outgoing-handler@")));
}

#[test]
fn components_that_do_not_load_are_described_all_the_same() {
    let found = component(
        r#"(component
            (import "torana:plugin/exchange@1.0.0" (instance))
            (instance $i)
            (export "torana:plugin/handle@1.0.0" (instance $i)))"#,
    );
    assert_eq!((found.kind, found.loads_on()), (Kind::Backend, Some("1")));
    assert!(found.problem.unwrap().message.contains("built for torana:plugin@1.0.0"));
    let found = component(
        r#"(component (instance $i) (export "wasi:http/incoming-handler@0.2.3" (instance $i)))"#,
    );
    assert_eq!((found.kind, found.version), (Kind::WasiHttp, None));
    assert!(found.problem.unwrap().message.contains("has no function `handle`"));
    let found = component("(component)");
    assert_eq!(found.kind, Kind::Unknown);
    assert!(found.problem.unwrap().message.contains("it exports no hook"));
}

#[test]
fn what_is_no_component_is_an_error() {
    assert!(matches!(of(b"#!/bin/sh"), Err(LoadError::NotWasm)));
    assert!(matches!(of(b"\0asm\x01\0\0\0"), Err(LoadError::CoreModule)));
    assert!(matches!(of(b"\0asm\x0d\0\x01\0\x63"), Err(LoadError::Invalid(_))));
}
