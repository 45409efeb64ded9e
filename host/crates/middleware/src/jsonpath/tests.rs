//! JSONPath on answers: what is deleted, masked, extracted and selected.

use serde_json::{Value, json};
use torana_config::{Diagnostics, Pointer, read};
use torana_core::entity::{Object, Tree};

use super::JsonPathConfig;

fn config(value: Value) -> JsonPathConfig {
    let mut out = Diagnostics::default();
    let config = read(&value, &Pointer::root(), &mut out);
    assert!(out.is_empty(), "{out:?}");
    config.unwrap()
}

fn applied(modifier: Value, data: Value) -> Value {
    let mut object = Object::parse(&data.to_string().into()).unwrap();
    config(modifier).apply(&mut object).unwrap();
    Tree::Object(object.into_tree().unwrap())
}

#[test]
fn deletes_wherever_the_path_leads() {
    let data = json!({
        "password": 1, "a": {"password": {"password": 2}, "keep": 3}, "b": [[{"password": 4}], 5], "c": 6
    });
    assert_eq!(
        applied(json!({"delete": ["$..password"]}), data),
        json!({"a": {"keep": 3}, "b": [[{}], 5], "c": 6})
    );
    assert_eq!(
        applied(
            json!({"delete": ["$.a[0,2,-1]", "$.b[?@.x > 1]"]}),
            json!({"a": [0, 1, 2, 3], "b": [{"x": 1}, {"x": 2}]})
        ),
        json!({"a": [1], "b": [{"x": 1}]})
    );
    assert_eq!(applied(json!({"delete": ["$"]}), json!({"a": 1})), json!({}));
    assert_eq!(applied(json!({"delete": ["$.*"]}), json!({"a": 1, "b": 2})), json!({}));
}

#[test]
fn deletes_keys_of_any_spelling() {
    let mut object = Object::parse(
        &r#"{"x":{"p\u0061ss":1,"p\u0061ss2":2},"it's \\":1,"k":{"a'b":[1]}}"#.into(),
    )
    .unwrap();
    config(json!({"delete": ["$..pass", "$[\"it's \\\\\"]", "$.k[*][0]"]}))
        .apply(&mut object)
        .unwrap();
    assert_eq!(
        Tree::Object(object.into_tree().unwrap()),
        json!({"x": {"pass2": 2}, "k": {"a'b": []}})
    );
}

