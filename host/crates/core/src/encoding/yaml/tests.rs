//! YAML to data and back.

use serde_json::{Value as Json, json};

use super::*;

fn decode(body: &str) -> Result<Json, String> {
    decode_as(body, false)
}

fn decode_as(body: &str, is_collection: bool) -> Result<Json, String> {
    let data =
        Yaml.decode(Bytes::copy_from_slice(body.as_bytes()), is_collection).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Decode);
            error.to_string()
        })?;
    Ok(data.map_or(Json::Null, |object| Json::Object(object.into_tree().unwrap())))
}

fn encoded(data: &Json) -> String {
    let object = Object::parse(&data.to_string().into()).unwrap();
    String::from_utf8(Yaml.encode(Some(&object)).unwrap().to_vec()).unwrap()
}

#[test]
fn mappings_become_objects() {
    let document = "# c\na: 1\nb:\n  - x\n  - {c: [true, ~]}\nd: |\n  two\n  lines\ne: 'quoted 1'\n1: key\nnull: n\n";
    assert_eq!(
        decode(document).unwrap(),
        json!({"a": 1, "b": ["x", {"c": [true, null]}], "d": "two\nlines\n", "e": "quoted 1", "1": "key", "null": "n"})
    );
    assert_eq!(decode("{\"a\": [1, \"x\"]}").unwrap(), json!({"a": [1, "x"]}));
    assert_eq!(decode("a: 1\n---\nb: 2\n").unwrap(), json!({"a": 1}));
    assert_eq!(decode_as("- 1\n- 2\n", true).unwrap(), json!({"collection": [1, 2]}));
}

#[test]
fn nothing_is_null() {
    for document in ["", "# comment\n", "~", "null", "---\n"] {
        assert_eq!(decode(document).unwrap(), Json::Null, "{document:?}");
    }
}

#[test]
fn scalars_follow_the_core_schema() {
    for (text, expected) in [
        ("12", "12"),
        ("-7", "-7"),
        ("+7", "7"),
        ("007", "7"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("1.50", "1.50"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("-.5e3", "-0.5e+3"),
        ("1e-2", "1e-2"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("true", "true"),
        ("TRUE", "true"),
        ("False", "false"),
        ("~", "null"),
        ("Null", "null"),
        ("", "null"),
        ("yes", "\"yes\""),
        ("no", "\"no\""),
        (".inf", "\".inf\""),
        (".nan", "\".nan\""),
        ("1_000", "\"1_000\""),
        ("1:30", "\"1:30\""),
        ("0b1", "\"0b1\""),
        ("0xZ", "\"0xZ\""),
        ("-", "[null]"),
        ("1e", "\"1e\""),
        ("e1", "\"e1\""),
        ("2026-01-01", "\"2026-01-01\""),
        ("\"1\"", "\"1\""),
        ("!!str 1", "\"1\""),
        ("!!int \"1\"", "1"),
        ("!custom 1", "1"),
    ] {
        let document = if text == "-" { "a:\n  -\n".to_owned() } else { format!("a: {text}\n") };
        assert_eq!(decode(&document).unwrap()["a"].to_string(), expected, "{text}");
    }
}

#[test]
fn aliases_and_merges_are_expanded() {
    assert_eq!(
        decode("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n").unwrap(),
        json!({"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]})
    );
    assert_eq!(
        decode("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\none: {<<: *b, x: 9}\ntwo: {<<: [*b, *o]}\n").unwrap()["one"],
        json!({"x": 9, "y": 2})
    );
    assert_eq!(
        decode("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\ntwo: {<<: [*b, *o]}\n").unwrap()["two"],
        json!({"x": 1, "y": 2, "z": 4})
    );
    assert_eq!(decode("a: {'<<': 1}").unwrap(), json!({"a": {"<<": 1}}));
}

#[test]
fn small_documents_stay_small() {
    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", "));
    }
    assert!(decode(&bomb).unwrap_err().contains("too much data"));
    assert!(decode(&format!("a: {}{}", "[".repeat(200), "]".repeat(200))).is_err());
    assert!(decode("a: &x [*x]").is_err());
    let text = "x".repeat(1 << 20);
    assert!(
        decode(&format!("a: &x {text}\nb: [{}]", ["*x"; 64].join(", ")))
            .unwrap_err()
            .contains("too much data")
    );
}

#[test]
fn what_does_not_fit_is_an_error() {
    for document in ["- 1", "text", "a: b: c", "a: [1", "? [x]\n: 1", "a: *nowhere", "a: \"x"] {
        assert!(decode(document).is_err(), "{document}");
    }
    assert!(decode_as("a: 1", true).is_err());
    assert!(Yaml.decode(Bytes::from_static(b"a: \xff"), false).is_err());
}

#[test]
fn objects_become_documents() {
    let data = json!({
        "b": [1, [2, 3], {"x": null, "y": []}, {}], "a": {"c": "plain text", "d": "yes"}, "k: 1": "#no", "e": "", "f": "1.0", "g": 1.0,
    });
    let expected = "a:\n  c: plain text\n  d: \"yes\"\nb:\n  - 1\n  - - 2\n    - 3\n  - x: null\n    \"y\": []\n  - {}\ne: \"\"\nf: \"1.0\"\ng: 1.0\n\"k: 1\": \"#no\"\n";
    assert_eq!(encoded(&data), expected);
    assert_eq!(encoded(&json!({})), "{}\n");
    assert_eq!(Yaml.encode(None).unwrap(), "null\n");
    assert_eq!(Yaml.no_response(), "{}\n");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            ".{0,12}",
            "[ \n\t:#'\"&*?|>%@`{}\\[\\],!-]{0,6}",
            "[\u{80}-\u{9f}\u{2028}\u{2029}\u{feff}\u{ffff}\u{7f}]{0,3}",
            Just("null".to_owned()),
            Just("0x1".to_owned()),
            Just("<<".to_owned()),
            Just("---".to_owned()),
            "[a-z]{1000,1100}",
        ]
    }

    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(Json::from),
            text().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(members in prop::collection::btree_map(text(), tree(), 0..4)) {
            let data = Json::Object(members.into_iter().collect());
            let document = encoded(&data);
            prop_assert_eq!(decode(&document), Ok(data), "{}", document);
        }

        #[test]
        fn any_text_is_read_or_refused(body in "[a:\\-\\[\\]{}&*<!|>'\"# \n\t1]{0,60}") {
            let _ = decode(&body);
        }
    }
}
