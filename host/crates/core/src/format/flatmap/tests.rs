//! Each operation of flatmap on data of every shape.

use serde_json::{Value as Json, json};

use super::*;

fn flatmap(operations: &Json) -> Flatmap {
    let mut out = Diagnostics::default();
    let flatmap = Flatmap::read(operations, &Pointer::root(), &mut out);
    assert!(out.is_empty(), "{out:?}");
    flatmap.unwrap()
}

fn applied(operations: &[(&str, &[&str])], data: Json) -> Json {
    let operations: Vec<_> =
        operations.iter().map(|(kind, args)| json!({"type": kind, "args": args})).collect();
    let mut object = Object::parse(&data.to_string().into()).unwrap();
    flatmap(&Json::from(operations)).apply(&mut object).unwrap();
    Json::Object(object.into_tree().unwrap())
}

fn moved(from: &str, to: &str, data: Json) -> Json {
    applied(&[("move", &[from, to])], data)
}

fn deleted(path: &str, data: Json) -> Json {
    applied(&[("del", &[path])], data)
}

#[test]
fn moves_at_equal_depth_rename_the_last_segment() {
    assert_eq!(moved("a", "b", json!({"a": 42})), json!({"b": 42}));
    assert_eq!(
        moved("b.a", "b.c", json!({"a": 1, "b": {"a": 42}})),
        json!({"a": 1, "b": {"c": 42}})
    );
    // The segments in front are not looked at.
    assert_eq!(moved("b.a", "x.c", json!({"b": {"a": 42}})), json!({"b": {"c": 42}}));
    assert_eq!(
        moved(
            "b.*.c",
            "b.*.x",
            json!({"b": {"f": {"c": {"d": 1}}, "l": {"m": 2, "c": 3}}, "c": 4})
        ),
        json!({"b": {"f": {"x": {"d": 1}}, "l": {"m": 2, "x": 3}}, "c": 4})
    );
    assert_eq!(
        moved(
            "a.*.b.*.c",
            "a.*.b.*.x",
            json!({"a": [{"b": [{"c": 1}, {"c": 2, "d": 3}]}, {"b": []}, 4]})
        ),
        json!({"a": [{"b": [{"x": 1}, {"x": 2, "d": 3}]}, {"b": []}, 4]})
    );
    assert_eq!(
        moved("a.1.c", "a.1.d", json!({"a": [{"c": 0}, {"c": 1}]})),
        json!({"a": [{"c": 0}, {"d": 1}]})
    );
    // An existing key gives way; an equal name changes nothing.
    assert_eq!(moved("a", "b", json!({"a": 1, "b": 2})), json!({"b": 1}));
    assert_eq!(moved("a", "a", json!({"a": 1, "b": 2})), json!({"a": 1, "b": 2}));
}

#[test]
fn moves_to_a_shorter_path_lift() {
    assert_eq!(
        moved("b.b", "c", json!({"b": {"a": 1, "b": {"x": 2}}})),
        json!({"b": {"a": 1}, "c": {"x": 2}})
    );
    assert_eq!(moved("b.a", "c", json!({"b": {"a": 42}})), json!({"b": {}, "c": 42}));
    // Wildcards are filled with what the source matched.
    assert_eq!(
        moved("a.*.b.c", "a.*.c", json!({"a": [{"b": {"c": 1, "d": 2}}, {"b": {"c": 3}}]})),
        json!({"a": [{"b": {"d": 2}, "c": 1}, {"b": {}, "c": 3}]})
    );
    // Where the way is missing, the deepest node on it takes the child.
    assert_eq!(
        moved("a.b.c.d", "a.x.d", json!({"a": {"b": {"c": {"d": 1}}}})),
        json!({"a": {"b": {"c": {}}, "d": 1}})
    );
    assert_eq!(
        moved("a.b.c.d", "x.y.d", json!({"a": {"b": {"c": {"d": 1}}}})),
        json!({"a": {"b": {"c": {}}}, "d": 1})
    );
    // Several matches for one key: the last one stays.
    assert_eq!(
        moved("a.*.x", "y", json!({"a": [{"x": 1}, {"x": 2}]})),
        json!({"a": [{}, {}], "y": 2})
    );
}

