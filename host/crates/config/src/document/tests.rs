//! Tests of all three formats: the same values, the right places, no panic on any text.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const JSON: &str = r#"{
  "version": 3,
  "endpoints": [
    { "endpoint": "/ä", "timeout": "2s", "ratio": 1.10 },
    { "endpoint": "/b",
      "a/b~c": [10, 20] }
  ]
}"#;

const YAML: &str = r#"# a comment with ü
version: 3
endpoints:
  - endpoint: /ä
    timeout: 2s
    ratio: 1.10
  - endpoint: "/b"
    a/b~c: [10, 20]
"#;

const TOML: &str = r#"version = 3

[[endpoints]]
endpoint = "/ä"
timeout = "2s"
ratio = 1.10

[[endpoints]]
endpoint = "/b"
"a/b~c" = [10, 20]
"#;

fn document(text: &str, format: Format) -> Document {
    Document::parse("test", text, format).unwrap()
}

fn refused(text: &str, format: Format) -> Located {
    let error = Document::parse("test", text, format).unwrap_err();
    error.located().unwrap().clone()
}

fn slice<'a>(document: &'a Document, pointer: &str, part: Part) -> &'a str {
    let span = document.locate(&Pointer::parse(pointer), part);
    &document.text()[span.start..span.end]
}

#[test]
fn all_formats_give_the_same_values() {
    let json = document(JSON, Format::Json);
    assert_eq!(document(YAML, Format::Yaml).value(), json.value());
    assert_eq!(document(TOML, Format::Toml).value(), json.value());
    assert_eq!(json.value()["endpoints"][0]["ratio"].to_string(), "1.10");
}

