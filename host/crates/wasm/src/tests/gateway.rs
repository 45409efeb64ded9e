//! A small configuration with plugins at one level.

use serde_json::{Value, json};
use torana_config::{
    ComponentLevel, Diagnostics, Document, Format, Options, Supported, resolve, valid::Gateway,
};

use super::At;
use crate::factory::NAMESPACE;

/// A gateway with one endpoint with one backend.
pub(super) fn gateway(at: At, plugins: Value) -> Gateway {
    let extra = json!({ NAMESPACE: plugins });
    let mut backend = json!({"host": ["http://users:8080"], "url_pattern": "/"});
    let mut endpoint = json!({"endpoint": "/users/{id}"});
    let mut root = json!({"version": 3});
    match at {
        At::Service => root["extra_config"] = extra,
        At::Endpoint => endpoint["extra_config"] = extra,
        At::Backend => backend["extra_config"] = extra,
        At::NoOpBackend => {
            backend["extra_config"] = extra;
            backend["encoding"] = "no-op".into();
            endpoint["output_encoding"] = "no-op".into();
        }
    }
    endpoint["backend"] = json!([backend]);
    root["endpoints"] = json!([endpoint]);
    read(&root)
}

fn read(root: &Value) -> Gateway {
    let document =
        Document::parse("test.json", root.to_string(), Format::Json).expect("valid JSON");
    let levels = [ComponentLevel::Service, ComponentLevel::Endpoint, ComponentLevel::Backend];
    let supported = levels.map(|level| Supported { namespace: NAMESPACE, level }).to_vec();
    let mut findings = Diagnostics::default();
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = vec![variable("REGION", "eu"), variable("SECRET", "s3cret")];
    let options = Options { supported, environment, ..Options::default() };
    let gateway = resolve(&document, &options, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    gateway.expect("nothing is wrong with it")
}
