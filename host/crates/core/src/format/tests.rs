//! Target, filters, mapping and group on one object.

use serde_json::{Value as Json, json};
use torana_config::{
    Pointer,
    valid::{Backend, Component, Encoding, Extra, Method, ServiceDiscovery, UrlPattern},
};

use super::*;

fn backend(settings: &Json) -> Backend {
    let list = |key: &str| {
        let items = settings[key].as_array().into_iter().flatten();
        items.map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let text = |key: &str| settings[key].as_str().map(str::to_owned);
    let extra = settings.get("extra").map(|value| Component {
        namespace: "proxy".into(),
        value: value.clone(),
        at: Pointer::root().key("extra"),
    });
    Backend {
        hosts: Vec::new(),
        service_discovery: ServiceDiscovery::Static,
        url_pattern: UrlPattern { source: "/".into(), path: Vec::new(), query: Vec::new() },
        method: Method::Get,
        encoding: Encoding::Json,
        is_collection: false,
        target: text("target"),
        allow: list("allow"),
        deny: list("deny"),
        mapping: settings["mapping"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(from, to)| (from.clone(), to.as_str().unwrap().to_owned()))
            .collect(),
        group: text("group"),
        input_headers: Vec::new(),
        input_query_strings: Vec::new(),
        workflow: None,
        plugin: None,
        extra: Extra(extra.into_iter().collect()),
        at: Pointer::root(),
    }
}

fn formatter(settings: &Json) -> Formatter {
    let mut out = Diagnostics::default();
    let formatter = Formatter::new(&backend(settings), &mut out);
    assert!(out.is_empty(), "{out:?}");
    formatter
}

/// The same result from raw data and from a tree.
fn formatted(settings: Json, data: Json) -> Json {
    let formatter = formatter(&settings);
    let as_json =
        |data: Option<Object>| data.map_or(Json::Null, |o| Json::Object(o.into_tree().unwrap()));
    let mut raw = data.is_object().then(|| Object::parse(&data.to_string().into()).unwrap());
    let mut tree = data.as_object().cloned().map(Object::from_tree);
    let mut opened = raw.clone();
    if let Some(object) = &mut opened {
        object.retain(|_, value| {
            let old = std::mem::replace(value, Tree::Null.into());
            *value = old.into_object().map_or_else(|other| other, Value::Object);
            true
        });
    }
    for data in [&mut raw, &mut tree, &mut opened] {
        formatter.apply(data).unwrap();
    }
    let result = as_json(raw);
    assert_eq!(result, as_json(tree));
    assert_eq!(result, as_json(opened));
    result
}

#[test]
fn takes_the_target_out() {
    let data = json!({"a": {"b": {"c": 1}, "l": [1]}, "x": 2});
    for (target, expected) in [
        ("a.b", json!({"c": 1})),
        ("a", json!({"b": {"c": 1}, "l": [1]})),
        ("a.b.c", json!({})),
        ("a.l", json!({})),
        ("a.l.0", json!({})),
        ("a.x.y", json!({})),
        ("nothing", json!({})),
    ] {
        assert_eq!(formatted(json!({"target": target}), data.clone()), expected, "{target}");
    }
    assert_eq!(formatted(json!({"target": "a"}), Json::Null), json!({}));
}

#[test]
fn keeps_what_is_allowed() {
    let data =
        json!({"a": 1, "b": {"c": 1, "d": {"e": 1, "f": 2}}, "g": {"h": 1}, "l": [{"x": 1}]});
    for (allow, expected) in [
        (json!(["a"]), json!({"a": 1})),
        (json!(["a", "b.d.e"]), json!({"a": 1, "b": {"d": {"e": 1}}})),
        (json!(["b.c", "b.d"]), json!({"b": {"c": 1, "d": {"e": 1, "f": 2}}})),
        (json!(["g.x"]), json!({})),
        (json!(["b.d.x", "a.y"]), json!({})),
        (json!(["l.x", "l.0.x", "l.*.x"]), json!({})),
        (json!(["l"]), json!({"l": [{"x": 1}]})),
        (json!(["zz"]), json!({})),
        // Of overlapping paths the last counts.
        (json!(["b", "b.c"]), json!({"b": {"c": 1}})),
        (json!(["b.c", "g.h", "g"]), json!({"b": {"c": 1}, "g": {"h": 1}})),
    ] {
        assert_eq!(formatted(json!({"allow": allow}), data.clone()), expected, "{allow}");
    }
}

#[test]
fn removes_what_is_denied() {
    let data = json!({"a": 1, "b": {"c": 1, "d": {"e": 1}}, "l": [{"x": 1}]});
    for (deny, expected) in [
        (json!(["a", "l"]), json!({"b": {"c": 1, "d": {"e": 1}}})),
        (json!(["b.d.e", "a"]), json!({"b": {"c": 1, "d": {}}, "l": [{"x": 1}]})),
        (json!(["b.c", "b.d"]), json!({"a": 1, "b": {}, "l": [{"x": 1}]})),
        (json!(["a.b", "l.x", "l.0", "zz.y"]), data.clone()),
        // Whatever the order, what is listed is gone.
        (json!(["b", "b.c"]), json!({"a": 1, "l": [{"x": 1}]})),
        (json!(["b.c", "b"]), json!({"a": 1, "l": [{"x": 1}]})),
    ] {
        assert_eq!(formatted(json!({"deny": deny}), data.clone()), expected, "{deny}");
    }
}

#[test]
fn an_allow_list_switches_deny_off() {
    let data = json!({"a": 1, "b": 2});
    assert_eq!(formatted(json!({"allow": ["a", "b"], "deny": ["a"]}), data.clone()), data);
}

#[test]
fn renames_top_level_keys() {
    let data = json!({"a": 1, "b": {"c": 2}});
    for (mapping, expected) in [
        (json!({"a": "x"}), json!({"x": 1, "b": {"c": 2}})),
        (json!({"a": "x.y.z"}), json!({"x": 1, "b": {"c": 2}})),
        (json!({"b.c": "x", "zz": "y"}), data.clone()),
        (json!({"a": "b"}), json!({"b": 1})),
        (json!({"a": "b", "b": "a"}), json!({"b": 1, "a": {"c": 2}})),
        (json!({"a": "a"}), data.clone()),
    ] {
        assert_eq!(formatted(json!({"mapping": mapping}), data.clone()), expected, "{mapping}");
    }
}

#[test]
fn groups_whatever_there_is() {
    assert_eq!(formatted(json!({"group": "g"}), json!({"a": 1})), json!({"g": {"a": 1}}));
    assert_eq!(formatted(json!({"group": "g"}), json!({})), json!({"g": {}}));
    assert_eq!(formatted(json!({"group": "g"}), Json::Null), json!({"g": null}));
}

#[test]
fn works_in_the_documented_order() {
    let settings = json!({
        "target": "data", "allow": ["a", "b.c"], "deny": ["a"], "mapping": {"a": "x", "g": "y"}, "group": "g",
    });
    let data = json!({"data": {"a": 1, "b": {"c": 2, "d": 3}, "g": 4}, "a": 5});
    assert_eq!(formatted(settings.clone(), data), json!({"g": {"x": 1, "b": {"c": 2}}}));
    assert_eq!(
        formatter(&settings).describe(),
        "; target data; allow a, b.c; rename a to x; rename g to y; group g"
    );
}

#[test]
fn a_flatmap_takes_the_place_of_lists_and_mapping() {
    let settings = json!({
        "target": "data", "allow": ["zz"], "mapping": {"b": "x"}, "group": "g",
        "extra": {"flatmap_filter": [{"type": "del", "args": ["l.*.y"]}]},
    });
    let data = json!({"data": {"b": 1, "l": [{"x": 1, "y": 2}]}});
    assert_eq!(formatted(settings.clone(), data), json!({"g": {"b": 1, "l": [{"x": 1}]}}));
    assert_eq!(formatted(settings, Json::Null), json!({"g": {}}));
}

#[test]
fn without_settings_data_stays_as_it_is() {
    let formatter = formatter(&json!({"target": "", "group": ""}));
    assert!(formatter.is_identity());
    assert_eq!(formatter.describe(), "");
    assert!(!self::formatter(&json!({"group": "g"})).is_identity());
}

#[test]
fn what_is_kept_of_a_member_stays_as_it_arrived() {
    let mut data =
        Some(Object::parse(&r#"{"a":{"n": 1.00,"b" :[ 1 , 2 ]},"z":0}"#.into()).unwrap());
    formatter(&json!({"allow": ["a.n", "a.b"]})).apply(&mut data).unwrap();
    assert_eq!(data.unwrap().to_bytes(), r#"{"a":{"b":[ 1 , 2 ],"n":1.00}}"#);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn data() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            any::<i8>().prop_map(Json::from),
            "[a-c]{0,2}".prop_map(Json::from),
            Just(Json::Null)
        ];
        let tree = leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-d]", tree, 0..5)
            .prop_map(|map| Json::Object(map.into_iter().collect()))
    }

    fn paths() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-d](\\.[a-d]){0,2}", 0..5)
    }

    /// Whether a list reaches `path`: it lists the path itself or something above it.
    fn listed(list: &[String], path: &str) -> bool {
        list.iter().any(|entry| path == entry || path.starts_with(&format!("{entry}.")))
    }

    /// Plain models of the rules, straight from their wording.
    fn allowed(list: &[String], data: &Json, at: &str) -> Option<Json> {
        if listed(list, at) {
            return Some(data.clone());
        }
        let kept: serde_json::Map<_, _> = data
            .as_object()?
            .iter()
            .filter_map(|(key, value)| {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                Some((key.clone(), allowed(list, value, &path)?))
            })
            .collect();
        (!kept.is_empty()).then_some(Json::Object(kept))
    }

    fn denied(list: &[String], data: &Json, at: &str) -> Json {
        let Some(map) = data.as_object() else { return data.clone() };
        let kept = map.iter().filter_map(|(key, value)| {
            let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            (!listed(list, &path)).then(|| (key.clone(), denied(list, value, &path)))
        });
        Json::Object(kept.collect())
    }

    proptest! {
        #[test]
        fn allow_is_its_model(data in data(), list in paths()) {
            // Overlapping paths have a rule of their own, tested above.
            let overlap = list.iter().enumerate().any(|(i, a)| list.iter().enumerate().any(|(j, b)| i != j && (a == b || a.starts_with(&format!("{b}.")))));
            prop_assume!(!list.is_empty() && !overlap);
            let expected = allowed(&list, &data, "").unwrap_or_else(|| json!({}));
            prop_assert_eq!(formatted(json!({"allow": list}), data), expected);
        }

        #[test]
        fn deny_is_its_model(data in data(), list in paths()) {
            prop_assert_eq!(formatted(json!({"deny": list}), data.clone()), denied(&list, &data, ""));
        }

        #[test]
        fn mapping_and_group_are_their_model(data in data(), names in prop::collection::btree_map("[a-d]", "[a-f]", 0..4)) {
            let map = data.as_object().unwrap();
            let mut expected: serde_json::Map<_, _> =
                map.iter().filter(|(key, _)| !names.contains_key(*key)).map(|(k, v)| (k.clone(), v.clone())).collect();
            for (from, to) in names.iter().filter(|(from, to)| from == to) {
                expected.extend(map.get(from).map(|value| (to.clone(), value.clone())));
            }
            for (from, to) in names.iter().filter(|(from, to)| from != to) {
                expected.extend(map.get(from).map(|value| (to.clone(), value.clone())));
            }
            prop_assert_eq!(formatted(json!({"mapping": names, "group": "g"}), data), json!({"g": expected}));
        }
    }
}
