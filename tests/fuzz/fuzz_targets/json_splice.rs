//! Any bytes as a JSON body: accepted exactly where `serde_json` accepts them, and every way of shaping raw data gives
//! what the same work on a plain tree gives.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use torana_core::entity::{Object, Raw, Value as Part};

/// The first value of the body as `serde_json` reads it. Halves of surrogate pairs are ours alone.
fn model(body: &[u8]) -> Option<Value> {
    serde_json::Deserializer::from_slice(body).into_iter().next()?.ok()
}

fn has_surrogates(body: &[u8]) -> bool {
    body.windows(4).any(|four| four[0] == b'\\' && four[1] == b'u' && matches!(four[2], b'd' | b'D'))
}

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let model = model(data);
    let ours = Object::parse(&body);
    if !has_surrogates(data) {
        assert_eq!(ours.is_ok(), model.as_ref().is_some_and(Value::is_object), "{ours:?} {model:?}");
        if let Ok(raw) = Raw::parse_prefix(&body) {
            let tree = raw.to_tree().expect("what was checked can be read");
            // `serde_json` wants to see where a scalar ends; the gateway ignores what follows, as Go's decoder does.
            if tree.is_object() || tree.is_array() {
                assert_eq!(Some(tree), model);
            }
        }
    }
    let Ok(object) = ours else { return };
    let tree = object.clone().into_tree().expect("what was checked can be read");
    if let Some(Value::Object(model)) = model {
        assert_eq!(tree, model);
    }
    // What is written is JSON again, with the same content.
    let again: Value = serde_json::from_slice(&object.to_bytes()).expect("what is written is JSON");
    assert_eq!(again.as_object(), Some(&tree));
    // Taking values apart changes nothing.
    let mut opened = object.clone();
    opened.retain(|_, value| {
        let old = std::mem::replace(value, Value::Null.into());
        *value = old.into_object().map_or_else(|other| other, Part::Object);
        true
    });
    assert_eq!(opened.into_tree().ok(), Some(tree.clone()));
    for (key, value) in &tree {
        let text = Object::from_tree(tree.clone()).text_at(key);
        // A dot is a path.
        if !key.contains('.') && !value.is_object() {
            assert_eq!(object.text_at(key), text);
        }
    }
    let mut merged = object.clone();
    merged.merge(object);
    assert_eq!(merged.into_tree().ok(), Some(tree));
});