#[test]
fn places_of_values_and_keys() {
    for (text, format, path) in [
        (JSON, Format::Json, r#""/ä""#),
        (YAML, Format::Yaml, "/ä"),
        (TOML, Format::Toml, r#""/ä""#),
    ] {
        let document = document(text, format);
        assert_eq!(slice(&document, "/version", Part::Value), "3", "{format}");
        assert_eq!(slice(&document, "/endpoints/0/endpoint", Part::Value), path, "{format}");
        assert_eq!(slice(&document, "/endpoints/0/ratio", Part::Value), "1.10", "{format}");
        assert_eq!(slice(&document, "/endpoints/1/a~1b~0c/1", Part::Value), "20", "{format}");
        let key = slice(&document, "/endpoints/0/timeout", Part::Key);
        assert_eq!(key.trim_matches('"'), "timeout", "{format}");
    }
}

#[test]
fn lines_and_columns_count_characters() {
    let span = |text, format, pointer: &str| {
        let span = document(text, format).locate(&Pointer::parse(pointer), Part::Value);
        (span.line, span.column)
    };
    assert_eq!(span(JSON, Format::Json, "/endpoints/0/timeout"), (4, 36));
    assert_eq!(span(JSON, Format::Json, "/endpoints/1"), (5, 5));
    assert_eq!(span(YAML, Format::Yaml, "/endpoints/0/timeout"), (5, 14));
    assert_eq!(span(TOML, Format::Toml, "/endpoints/0/timeout"), (5, 11));
    assert_eq!(span(TOML, Format::Toml, "/endpoints/1"), (8, 1));
}

#[test]
fn a_missing_place_is_found_at_its_ancestor() {
    for (text, format) in [(JSON, Format::Json), (YAML, Format::Yaml), (TOML, Format::Toml)] {
        let document = document(text, format);
        let there = document.locate(&Pointer::parse("/endpoints/1"), Part::Value);
        let missing = document.locate(&Pointer::parse("/endpoints/1/backend/0/host"), Part::Key);
        assert_eq!(missing, there, "{format}");
        let root = document.locate(&Pointer::parse("/nowhere"), Part::Value);
        assert_eq!(root.line, if format == Format::Yaml { 2 } else { 1 }, "{format}");
    }
}

#[test]
fn what_goes_over_lines_is_cut() {
    let document = document(JSON, Format::Json);
    assert_eq!(slice(&document, "/endpoints/1", Part::Value), r#"{ "endpoint": "/b","#);
}

#[test]
fn byte_order_mark_and_carriage_returns() {
    let text = "\u{feff}{\r\n  \"ä\": 1,\r\n  \"b\": 2\r\n}";
    let span = document(text, Format::Json).locate(&Pointer::parse("/b"), Part::Value);
    assert_eq!((span.line, span.column), (3, 8));
    let text = "\u{feff}ä: 1\r\nb: ü\r\nc: 3\r\n";
    let yaml = document(text, Format::Yaml);
    assert_eq!(slice(&yaml, "/b", Part::Value), "ü");
    assert_eq!(slice(&yaml, "/c", Part::Value), "3");
}

#[test]
fn duplicate_keys_are_warned_of() {
    let at = |text, format| {
        let document = document(text, format);
        let finding = document.findings().first().cloned();
        finding.map(|finding| (finding.at.to_string(), document.located(&finding).span.start))
    };
    let text = r#"{"a:": "\":\\", "b": {"c": 1, "c": 2}}"#;
    assert_eq!(at(text, Format::Json), Some(("/b/c".to_owned(), 30)));
    assert_eq!(at(r#"{"a:": "\":\\", "b": {"c": 1}}"#, Format::Json), None);
    assert_eq!(at("a: 1\na: 2", Format::Yaml), Some(("/a".to_owned(), 5)));
}

#[test]
fn syntax_errors_have_a_place() {
    let json = refused("{\n  \"a\": 1,\n}", Format::Json);
    assert_eq!((json.span.line, json.span.column), (3, 1));
    assert_eq!(json.to_string(), "test:3:1: error[syntax]: not valid JSON: trailing comma");
    let yaml = refused("a: 1\nb: [1, 2\nc: 3\n", Format::Yaml);
    assert!(yaml.span.line >= 2, "{yaml}");
    let toml = refused("a = 1\nb = ]\n", Format::Toml);
    assert_eq!((toml.span.line, toml.span.column), (2, 5));
    assert_eq!(toml.excerpt, "b = ]");
}

#[test]
fn yaml_scalars() {
    let text = "a: ~\nb: yes\nc: 0x1F\nd: 0o17\ne: +5\nf: .5\ng: 'true'\nh: !!str 12\ni: 1e3\nj: TRUE\n\
                k: 1.2.3\nl: -\nm: 007\nn: !!int \"7\"\n";
    let expected = json!({
        "a": null, "b": "yes", "c": 31, "d": 15, "e": 5, "f": 0.5, "g": "true", "h": "12",
        "j": true, "k": "1.2.3", "m": 7, "n": 7,
    });
    let text = text.replace("l: -\n", "");
    let mut value = document(&text, Format::Yaml).value().clone();
    assert_eq!(value.as_object_mut().unwrap().remove("i").unwrap().to_string(), "1e+3");
    assert_eq!(value, expected);
}

#[test]
fn yaml_anchors_and_merge_keys() {
    let text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\n\
                one: {<<: *base, b: 9}\ntwo: {<<: [*base, *other]}\nthree: *base\n";
    let document = document(text, Format::Yaml);
    assert_eq!(document.value()["one"], json!({"a": 1, "b": 9}));
    assert_eq!(document.value()["two"], json!({"a": 1, "b": 2, "c": 4}));
    assert_eq!(document.value()["three"], json!({"a": 1, "b": 2}));
    assert!(document.findings().is_empty());
    assert_eq!(slice(&document, "/two/c", Part::Value), "4");
    assert_eq!(slice(&document, "/three", Part::Value), "*base");
}

#[test]
fn yaml_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", "));
    }
    assert!(refused(&text, Format::Yaml).message.contains("aliases stand for"));
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..400 {
        text += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(refused(&text, Format::Yaml).message.contains("levels deep"));
    assert!(Document::parse("deep", "[".repeat(100_000), Format::Yaml).is_err());
    assert!(Document::parse("deep", "- ".repeat(2_000), Format::Yaml).is_err());
    assert!(Document::parse("self", "a: &a [*a]", Format::Yaml).is_err());
    assert!(Document::parse("two", "a: 1\n---\nb: 2\n", Format::Yaml).is_err());
}

#[test]
fn deep_json_and_toml_are_refused() {
    assert!(Document::parse("deep", "[".repeat(100_000), Format::Json).is_err());
    let toml = format!("a = {}", "[".repeat(100_000));
    assert!(Document::parse("deep", toml, Format::Toml).is_err());
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    assert!(Document::parse("deep", dotted, Format::Toml).is_err());
}

#[test]
fn suffixes_name_formats() {
    for (name, format) in [
        ("krakend.json", Format::Json),
        ("a.yml", Format::Yaml),
        ("a.yaml", Format::Yaml),
        ("a.toml", Format::Toml),
        ("krakend", Format::Json),
        ("a.conf", Format::Json),
    ] {
        assert_eq!(Format::of(Path::new(name)), format, "{name}");
    }
    let missing = Document::load(Path::new("does/not/exist.json")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read does/not/exist.json: "));
}

/// Any JSON tree whose keys are worth escaping.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~ä\n\t]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z/~\"\\\\ü:]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn pointers(value: &Value, at: Pointer, all: &mut Vec<(Pointer, Value)>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, at.key(key), all));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| pointers(value, at.index(i), all));
        }
        _ => {}
    }
    all.push((at, value.clone()));
}

proptest! {
    #[test]
    fn each_place_holds_its_value(value in tree()) {
        let text = value.to_string();
        let document = document(&text, Format::Json);
        prop_assert!(document.findings().is_empty());
        let mut all = Vec::new();
        pointers(&value, Pointer::root(), &mut all);
        for (pointer, value) in all {
            let there = slice(&document, pointer.as_str(), Part::Value);
            prop_assert_eq!(serde_json::from_str::<Value>(there).unwrap(), value);
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[\\[\\]{}:,\"'&*#|>!<%@`a-c0-9ü \n\r\t.=-]{0,60}") {
        for format in [Format::Json, Format::Yaml, Format::Toml] {
            match Document::parse("any", text.clone(), format) {
                Ok(document) => {
                    let mut all = Vec::new();
                    pointers(document.value(), Pointer::root(), &mut all);
                    for (pointer, _) in all {
                        let span = document.locate(&pointer, Part::Key);
                        prop_assert!(document.text().get(span.start..span.end).is_some());
                    }
                }
                Err(error) => prop_assert!(error.located().is_some()),
            }
        }
    }
}
