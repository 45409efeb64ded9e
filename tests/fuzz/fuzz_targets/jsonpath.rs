//! Any JSONPath on any data: what is deleted is gone, and nothing panics.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use torana_config::{Diagnostics, Pointer, read};
use torana_core::entity::Object;
use torana_middleware::jsonpath::JsonPathConfig;

fn config(key: &str, path: serde_json::Value) -> Option<JsonPathConfig> {
    let mut out = Diagnostics::default();
    read(&json!({ key: path }), &Pointer::root(), &mut out).filter(|_| out.is_empty())
}

// The first line is the path, the rest the data.
fuzz_target!(|text: &str| {
    let (path, data) =
        text.split_once('\n').unwrap_or((text, r#"{"a":[{"b":1,"c":"x"},{"b":[2]}],"d":{"b":null}}"#));
    let Ok(object) = Object::parse(&Bytes::copy_from_slice(data.as_bytes())) else { return };
    let Some(delete) = config("delete", json!([path])) else { return };
    let mut deleted = object.clone();
    if delete.apply(&mut deleted).is_ok() && !path.contains(['?', ':', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        // Where no position and no condition counts, a second search finds nothing.
        let mut again = deleted.clone();
        delete.apply(&mut again).expect("as before");
        assert_eq!(again.into_tree().ok(), deleted.into_tree().ok());
    }
    for config in [
        config("mask", json!([{"path": path, "keep_last": 2}])),
        config("extract", json!({"x": path})),
        config("select", json!(path)),
    ] {
        let mut object = object.clone();
        let _ = config.expect("a path that was accepted").apply(&mut object);
        let _ = object.to_bytes();
    }
});
