//! Which fields are there afterwards.

use torana_plugin::test::{self, check_schema};

use super::*;

const EDITS: &str = r#"{ "remove": ["X-Gone"], "set": { "X-Set": "new", "X-Two": ["1", "2"] }, "add": { "X-Add": "2" } }"#;

#[test]
fn requests_are_edited_at_every_level() {
    let plugin = test::start::<HeaderEdit>(format!(r#"{{"request":{EDITS}}}"#)).expect("edits");
    for backend in [false, true] {
        let mut request = test::Request::get("/")
            .with_header("x-gone", "1")
            .with_header("x-set", "old")
            .with_header("x-set", "older")
            .with_header("x-add", "1")
            .with_header("x-other", "1");
        let result = if backend {
            plugin.on_backend_request(&mut request)
        } else {
            plugin.on_request(&mut request)
        };
        assert_eq!(result, Ok(Action::Continue));
        assert_eq!(request.header("x-gone"), None);
        assert_eq!(request.headers("x-set"), ["new"]);
        assert_eq!(request.headers("x-two"), ["1", "2"]);
        assert_eq!(request.headers("x-add"), ["1", "2"]);
        assert_eq!(request.headers("x-other"), ["1"]);
    }
    assert_eq!(plugin.hooks(), Hooks::ON_REQUEST | Hooks::ON_BACKEND_REQUEST);
}

#[test]
fn responses_are_edited_at_every_level() {
    let plugin = test::start::<HeaderEdit>(format!(r#"{{"response":{EDITS}}}"#)).expect("edits");
    for backend in [false, true] {
        let mut response =
            test::Response::json("{}").with_header("x-gone", "1").with_header("x-set", "old");
        let result = if backend {
            plugin.on_backend_response(&mut response)
        } else {
            plugin.on_response(&mut response)
        };
        assert_eq!(result, Ok(()));
        assert_eq!(response.header("x-gone"), None);
        assert_eq!(response.headers("x-set"), ["new"]);
    }
    assert_eq!(plugin.hooks(), Hooks::ON_RESPONSE | Hooks::ON_BACKEND_RESPONSE);
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        ("null", "`request`, `response` or both"),
        (r#"{"request":{"set":{"a b":"1"}}}"#, "`a b`"),
        (r#"{"request":{"set":{"x-a":"1\n2"}}}"#, "not allowed in HTTP"),
        (r#"{"response":{"remove":["content-length"]}}"#, "`content-length`"),
        (
            r#"{"response":{"add":{"x-a":7}}}"#,
            "`response.add.x-a`: values are a text or an array of texts",
        ),
        (r#"{"requests":{}}"#, "unknown field `requests`"),
    ] {
        let error = test::start::<HeaderEdit>(config).expect_err(config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    let schema = include_str!("../config.schema.json");
    check_schema::<Config>(schema, "");
    check_schema::<Edits>(schema, "/$defs/edits");
}
