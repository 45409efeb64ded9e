//! Flatmap of an endpoint: merged data and partial answers.

use serde_json::json;
use torana_config::{Diagnostics, Pointer};
use torana_core::{Error, ErrorKind, entity::Object};

use super::*;

fn step() -> Flatten {
    let operations = json!([{"type": "del", "args": ["a.*.x"]}]);
    let mut out = Diagnostics::default();
    Flatten(format::Flatmap::read(&operations, &Pointer::root(), &mut out).unwrap())
}

fn response() -> Response {
    Response::from_object(Object::parse(&r#"{"a":[{"x":1,"y":2}]}"#.into()).unwrap())
}

#[test]
fn changes_merged_data() {
    let response = step().apply(response()).unwrap();
    assert_eq!(response.object().unwrap().to_bytes(), r#"{"a":[{"y":2}]}"#);
}

#[test]
fn leaves_partial_answers_as_they_are() {
    let failure = Some(Error::new(ErrorKind::Timeout, "backend is late"));
    let mut partial = response();
    partial.failure = failure;
    partial.complete = false;
    let response = step().apply(partial).unwrap();
    assert_eq!(response.object().unwrap().to_bytes(), r#"{"a":[{"x":1,"y":2}]}"#);
}
