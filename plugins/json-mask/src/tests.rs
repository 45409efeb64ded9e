//! What is left of masked values.

use proptest::prelude::*;
use serde_json::json;
use torana_plugin::test::{self, Gateway, check_schema};

use super::*;

const DATA: &str = r#"{
  "users": [
    { "email": "ann@example.org", "card": "4111111111111111", "pin": 1234, "tags": ["a", "b"] },
    { "email": "bob@example.org", "card": "42", "pin": null }
  ],
  "email": "ann@example.org"
}"#;

fn masked(rules: &str) -> Value {
    let config = format!(r#"{{ "rules": [{rules}], "key": "0123456789abcdef" }}"#);
    let plugin = test::start::<JsonMask>(config).expect("a valid configuration");
    let mut response = test::Response::json(DATA);
    plugin.on_response(&mut response).expect("the hook does not fail");
    let mut again = test::Response::json(DATA);
    plugin.on_backend_response(&mut again).expect("the hook does not fail");
    assert_eq!(response.data(), again.data());
    response.data().expect("it has data").clone()
}

#[test]
fn a_fixed_text_hides_all() {
    let data = masked(r#"{ "path": "$.users[*].email" }, { "path": "$..pin", "text": "" }"#);
    assert_eq!(data["users"][0]["email"], "***");
    assert_eq!(data["users"][1]["email"], "***");
    assert_eq!((&data["users"][0]["pin"], &data["users"][1]["pin"]), (&json!(""), &json!("")));
    assert_eq!(data["email"], "ann@example.org", "another place");
}

#[test]
fn the_end_of_a_longer_value_stays() {
    let data = masked(
        r#"{ "path": "$.users[*].card", "mode": "keep_last" },
           { "path": "$.users[*].pin", "mode": "keep_last", "keep": 1, "text": "x" },
           { "path": "$.users[0].tags", "mode": "keep_last" }"#,
    );
    assert_eq!(data["users"][0]["card"], "***1111");
    assert_eq!(data["users"][1]["card"], "***", "not longer than what would stay");
    assert_eq!((&data["users"][0]["pin"], &data["users"][1]["pin"]), (&json!("x4"), &json!("x")));
    assert_eq!(data["users"][0]["tags"], "***");
}

#[test]
fn equal_values_have_equal_hashes() {
    let data =
        masked(r#"{ "path": "$..email", "mode": "hash" }, { "path": "$..tags", "mode": "hash" }"#);
    let ann = data["email"].as_str().expect("a text");
    assert_eq!((data["users"][0]["email"].as_str(), ann.len()), (Some(ann), 32));
    assert_ne!(data["users"][1]["email"], data["email"]);
    assert_eq!(data["users"][0]["tags"].as_str().map(str::len), Some(32));
    let config = r#"{ "rules": [{ "path": "$.email", "mode": "hash" }], "key": {"env": "KEY"} }"#;
    let gateway = Gateway::new().with_env("KEY", "another key here");
    let plugin = gateway.start::<JsonMask>(config).expect("a valid configuration");
    let mut response = test::Response::json(DATA);
    plugin.on_response(&mut response).expect("the hook does not fail");
    let other = response.data().expect("it has data")["email"].clone();
    assert!(other.as_str().is_some_and(|other| other != ann && other.len() == 32));
}

#[test]
fn members_and_elements_are_removed() {
    let data = masked(r#"{ "path": "$.users[*]['card', 'pin']", "mode": "remove" }"#);
    assert_eq!(data["users"][1], json!({"email": "bob@example.org"}));
    let data = masked(r#"{ "path": "$.users[0].tags[*]", "mode": "remove" }"#);
    assert_eq!(data["users"][0]["tags"], json!([]), "indices move while elements go");
    let data = masked(r#"{ "path": "$..*", "mode": "remove" }"#);
    assert_eq!(data, json!({}), "also places within places");
}

#[test]
fn places_that_are_not_there_are_no_error() {
    let unmasked: Value = serde_json::from_str(DATA).expect("JSON");
    for mode in ["fixed", "keep_last", "hash", "remove"] {
        assert_eq!(masked(&format!(r#"{{ "path": "$.no[*]", "mode": "{mode}" }}"#)), unmasked);
    }
}

#[test]
fn a_body_is_not_masked_in_silence() {
    let rules = r#""rules": [{ "path": "$.email" }]"#;
    let strict = test::start::<JsonMask>(format!("{{ {rules} }}")).expect("a configuration");
    let mut response = test::Response::new(200).with_body(DATA);
    let error = strict.on_response(&mut response).expect_err("it has no data").to_string();
    assert!(error.contains("no-op"), "{error}");
    let config = format!(r#"{{ {rules}, "without_data": "pass" }}"#);
    let lenient = test::start::<JsonMask>(config).expect("a configuration");
    assert_eq!(lenient.on_response(&mut response), Ok(()));
    assert_eq!(response.body(), Some(DATA.as_bytes()));
    // Data in which nothing is found is not a body.
    assert_eq!(strict.on_response(&mut test::Response::json(r#"{"a":1}"#)), Ok(()));
    // A path that is not valid fails always.
    let config = r#"{ "rules": [{ "path": "$[" }], "without_data": "pass" }"#;
    let wrong =
        test::start::<JsonMask>(config).expect("the gateway reads paths at the first response");
    assert!(wrong.on_response(&mut test::Response::json(DATA)).is_err());
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        ("null", "missing field `rules`"),
        (r#"{"rules":[]}"#, "`rules` is empty"),
        (r#"{"rules":[{"path":"users"}]}"#, "`users` is no JSONPath"),
        (r#"{"rules":[{"path":"$","mode":"remove"}]}"#, "`$` is the data itself"),
        (r#"{"rules":[{"path":"$.a","mode":"hide"}]}"#, "`rules[0].mode`: unknown variant `hide`"),
        (r#"{"rules":[{"path":"$.a","mode":"hash"}]}"#, "needs `key`"),
        (r#"{"rules":[{"path":"$.a","mode":"hash"}],"key":"short"}"#, "16 bytes"),
        (r#"{"rules":[{"path":"$.a","keep_last":2}]}"#, "unknown field `keep_last`"),
    ] {
        let error = test::start::<JsonMask>(config).expect_err(config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    let schema = include_str!("../config.schema.json");
    check_schema::<Config>(schema, "");
    check_schema::<Rule>(schema, "/properties/rules/items");
}

proptest! {
    /// Never more than the last characters, and never all of them.
    #[test]
    fn the_rest_is_gone(text in ".{0,12}", keep in 0_usize..6) {
        let rule = Rule { path: "$".into(), mode: Mode::KeepLast, text: String::new(), keep };
        let left = rule.keep_last(&Value::String(text.clone()));
        prop_assert!(text.ends_with(&left));
        prop_assert!(left.chars().count() <= keep);
        prop_assert!(left.is_empty() || left.len() < text.len());
    }
}
