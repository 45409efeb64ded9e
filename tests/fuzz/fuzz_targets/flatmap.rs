//! Any operations on any data: they never panic, and touch only the members that they name.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use torana_config::{Diagnostics, Pointer};
use torana_core::{entity::Object, format::Flatmap};

/// The first line holds operations, `m a.b c` and `a x y` and `d p q`, between semicolons; the rest is the data.
fn operations(line: &str) -> Value {
    line.split(';')
        .map(|operation| {
            let mut words = operation.split(' ');
            let kind = match words.next() {
                Some("m") => "move",
                Some("a") => "append",
                _ => "del",
            };
            json!({"type": kind, "args": words.collect::<Vec<_>>()})
        })
        .collect()
}

fuzz_target!(|text: &str| {
    let (line, data) = text.split_once('\n').unwrap_or((text, r#"{"a":[{"b":1},{"c":[2]}],"0":{"x":[]}}"#));
    let mut out = Diagnostics::default();
    let Some(flatmap) = Flatmap::read(&operations(line), &Pointer::root(), &mut out) else { return };
    let Ok(mut object) = Object::parse(&Bytes::copy_from_slice(data.as_bytes())) else { return };
    let before = object.clone().into_tree().expect("checked data");
    flatmap.apply(&mut object).expect("checked data");
    let after = object.into_tree().expect("checked data");
    // A key that no operation spells stays, unless a wildcard stands in its place. Any segment counts: a value that
    // is lifted to a path that does not exist ends at the root (reference 5.4).
    let wild = line.split([' ', ';']).any(|path| path.starts_with('*'));
    for (key, value) in before {
        if !wild && !line.split([' ', ';']).any(|path| path.split('.').any(|segment| segment == key)) {
            assert_eq!(after.get(&key), Some(&value));
        }
    }
});
