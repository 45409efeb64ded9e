//! XML to data and back.

use serde_json::{Value as Json, json};

use super::*;
use crate::ErrorKind;

fn decode(body: &[u8]) -> Result<Json, String> {
    let data = Xml.decode(Bytes::copy_from_slice(body), false).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Decode);
        error.to_string()
    })?;
    Ok(Json::Object(data.unwrap().into_tree().unwrap()))
}

fn decoded(body: &str) -> Json {
    decode(body.as_bytes()).unwrap()
}

fn encoded(data: Json) -> String {
    let object = Object::parse(&data.to_string().into()).unwrap();
    String::from_utf8(Xml.encode(Some(&object)).unwrap().to_vec()).unwrap()
}

#[test]
fn elements_are_keys_and_leaves_are_text() {
    for (document, expected) in [
        ("<a>x</a>", json!({"a": "x"})),
        (
            "<?xml version=\"1.0\"?>\n<!-- c --><a>\n <b> 1 </b> <c>true</c>\n</a>",
            json!({"a": {"b": "1", "c": "true"}}),
        ),
        ("<a/>", json!({"a": ""})),
        ("<a> \n </a>", json!({"a": ""})),
        ("<a><b/><b>1</b><b c='2'/></a>", json!({"a": {"b": ["", "1", {"-c": "2"}]}})),
        ("<a id=\"1\">text</a>", json!({"a": {"-id": "1", "#text": "text"}})),
        ("<a>text<b/></a>", json!({"a": {"b": "", "#text": "text"}})),
        ("<a>one<b/>two</a>", json!({"a": {"b": "", "#text": "two"}})),
        (
            "<m:a xmlns:m=\"urn:x\" m:id=\"1\"><m:b>1</m:b></m:a>",
            json!({"a": {"-m": "urn:x", "-id": "1", "b": "1"}}),
        ),
        ("<a><![CDATA[<x> & ]]>&lt;&#233;&#x41;</a>", json!({"a": "<x> & <éA"})),
        ("<a b=\"&quot;&amp;&#10;\"/>", json!({"a": {"-b": "\"&\n"}})),
        ("<a><b><c><d>1</d></c></b></a> trailing", json!({"a": {"b": {"c": {"d": "1"}}}})),
    ] {
        assert_eq!(decoded(document), expected, "{document}");
    }
}

#[test]
fn a_collection_is_the_whole_document() {
    let data = Xml.decode(Bytes::from_static(b"<a>1</a>"), true).unwrap().unwrap();
    assert_eq!(data.to_bytes(), r#"{"collection":{"a":"1"}}"#);
}

#[test]
fn other_character_encodings_are_read() {
    assert_eq!(
        decode(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>").unwrap(),
        json!({"a": "é"})
    );
    assert_eq!(decode("\u{feff}<a>é</a>".as_bytes()).unwrap(), json!({"a": "é"}));
    let utf16: Vec<u8> = "\u{feff}<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(decode(&utf16).unwrap(), json!({"a": "é"}));
    assert!(
        decode(b"<?xml version='1.0' encoding='klingon'?><a/>").unwrap_err().contains("klingon")
    );
    assert!(decode(b"<a>\xe9</a>").unwrap_err().contains("UTF-8"));
}

#[test]
fn broken_documents_are_errors() {
    for document in [
        "",
        "text",
        "<a>",
        "<a><b></a>",
        "</a>",
        "<a b></a>",
        "<a b='1' b='2'/>",
        "<a>&nbsp;</a>",
        "<a>&",
        "<a b='&x;'/>",
        "<a>&#0;</a>",
    ] {
        assert!(decode(document.as_bytes()).is_err(), "{document}");
    }
}

#[test]
fn small_documents_stay_small() {
    let bomb = r#"<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>"#;
    assert!(decode(bomb.as_bytes()).unwrap_err().contains("unknown entity"));
    let external = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
    assert!(decode(external.as_bytes()).unwrap_err().contains("unknown entity"));
    assert!(decode("<a>".repeat(128).as_bytes()).unwrap_err().contains("too deeply"));
    let wide = format!("<a {}/>", (0..300).map(|i| format!("x{i}='' ")).collect::<String>());
    assert!(decode(wide.as_bytes()).unwrap_err().contains("too many attributes"));
    let many = format!("<a>{}</a>", "<b/>".repeat(300_000));
    assert!(decode(many.as_bytes()).unwrap_err().contains("too many elements"));
}

#[test]
fn objects_become_documents() {
    for (data, expected) in [
        (json!({"a": "x"}), "<a>x</a>"),
        (
            json!({"a": {"c": 1.5, "b": [1, {"x": true}, null]}}),
            "<a><b>1</b><b><x>true</x></b><b/><c>1.5</c></a>",
        ),
        (json!({"a": 1, "b": 2}), "<doc><a>1</a><b>2</b></doc>"),
        (json!({"a": [1, 2]}), "<doc><a>1</a><a>2</a></doc>"),
        (json!({"a": {"-id": 7, "#text": "t"}}), "<a id=\"7\">t</a>"),
        (json!({"-id": 7}), "<doc id=\"7\"/>"),
        (json!({"#text": "t"}), "<doc>t</doc>"),
        (json!({}), "<doc/>"),
        (json!({"a": ""}), "<a/>"),
        (json!({"a": "<&>\"'\r\n"}), "<a>&lt;&amp;&gt;&quot;&apos;&#13;\n</a>"),
        (json!({"a": {"-b": "x\n\ty"}}), "<a b=\"x&#10;&#9;y\"/>"),
        (json!({"1 a<b>": "\u{0}"}), "<_1_a_b_>\u{fffd}</_1_a_b_>"),
        (json!({"a": {"-x": {"y": 1}}}), "<a><_-x><y>1</y></_-x></a>"),
    ] {
        assert_eq!(encoded(data.clone()), expected, "{data}");
    }
    assert_eq!(Xml.encode(None).unwrap(), "<doc/>");
    assert_eq!(Xml.no_response(), "");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn leaf() -> impl Strategy<Value = Json> {
        "[ -~é\u{0}\u{b}]{0,8}".prop_map(Json::from)
    }

    fn tree() -> impl Strategy<Value = Json> {
        leaf().prop_recursive(3, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map("[-#a-c<\"1 ]{0,4}|#text", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever the data is, its document can be read.
        #[test]
        fn documents_are_well_formed(members in prop::collection::btree_map("[-#a-c&]{0,3}", tree(), 0..4)) {
            // Attributes that become equal by the replacing of characters are the one thing that is not.
            let document = encoded(Json::Object(members.into_iter().collect()));
            if let Err(error) = decode(document.as_bytes()) {
                prop_assert!(error.contains("duplicated attribute"), "{error}: {document}");
            }
        }

        #[test]
        fn texts_survive(text in "[!-~é]{1,20}", id in "[ -~\n\té]{1,20}") {
            let data = json!({"a": {"-id": id, "b": [text.clone(), "x"]}});
            prop_assert_eq!(decoded(&encoded(data.clone())), data);
        }

        #[test]
        fn any_text_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body);
        }
    }
}
