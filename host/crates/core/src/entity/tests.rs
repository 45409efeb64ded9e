//! Objects that stay bytes: order, duplicate and escaped keys, what is no object.

use serde_json::{Value as Json, json};

use super::*;

fn parse(text: &str) -> Object {
    Object::parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn error(text: &[u8]) -> String {
    let error = Object::parse(&Bytes::copy_from_slice(text)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    error.to_string()
}

fn written(object: &Object) -> String {
    String::from_utf8(object.to_bytes().to_vec()).unwrap()
}

#[test]
fn sorts_keys_and_keeps_values_as_they_arrived() {
    let object =
        parse(" {\"b\" : [1.0,  {\"z\":1,\"a\":2}] ,\n\"a\":1E+2,\t\"ab\":\"\\u00e9\\/\"} ");
    assert_eq!(
        written(&object),
        "{\"a\":1E+2,\"ab\":\"\\u00e9\\/\",\"b\":[1.0,  {\"z\":1,\"a\":2}]}"
    );
    assert_eq!(written(&parse("{}")), "{}");
}

#[test]
fn sorts_keys_that_begin_alike() {
    let object =
        parse(r#"{"prefix_long_2":1,"prefix_long_1":2,"prefix_l":3,"prefix_":4,"":5,"é":6,"z":7}"#);
    let keys: Vec<_> = object.iter().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(keys, ["", "prefix_", "prefix_l", "prefix_long_1", "prefix_long_2", "z", "é"]);
}

#[test]
fn takes_the_last_of_equal_keys_however_they_are_spelt() {
    assert_eq!(written(&parse(r#"{"a":1,"b":2,"a":3}"#)), r#"{"a":3,"b":2}"#);
    assert_eq!(written(&parse(r#"{"a":1,"b":2,"\u0061":3}"#)), r#"{"a":3,"b":2}"#);
    assert_eq!(written(&parse(r#"{"\u0061":1,"b":2,"a":3}"#)), r#"{"a":3,"b":2}"#);
    let object = parse(r#"{"a\"\u00e9\n":1}"#);
    assert!(object.get("a\"é\n").is_some());
    assert_eq!(written(&object), "{\"a\\\"é\\n\":1}");
}

#[test]
fn ignores_what_follows_the_object() {
    assert_eq!(written(&parse(r#"{"a":1} {"b" garbage"#)), r#"{"a":1}"#);
    let object = Object::parse(&Bytes::from_static(b"{\"a\":1}\xff\xff")).unwrap();
    assert_eq!(written(&object), r#"{"a":1}"#);
}

#[test]
fn refuses_what_is_not_json_anywhere() {
    for text in [
        "",
        " ",
        "[]",
        "1",
        "null",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":1e+}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":nul",
        "{\"a\":'x'}",
        "{\"a\":\"x}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u123\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\0\"}",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":[}",
        "{\"a\":{]}",
        "{\"a\":[1}",
        "{\"a\":{\"b\":1]}",
        "{\"a\":{\"b\"}}",
        "{\"a\":{,}}",
        "{\"a\":1}}"[..7].trim_end_matches('}'),
    ] {
        error(text.as_bytes());
    }
    assert!(error(b"{\"a\":\"\xff\"}").contains("UTF-8"));
    assert!(error(b"{\"a\":[\"\xc3\x28\"]}").contains("UTF-8"));
    assert_eq!(error(b"{\"a\":[1,x]}"), "invalid JSON at byte 8: expected a value");
}

#[test]
fn limits_the_depth_to_what_a_tree_reader_takes() {
    let nested =
        |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let object = parse(&nested(127));
    object.into_tree().unwrap();
    assert!(error(nested(128).as_bytes()).contains("nested too deeply"));
    // A text of opening brackets only costs no stack.
    error(format!("{{\"a\":{}", "[{\"a\":".repeat(100_000)).as_bytes());
}

#[test]
fn replaces_halves_of_surrogate_pairs() {
    let object =
        parse(r#"{"\ud800":"a\udc00b","c":["\ud83d\ude00","\ud83dx","\ud83d\ud83d\ude00"]}"#);
    assert_eq!(
        Json::Object(object.into_tree().unwrap()),
        json!({"\u{fffd}": "a\u{fffd}b", "c": ["😀", "\u{fffd}x", "\u{fffd}😀"]})
    );
}

#[test]
fn gets_inserts_and_removes() {
    let mut object = parse(r#"{"b":1,"d":2}"#);
    assert!(object.insert("c", "x").is_none());
    assert!(object.insert("a", json!([1])).is_none());
    assert_eq!(format!("{:?}", object.insert("b", parse("{\"z\":0}")).unwrap()), "1");
    assert_eq!(written(&object), r#"{"a":[1],"b":{"z":0},"c":"x","d":2}"#);
    assert!(object.remove("d").is_some() && object.remove("d").is_none());
    assert!(object.get("a").is_some() && object.get("d").is_none());
    assert_eq!(object.len(), 3);
}

#[test]
fn merges_by_top_level_keys_and_the_later_wins() {
    let mut object = parse(r#"{"a":1,"c":{"x":1}}"#);
    object.merge(parse(r#"{"b":2,"c":{"y":2}}"#));
    assert_eq!(written(&object), r#"{"a":1,"b":2,"c":{"y":2}}"#);
    object.merge(parse(r#"{"0":0,"a":3,"d":4,"e":5}"#));
    assert_eq!(written(&object), r#"{"0":0,"a":3,"b":2,"c":{"y":2},"d":4,"e":5}"#);
    object.merge(Object::new());
    assert_eq!(object.len(), 6);
}

#[test]
fn edits_only_the_chosen_members() {
    let mut object = parse(r#"{"a":[ 1 ],"b":[ 2 ],"c":[ 3 ]}"#);
    object
        .edit_members(
            |key, _| key != "b",
            |map| {
                assert_eq!(map.keys().collect::<Vec<_>>(), ["a", "c"]);
                map.remove("a");
                map.insert("d".into(), 4.into());
            },
        )
        .unwrap();
    assert_eq!(written(&object), r#"{"b":[ 2 ],"c":[3],"d":4}"#);
}

#[test]
fn takes_values_apart_one_level() {
    let object = parse(r#"{"a":{"b":{"c": [ 1 ]},"x":1,"b":{"c": [ 2 ]}},"s":"t"}"#);
    let Some(Value::Raw(raw)) = object.get("a") else { panic!("raw") };
    assert_eq!(raw.member("b").unwrap().as_str(), r#"{"c": [ 2 ]}"#);
    assert!(raw.member("y").is_none());
    assert_eq!(written(&raw.members(|key| key == "x").unwrap()), r#"{"x":1}"#);
    let Some(Value::Raw(raw)) = object.get("s") else { panic!("raw") };
    assert!(raw.members(|_| true).is_none());
}

#[test]
fn gives_values_as_text() {
    let text = r#"{"s":"a\"é","n":1.0,"big":12345678901234567890123,"e":1.5e-2,"t":true,"f":false,"z":null,
        "l":["a",1.50,true,null,["x","y"]],"le":[],"o":{"p":{"q":"deep"},"p.q":"no"},"d.t":1}"#;
    let expected = [
        ("s", Some("a\"é")),
        ("n", Some("1.0")),
        ("big", Some("12345678901234567890123")),
        ("e", Some("1.5e-2")),
        ("t", Some("true")),
        ("f", Some("false")),
        ("z", Some("<nil>")),
        ("l", Some("a,1.50,true,<nil>,x,y")),
        ("le", Some("")),
        ("o.p.q", Some("deep")),
        ("o.p", Some(r#"{"q":"deep"}"#)),
        ("o.x", None),
        ("l.0", None),
        ("s.x", None),
        ("d.t", None),
        ("missing", None),
        ("", None),
    ];
    let raw = parse(text);
    let tree = Object::from_tree(raw.clone().into_tree().unwrap());
    let mut opened = raw.clone();
    opened.retain(|_, value| {
        if value.is_object() {
            *value = std::mem::replace(value, Json::Null.into()).into_object().unwrap().into();
        }
        true
    });
    for object in [raw, tree, opened] {
        for (path, text) in expected {
            assert_eq!(object.text_at(path).as_deref(), text, "{path}");
        }
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Trees with awkward keys and numbers.
    pub(crate) fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Json::from),
            ".{0,20}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                prop::collection::btree_map(".{0,10}", inner, 0..5)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    fn map() -> impl Strategy<Value = Map> {
        prop::collection::btree_map("[a-e\"\\\\é]{0,12}", tree(), 0..20)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn reads_back_what_serde_json_writes(map in map(), pretty in any::<bool>()) {
            let tree = Json::Object(map.clone());
            let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) };
            let object = parse(&text.unwrap());
            prop_assert_eq!(object.len(), map.len());
            let again: Json = serde_json::from_slice(&object.to_bytes()).unwrap();
            prop_assert_eq!(&again, &tree);
            prop_assert_eq!(Json::Object(object.into_tree().unwrap()), tree);
        }

        #[test]
        fn merges_as_maps_do(first in map(), second in map()) {
            let mut object = parse(&Json::Object(first.clone()).to_string());
            object.merge(parse(&Json::Object(second.clone()).to_string()));
            let mut model = first;
            model.extend(second);
            prop_assert_eq!(object.into_tree().unwrap(), model);
        }

        /// Where the text is cut or changed, both readers agree whether it is JSON.
        #[test]
        fn accepts_what_serde_json_accepts(map in map(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut text = Json::Object(map).to_string().into_bytes();
            let at = at.index(text.len());
            if cut { text.truncate(at) } else { text[at] = byte }
            let mut stream = serde_json::Deserializer::from_slice(&text).into_iter::<Json>();
            let theirs = stream.next().and_then(Result::ok).filter(Json::is_object);
            let ours = Object::parse(&text.into()).ok().map(|object| Json::Object(object.into_tree().unwrap()));
            prop_assert_eq!(ours, theirs);
        }
    }
}