#[test]
fn leaves_members_out_of_reach_as_they_arrived() {
    let mut object =
        Object::parse(&r#"{"a":{"x":1},"b":[ 1.0,  2 ],"c":{"y": [1e2]}}"#.into()).unwrap();
    config(json!({"delete": ["$.a.x", "$..secret"], "mask": [{"path": "$..z"}]}))
        .apply(&mut object)
        .unwrap();
    assert_eq!(object.to_bytes(), r#"{"a":{},"b":[ 1.0,  2 ],"c":{"y": [1e2]}}"#);
}

#[test]
fn masks_all_but_the_end() {
    let data = json!({"card": "4111111111111234", "n": {"card": 4111111111111234u64}, "l": [{"card": ["ünï", true, null]}]});
    assert_eq!(
        applied(json!({"mask": [{"path": "$..card", "keep_last": 4}]}), data),
        json!({
            "card": "************1234", "n": {"card": "************1234"},
            "l": [{"card": ["***", "****", null]}]
        })
    );
    assert_eq!(
        applied(
            json!({"mask": [{"path": "$.a", "with": "x"}, {"path": "$.b", "with": ""}]}),
            json!({"a": {"q": "12"}, "b": "34"})
        ),
        json!({"a": {"q": "xx"}, "b": ""})
    );
}

#[test]
fn extracts_values_under_new_keys() {
    let modifier = json!({"extract": {"first": "$.items[0].name", "names": "$.items[*].name", "none": "$.x", "no": "$.x[*]", "items": "$.items[1]"}});
    let data = json!({"items": [{"name": "a"}, {"name": "b"}]});
    assert_eq!(
        applied(modifier, data),
        json!({"first": "a", "names": ["a", "b"], "no": [], "items": {"name": "b"}})
    );
}

#[test]
fn selects_what_replaces_the_data() {
    let data = json!({"a": {"b": {"c": 1}}, "l": [{"x": 1}, {"x": 2}], "s": "t"});
    for (path, expected) in [
        ("$", data.clone()),
        ("$.a.b", json!({"c": 1})),
        ("$.l", json!({"collection": [{"x": 1}, {"x": 2}]})),
        ("$.l[*].x", json!({"collection": [1, 2]})),
        ("$.l[?@.x == 2]", json!({"collection": [{"x": 2}]})),
        ("$.s", json!({"collection": ["t"]})),
        ("$.missing", json!({})),
        ("$.missing[*]", json!({"collection": []})),
        ("$.l[?@.x == $.a.b.c]", json!({"collection": [{"x": 1}]})),
    ] {
        assert_eq!(applied(json!({"select": path}), data.clone()), expected, "{path}");
    }
}

#[test]
fn deletes_then_masks_then_extracts_then_selects() {
    let modifier = json!({
        "select": "$.out", "extract": {"out": "$.user"},
        "mask": [{"path": "$.user.card", "keep_last": 1}], "delete": ["$.user.password"],
    });
    let data = json!({"user": {"password": "p", "card": "123"}});
    assert_eq!(applied(modifier, data), json!({"card": "**3"}));
}

#[test]
fn keeps_the_text_of_numbers() {
    let mut object = Object::parse(&r#"{"a":[1.0,12345678901234567890123]}"#.into()).unwrap();
    config(json!({"select": "$.a[*]"})).apply(&mut object).unwrap();
    assert_eq!(object.to_bytes(), r#"{"collection":[1.0,12345678901234567890123]}"#);
}

#[test]
fn reports_bad_paths_where_they_stand() {
    let value = json!({
        "delete": ["$.a", "a.b", 7], "mask": [{"path": "$["}], "extract": {"k": "$.x..", "ok": "$"}, "select": "$.b[",
    });
    let mut out = Diagnostics::default();
    let _: Option<JsonPathConfig> = read(&value, &Pointer::root(), &mut out);
    let found: Vec<_> = out.iter().map(|d| (d.code, d.at.as_str())).collect();
    assert_eq!(
        found,
        [
            ("invalid-jsonpath", "/delete/1"),
            ("wrong-type", "/delete/2"),
            ("invalid-jsonpath", "/mask/0/path"),
            ("invalid-jsonpath", "/extract/k"),
            ("invalid-jsonpath", "/select"),
        ]
    );
}

mod step {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use torana_core::{Body, Error, ErrorKind, Response};

    use super::*;

    #[test]
    fn works_on_partial_answers_too() {
        let object = Object::parse(&r#"{"secret":1,"a":2}"#.into()).unwrap();
        let mut response = Response::from_object(object);
        response.failure = Some(Error::new(ErrorKind::Timeout, "backend is late"));
        response.complete = false;
        let response = config(json!({"delete": ["$.secret"]})).modify(response).unwrap();
        assert_eq!(response.object().unwrap().to_bytes(), r#"{"a":2}"#);
        assert!(response.failure.is_some());
    }

    #[test]
    fn leaves_undecoded_bodies_alone() {
        let body = Body::from_bytes(Bytes::from_static(b"text"));
        let response = Response::from_body(StatusCode::OK, HeaderMap::new(), body);
        let response = config(json!({"select": "$.a"})).modify(response).unwrap();
        assert!(
            matches!(&response.data, torana_core::Data::Body(Body::Full(text)) if text == "text")
        );
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c\\\\'\"é]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c'\\\\\n]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn has_key(tree: &Value, key: &str) -> bool {
        match tree {
            Value::Object(map) => {
                map.contains_key(key) || map.values().any(|value| has_key(value, key))
            }
            Value::Array(items) => items.iter().any(|item| has_key(item, key)),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn what_is_deleted_is_gone_and_the_rest_is_there(
            members in prop::collection::btree_map("[a-c]{1,2}", tree(), 0..5)
        ) {
            fn without(tree: Value) -> Value {
                match tree {
                    Value::Object(map) => map
                        .into_iter()
                        .filter(|(key, _)| key != "a")
                        .map(|(key, value)| (key, without(value)))
                        .collect(),
                    Value::Array(items) => items.into_iter().map(without).collect(),
                    scalar => scalar,
                }
            }
            let data: Value = Value::Object(members.into_iter().collect());
            let result = applied(json!({"delete": ["$..a"]}), data.clone());
            prop_assert!(!has_key(&result, "a"));
            prop_assert_eq!(result, without(data));
        }

        #[test]
        fn every_member_can_be_deleted_by_wildcards(
            members in prop::collection::btree_map("[a-c]{1,2}", tree(), 0..5)
        ) {
            let data: Value = Value::Object(members.into_iter().collect());
            let result = applied(json!({"delete": ["$[*][*]"]}), data.clone());
            for (key, value) in result.as_object().unwrap() {
                match value {
                    Value::Object(map) => prop_assert!(map.is_empty()),
                    Value::Array(items) => prop_assert!(items.is_empty()),
                    scalar => prop_assert_eq!(scalar, &data[key]),
                }
            }
        }
    }
}
