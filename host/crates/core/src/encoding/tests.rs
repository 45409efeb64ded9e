//! Every encoding by its word, in both directions.

use serde_json::{Value as Json, json};

use super::*;
use crate::ErrorKind;

fn decode(
    encoding: Encoding,
    is_collection: bool,
    body: &'static str,
) -> Result<Option<Json>, ErrorKind> {
    decoder(encoding)
        .decode(Bytes::from_static(body.as_bytes()), is_collection)
        .map(|data| data.map(|object| Json::Object(object.into_tree().unwrap())))
        .map_err(|error| error.kind())
}

fn encode(output: OutputEncoding, data: Option<&str>) -> String {
    let object = data.map(|data| Object::parse(&Bytes::copy_from_slice(data.as_bytes())).unwrap());
    let bytes = encoder(output, None).encode(object.as_ref()).unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

const BAD: Result<Option<Json>, ErrorKind> = Err(ErrorKind::Decode);

#[test]
fn json_is_an_object_or_the_expected_list() {
    for encoding in [Encoding::Json, Encoding::FastJson] {
        let cases = [
            (false, r#" {"a": 1} x"#, Ok(Some(json!({"a": 1})))),
            (true, " [1, {}] x", Ok(Some(json!({"collection": [1, {}]})))),
            (false, "{}", Ok(Some(json!({})))),
            (false, "null", Ok(None)),
            (true, " null", Ok(None)),
            (false, "[1]", BAD),
            (true, r#"{"a": 1}"#, BAD),
            (false, "", BAD),
            (true, " \n", BAD),
            (false, "\"text\"", BAD),
            (true, "1", BAD),
            (false, "nul", BAD),
            (false, "{\"a\":[1,]}", BAD),
            (true, "[1", BAD),
            (false, "<html>", BAD),
        ];
        for (is_collection, body, expected) in cases {
            assert_eq!(decode(encoding, is_collection, body), expected, "{body}");
        }
    }
}

#[test]
fn safejson_takes_any_shape() {
    for is_collection in [false, true] {
        let cases = [
            (r#"{"a": 1}"#, Ok(Some(json!({"a": 1})))),
            ("[1]", Ok(Some(json!({"collection": [1]})))),
            ("\"text\"", Ok(Some(json!({"content": "text"})))),
            ("1", Ok(Some(json!({"content": 1})))),
            ("true", Ok(Some(json!({"content": true})))),
            ("null", Ok(Some(json!({"content": null})))),
            ("", BAD),
            ("text", BAD),
        ];
        for (body, expected) in cases {
            assert_eq!(decode(Encoding::SafeJson, is_collection, body), expected, "{body}");
        }
    }
}

#[test]
fn string_is_the_text() {
    assert_eq!(decode(Encoding::String, false, "a \"b\""), Ok(Some(json!({"content": "a \"b\""}))));
    assert_eq!(decode(Encoding::String, true, ""), Ok(Some(json!({"content": ""}))));
    let data = decoder(Encoding::String).decode(Bytes::from_static(b"a\xffb"), false).unwrap();
    assert_eq!(data.unwrap().to_bytes(), "{\"content\":\"a\u{fffd}b\"}");
}

#[test]
fn no_op_is_not_looked_at() {
    assert_eq!(decode(Encoding::NoOp, false, "anything"), Ok(None));
}

#[test]
fn json_sorts_keys() {
    for output in [OutputEncoding::Json, OutputEncoding::FastJson, OutputEncoding::NoOp] {
        assert_eq!(encode(output, Some(r#"{"b":1.0,"a":"<&>"}"#)), r#"{"a":"<&>","b":1.0}"#);
        assert_eq!(encode(output, Some("{}")), "{}");
        assert_eq!(encode(output, None), "null");
        assert_eq!(encoder(output, None).no_response(), "{}");
    }
}

#[test]
fn json_collection_is_a_bare_list() {
    let collection = OutputEncoding::JsonCollection;
    assert_eq!(encode(collection, Some(r#"{"collection":[1, 2],"a":1}"#)), "[1, 2]");
    assert_eq!(encode(collection, Some(r#"{"a":1}"#)), "[]");
    assert_eq!(encode(collection, None), "[]");
    assert_eq!(encoder(collection, None).no_response(), "[]");
}

#[test]
fn string_is_the_content() {
    assert_eq!(encode(OutputEncoding::String, Some(r#"{"content":"a\u00e9\n","b":1}"#)), "aé\n");
    for other in [r#"{"content":1}"#, r#"{"content":{"a":"b"}}"#, r#"{"a":"b"}"#, "{}"] {
        assert_eq!(encode(OutputEncoding::String, Some(other)), "", "{other}");
    }
    assert_eq!(encode(OutputEncoding::String, None), "");
}

#[test]
fn every_encoding_has_its_media_type() {
    for (output, expected) in [
        (OutputEncoding::Json, "application/json; charset=utf-8"),
        (OutputEncoding::FastJson, "application/json; charset=utf-8"),
        (OutputEncoding::JsonCollection, "application/json; charset=utf-8"),
        (OutputEncoding::Xml, "application/xml"),
        (OutputEncoding::Yaml, "application/yaml; charset=utf-8"),
        (OutputEncoding::String, "text/plain; charset=utf-8"),
        (OutputEncoding::Negotiate, "application/json; charset=utf-8"),
    ] {
        assert_eq!(encoder(output, None).content_type(), expected);
    }
}