#[test]
fn moves_to_a_longer_path_bury() {
    assert_eq!(
        moved("b.a", "b.b.a.c", json!({"a": 1, "b": {"a": 42}})),
        json!({"a": 1, "b": {"b": {"a": {"c": 42}}}})
    );
    assert_eq!(
        moved("b.*.c", "b.*.c.b.x", json!({"b": {"f": {"c": {"d": 1}}, "l": {"m": 2, "c": 3}}})),
        json!({"b": {"f": {"c": {"b": {"x": {"d": 1}}}}, "l": {"m": 2, "c": {"b": {"x": 3}}}}})
    );
    assert_eq!(moved("a", "b.c", json!({"a": 1, "b": {"x": 2}})), json!({"b": {"c": 1, "x": 2}}));
    assert_eq!(moved("a", "b.c", json!({"a": 1, "b": 2})), json!({"b": {"c": 1}}));
}

#[test]
fn the_last_segment_of_a_source_is_literal() {
    let data = json!({"a": {"x": 1, "y": 2}});
    assert_eq!(moved("a.*", "a.z", data.clone()), data);
    assert_eq!(moved("a.*", "b", json!({"a": {"*": 1, "y": 2}})), json!({"a": {"y": 2}, "b": 1}));
}

#[test]
fn deletes_all_matches() {
    let data = json!({"a": [{"x": 1, "y": 2}, {"x": 3}], "b": {"p": {"x": 4}, "q": 5}});
    assert_eq!(
        deleted("a.*.x", data.clone()),
        json!({"a": [{"y": 2}, {}], "b": {"p": {"x": 4}, "q": 5}})
    );
    assert_eq!(
        deleted("b.*.x", data.clone()),
        json!({"a": [{"x": 1, "y": 2}, {"x": 3}], "b": {"p": {}, "q": 5}})
    );
    assert_eq!(
        deleted("*.*.x", data.clone()),
        json!({"a": [{"y": 2}, {}], "b": {"p": {}, "q": 5}})
    );
    assert_eq!(
        deleted("a.0", data.clone()),
        json!({"a": [{"x": 3}], "b": {"p": {"x": 4}, "q": 5}})
    );
    assert_eq!(deleted("a.*", data.clone()), json!({"a": [], "b": {"p": {"x": 4}, "q": 5}}));
    assert_eq!(deleted("*", data.clone()), json!({}));
    for nothing in ["c", "a.x", "a.2", "a.00", "a.+0", "a.*.z", "b.q.x", "a.0.x.y"] {
        assert_eq!(deleted(nothing, data.clone()), data, "{nothing}");
    }
}

#[test]
fn elements_keep_their_index_until_the_end() {
    let data = json!({"a": [0, 1, 2, 3]});
    assert_eq!(applied(&[("del", &["a.0", "a.1"])], data.clone()), json!({"a": [2, 3]}));
    assert_eq!(applied(&[("del", &["a.0"]), ("del", &["a.0"])], data), json!({"a": [1, 2, 3]}));
}

#[test]
fn appends_one_list_to_another() {
    let append = |from, to, data| applied(&[("append", &[from, to])], data);
    assert_eq!(append("a", "b", json!({"a": [42], "b": [1]})), json!({"b": [1, 42]}));
    assert_eq!(
        append("x.a", "y.b", json!({"x": {"a": [1]}, "y": {"b": []}})),
        json!({"x": {}, "y": {"b": [1]}})
    );
    assert_eq!(
        append("l.*.x", "b", json!({"l": [{"x": 1}, {"y": 2}], "b": [0]})),
        json!({"l": [{}, {"y": 2}], "b": [0, 1, null]})
    );
    for unfit in [
        json!({"a": [1]}),
        json!({"b": [1]}),
        json!({"a": 1, "b": [1]}),
        json!({"a": [1], "b": {}}),
    ] {
        assert_eq!(append("a", "b", unfit.clone()), unfit);
    }
}

