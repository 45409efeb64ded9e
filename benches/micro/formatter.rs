//! What each way to shape one backend's data costs, without decoding and encoding. The data is a user of 0.3 KB.

mod allocations;
mod config;

use std::process::ExitCode;

use bytes::Bytes;
use divan::Bencher;
use serde_json::{Value, json};
use torana_config::{ComponentLevel, Diagnostics, Supported, valid::Encoding};
use torana_core::{encoding::decoder, entity::Object, format::Formatter};

const USER: &[u8] = include_bytes!("../bodies/user.json");

fn main() -> ExitCode {
    allocations::main()
}

fn formatter(shape: &Value) -> Formatter {
    let mut backend = shape.clone();
    backend["url_pattern"] = json!("/");
    let endpoints = json!([{"endpoint": "/", "backend": [backend]}]);
    let supported = vec![Supported { namespace: "proxy", level: ComponentLevel::Backend }];
    let gateway = config::gateway(&endpoints, supported);
    let mut diagnostics = Diagnostics::default();
    let formatter = Formatter::new(&gateway.endpoints[0].backends[0], &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    formatter
}

fn user() -> Option<Object> {
    decoder(Encoding::Json).decode(Bytes::from_static(USER), false).expect("sound JSON")
}

fn bench(bencher: Bencher<'_, '_>, case: &str, limit: u64, shape: &Value) {
    let formatter = formatter(shape);
    allocations::bench(bencher, case, limit, user, |mut data| {
        formatter.apply(&mut data).expect("sound data");
        data
    });
}

#[divan::bench]
fn allow(bencher: Bencher<'_, '_>) {
    bench(bencher, "allow", 0, &json!({"allow": ["id", "name", "email"]}));
}

#[divan::bench]
fn allow_nested(bencher: Bencher<'_, '_>) {
    bench(bencher, "allow_nested", 2, &json!({"allow": ["id", "address.city", "prefs.lang"]}));
}

#[divan::bench]
fn deny(bencher: Bencher<'_, '_>) {
    bench(bencher, "deny", 0, &json!({"deny": ["balance", "tags", "email"]}));
}

#[divan::bench]
fn deny_nested(bencher: Bencher<'_, '_>) {
    bench(bencher, "deny_nested", 2, &json!({"deny": ["balance", "address.zip", "prefs.lang"]}));
}

#[divan::bench]
fn mapping(bencher: Bencher<'_, '_>) {
    let shape = json!({"mapping": {"id": "user_id", "name": "full_name"}});
    bench(bencher, "mapping", 0, &shape);
}

#[divan::bench]
fn group(bencher: Bencher<'_, '_>) {
    bench(bencher, "group", 1, &json!({"group": "user"}));
}

#[divan::bench]
fn target(bencher: Bencher<'_, '_>) {
    bench(bencher, "target", 1, &json!({"target": "address"}));
}

/// All that goes together.
#[divan::bench]
fn together(bencher: Bencher<'_, '_>) {
    let shape = json!({"target": "address", "allow": ["street", "city"],
        "mapping": {"city": "town"}, "group": "home"});
    bench(bencher, "together", 2, &shape);
}

/// Operations on a list and a nested member, which the formatter reads into a tree for it.
#[divan::bench]
fn flatmap(bencher: Bencher<'_, '_>) {
    let shape = json!({"extra_config": {"proxy": {"flatmap_filter": [
        {"type": "move", "args": ["address.city", "city"]},
        {"type": "del", "args": ["tags.0", "prefs"]},
    ]}}});
    bench(bencher, "flatmap", 36, &shape);
}
