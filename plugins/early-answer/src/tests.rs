//! Which requests are answered, and how.

use torana_plugin::test::{self, check_schema};

use super::*;

const CONFIG: &str = r#"{
  "when": { "path_prefix": "/orders", "method": "POST", "header": "x-canary", "value": "1" },
  "status": 503, "headers": { "retry-after": "60" }, "body": "later" }"#;

#[test]
fn all_conditions_must_hold() {
    let plugin = test::start::<EarlyAnswer>(CONFIG).expect("a valid configuration");
    let good = || test::Request::post("/orders/7").with_header("X-Canary", "1");
    let answer = Answer::new(503).header("retry-after", "60").body("later");
    assert_eq!(plugin.on_request(&mut good()), Ok(answer.clone().into()));
    assert_eq!(plugin.on_backend_request(&mut good()), Ok(answer.into()));
    for mut other in [
        test::Request::get("/orders/7").with_header("x-canary", "1"),
        test::Request::post("/order").with_header("x-canary", "1"),
        test::Request::post("/orders/7").with_header("x-canary", "2"),
        test::Request::post("/orders/7"),
    ] {
        assert_eq!(plugin.on_request(&mut other), Ok(Action::Continue), "{other:?}");
    }
}

#[test]
fn without_conditions_every_request_is_answered() {
    let plugin = test::start::<EarlyAnswer>("null").expect("the default is valid");
    assert_eq!(plugin.on_request(&mut test::Request::get("/")), Ok(Answer::new(200).into()));
    let plugin = test::start::<EarlyAnswer>(r#"{"when":{"header":"x-any"}}"#).expect("a config");
    let mut with = test::Request::get("/").with_header("x-any", "");
    assert_eq!(plugin.on_request(&mut with), Ok(Answer::new(200).into()));
    assert_eq!(plugin.on_request(&mut test::Request::get("/")), Ok(Action::Continue));
}

#[test]
fn methods_are_written_as_at_endpoints() {
    for (method, other, expected) in
        [("get", "POST", "GET"), ("Delete", "GET", "DELETE"), ("purge", "PURGE", "purge")]
    {
        let config = format!(r#"{{ "when": {{ "method": "{method}" }} }}"#);
        let plugin = test::start::<EarlyAnswer>(config).expect("a valid configuration");
        let run = |method: &str| plugin.on_request(&mut test::Request::new(method, "/"));
        assert_eq!(run(expected), Ok(Answer::new(200).into()), "{method}");
        assert_eq!(run(other), Ok(Action::Continue), "{method}");
    }
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        (r#"{"status":100}"#, "`status`"),
        (r#"{"when":{"value":"1"}}"#, "`when.header`"),
        (r#"{"headers":{"content-length":"1"}}"#, "`content-length`"),
        (r#"{"when":{"path":"/"}}"#, "unknown field `path`"),
    ] {
        let error = test::start::<EarlyAnswer>(config).expect_err(config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    let schema = include_str!("../config.schema.json");
    check_schema::<Config>(schema, "");
    check_schema::<Condition>(schema, "/properties/when");
}