#[test]
fn runs_operations_in_order_on_the_touched_members_only() {
    let operations = json!([
        {"type": "move", "args": ["a.*.id", "a.*.key"]},
        {"type": "del", "args": ["a.*.key", "b"]},
    ]);
    let mut object = Object::parse(&r#"{"a":[{"id":1}],"b":2,"c":[ 1.0 ]}"#.into()).unwrap();
    let flatmap = flatmap(&operations);
    flatmap.apply(&mut object).unwrap();
    assert_eq!(object.to_bytes(), r#"{"a":[{}],"c":[ 1.0 ]}"#);
    assert_eq!(flatmap.describe(), "move a.*.id to a.*.key; del a.*.key; del b");
}

#[test]
fn reports_what_is_wrong_where_it_stands() {
    let value = json!([
        {"type": "move", "args": ["a"]},
        {"type": "mov", "args": ["a", "b"]},
        {"type": "append", "args": ["a", "b.*"]},
        {"type": "del", "args": "a"},
        7,
        {"type": "del", "args": ["a"]},
    ]);
    let mut out = Diagnostics::default();
    let flatmap = Flatmap::read(&value, &Pointer::parse("/x"), &mut out).unwrap();
    assert_eq!(flatmap.describe(), "del a");
    let found: Vec<_> = out.iter().map(|d| (d.code, d.at.as_str().to_owned())).collect();
    assert_eq!(
        found,
        [
            ("flatmap-args", "/x/0/args".to_owned()),
            ("unknown-word", "/x/1/type".to_owned()),
            ("flatmap-args", "/x/2/args/1".to_owned()),
            ("wrong-type", "/x/3/args".to_owned()),
            ("wrong-type", "/x/4".to_owned()),
        ]
    );
    assert_eq!(out.iter().nth(1).unwrap().severity, torana_config::Severity::Warning);
    let mut out = Diagnostics::default();
    assert!(Flatmap::read(&json!({"type": "del"}), &Pointer::root(), &mut out).is_none());
    assert!(out.has_errors());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn data() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![any::<i8>().prop_map(Json::from), Just(Json::Null)];
        let tree = leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map("[a-c0*]", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-c0*]", tree, 0..5)
            .prop_map(|map| Json::Object(map.into_iter().collect()))
    }

    fn path() -> impl Strategy<Value = String> {
        "[a-c0-2*](\\.[a-c0-2*]){0,4}"
    }

    fn operation() -> impl Strategy<Value = Json> {
        prop_oneof![
            (path(), path()).prop_map(|(from, to)| json!({"type": "move", "args": [from, to]})),
            (path(), "[a-c0-2](\\.[a-c0-2]){0,3}")
                .prop_map(|(from, to)| json!({"type": "append", "args": [from, to]})),
            prop::collection::vec(path(), 0..3)
                .prop_map(|paths| json!({"type": "del", "args": paths})),
        ]
    }

    fn leaves(tree: &Json) -> usize {
        match tree {
            Json::Array(items) => items.iter().map(leaves).sum(),
            Json::Object(map) => map.values().map(leaves).sum(),
            _ => 1,
        }
    }

    proptest! {
        /// Parsing only what is touched gives what parsing everything gives.
        #[test]
        fn touched_members_are_enough(data in data(), operations in prop::collection::vec(operation(), 1..5)) {
            let mut out = Diagnostics::default();
            if let Some(flatmap) = Flatmap::read(&Json::from(operations), &Pointer::root(), &mut out) {
                let mut object = Object::parse(&data.to_string().into()).unwrap();
                flatmap.apply(&mut object).unwrap();
                let mut whole = data.as_object().unwrap().clone();
                flatmap.run(&mut whole);
                prop_assert_eq!(object.into_tree().unwrap(), whole);
            }
        }

        /// What is deleted is not found again.
        #[test]
        fn deleting_twice_is_deleting_once(data in data(), path in "[a-c*](\\.[a-c*]){0,4}") {
            let once = deleted(&path, data);
            prop_assert_eq!(deleted(&path, once.clone()), once);
        }

        /// Moves never make data.
        #[test]
        fn moving_never_adds(data in data(), from in path(), to in path()) {
            prop_assert!(leaves(&moved(&from, &to, data.clone())) <= leaves(&data));
        }
    }
}
