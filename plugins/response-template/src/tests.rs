//! What templates make of requests and answers.

use proptest::prelude::*;
use serde_json::json;
use torana_plugin::test::{self, Instance, check_schema};

use super::*;

fn start(config: &Value) -> Instance<ResponseTemplate> {
    test::start(config).expect("a valid configuration")
}

fn text(body: Option<&[u8]>) -> &str {
    std::str::from_utf8(body.expect("a body")).expect("text")
}

const REQUEST: &str = r#"{"m":{{request.method}},"p":{{ request.path }},"q":{{request.query.q}},"h":{{request.header.X-A}},"i":{{request.param.id}},"ip":{{request.ip}},"n":{{request.id}},"none":{{request.query.none}}}"#;

fn request() -> test::Request {
    test::Request::get("/a%20b?q=%22x%22").with_param("id", "7").with_header("x-a", "v").with_id(3)
}

#[test]
fn a_request_is_answered() {
    let plugin = start(&json!({
        "body": REQUEST, "at": "request", "status": 201, "headers": {"x-made": "here"} }));
    let body = r#"{"m":"GET","p":"/a%20b","q":"\"x\"","h":"v","i":"7","ip":"192.0.2.1","n":3,"none":null}"#;
    let answer = Answer::new(201)
        .header("content-type", "application/json")
        .header("x-made", "here")
        .body(body);
    assert_eq!(plugin.handle(&mut request()), Ok(answer.clone()));
    assert_eq!(plugin.on_request(&mut request()), Ok(answer.into()));
    let mut response = test::Response::json(r#"{"a":1}"#);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(response, test::Response::json(r#"{"a":1}"#));
}

#[test]
fn a_body_is_replaced() {
    let plugin = start(&json!({
        "body": r#"{"user":{{data/user/name}},"all":{{data}},"s":{{response.status}},"h":{{response.header.x-b}},"p":{{request.path}}}"# }));
    assert_eq!(plugin.on_request(&mut request()), Ok(Action::Continue));
    let mut response = test::Response::new(404)
        .with_id(3)
        .with_header("x-b", "w")
        .with_header("content-type", "text/plain")
        .with_header("etag", "old")
        .with_body(r#"{"user":{"name":"a\"b"}}"#);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(
        text(response.body()),
        r#"{"user":"a\"b","all":{"user":{"name":"a\"b"}},"s":404,"h":"w","p":"/a%20b"}"#
    );
    assert_eq!(response.headers("content-type"), ["application/json"]);
    assert_eq!((response.status(), response.header("etag")), (404, None));
    // A body that is not JSON has no data; a request that the plugin did not see has no values.
    let mut response = test::Response::new(200).with_id(4).with_body("text");
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(text(response.body()), r#"{"user":null,"all":null,"s":200,"h":null,"p":null}"#);
}

#[test]
fn decoded_data_is_replaced_by_an_object() {
    let plugin = start(&json!({
        "body": r#"{"name":{{data/a}}}"#, "status": 202, "headers": {"x-made": "here"} }));
    let mut response = test::Response::json(r#"{"a":[1,2]}"#);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(response.data(), Some(&json!({"name": [1, 2]})));
    assert_eq!((response.status(), response.header("x-made")), (202, Some("here")));
    assert_eq!(response.header("content-type"), None, "the gateway's encoding says it");
    for (body, format) in [("{{data/a}}", "json"), ("<p>{{data/a}}", "html")] {
        let plugin = start(&json!({"body": body, "format": format}));
        assert!(plugin.on_response(&mut test::Response::json(r#"{"a":[1]}"#)).is_err(), "{format}");
    }
}

#[test]
fn values_are_escaped_for_their_format() {
    let body = "<p title=\"{{data/x}}\">{{data/x}} {{data/n}} {{data/none}}</p>";
    let data = r#"{"x":"<a href='?a=1&b'>\"","n":[1,"<"]}"#;
    for (format, ty, expected) in [
        (
            "html",
            "text/html; charset=utf-8",
            "<p title=\"&lt;a href=&#39;?a=1&amp;b&#39;&gt;&quot;\">&lt;a href=&#39;?a=1&amp;b&#39;&gt;&quot; [1,&quot;&lt;&quot;] </p>",
        ),
        (
            "text",
            "text/plain; charset=utf-8",
            "<p title=\"<a href='?a=1&b'>\"\"><a href='?a=1&b'>\" [1,\"<\"] </p>",
        ),
    ] {
        let plugin = start(&json!({"body": body, "format": format}));
        let mut response = test::Response::new(200).with_body(data);
        assert_eq!(plugin.on_response(&mut response), Ok(()));
        assert_eq!((text(response.body()), response.header("content-type")), (expected, Some(ty)));
    }
}

#[test]
fn other_statuses_stay_as_they_are() {
    let plugin = start(&json!({"body": "{}", "only": [200], "headers": {"Content-Type": "x/y"}}));
    let mut other = test::Response::new(404).with_body("not here");
    assert_eq!(plugin.on_response(&mut other), Ok(()));
    assert_eq!(text(other.body()), "not here");
    let mut good = test::Response::new(200).with_body("here");
    assert_eq!(plugin.on_response(&mut good), Ok(()));
    assert_eq!((text(good.body()), good.headers("content-type")), ("{}", vec!["x/y"]));
}

#[test]
fn a_body_that_streams_needs_a_limit() {
    let plugin = start(&json!({"body": "{{data}}"}));
    let error = plugin.on_response(&mut test::Response::new(200).streaming());
    assert!(error.expect_err("it cannot be read").to_string().contains("limits.body"));
    // What is not asked for need not be there.
    let plugin = start(&json!({"body": "{{response.status}}"}));
    let mut response = test::Response::new(200).streaming();
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(text(response.body()), "200");
}

#[test]
fn a_compressed_body_is_no_empty_data() {
    let plugin = start(&json!({"body": "{{data}}"}));
    let packed = || test::Response::new(200).with_body(vec![0x1f, 0x8b, 8, 0]);
    let mut response = packed().with_header("content-encoding", "gzip");
    let error = plugin.on_response(&mut response).expect_err("it cannot be read").to_string();
    assert!(error.contains("`content-encoding: gzip`"), "{error}");
    let twice =
        packed().with_header("content-encoding", "identity").with_header("content-encoding", "br");
    assert!(plugin.on_response(&mut { twice }).is_err());
    for mut readable in [
        packed().with_header("content-encoding", "Identity"),
        test::Response::new(200).with_header("content-encoding", "gzip"),
    ] {
        assert_eq!(plugin.on_response(&mut readable), Ok(()));
        assert_eq!(text(readable.body()), "null");
    }
    // What is not asked for need not be readable.
    let plugin = start(&json!({"body": "{{response.status}}"}));
    let mut response = packed().with_header("content-encoding", "gzip");
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!((text(response.body()), response.header("content-encoding")), ("200", None));
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        (json!({}), "missing field `body`"),
        (json!({"body": "{{ data"}), "has no end"),
        (json!({"body": "{{ request.host }}"}), "there is no value `request.host`"),
        (json!({"body": r#"{"a":"{{ data/x }}"}"#}), "makes no JSON"),
        (json!({"body": "{"}), "makes no JSON"),
        (json!({"body": "{{data}}", "at": "request"}), "there is no response"),
        (json!({"body": "{}", "status": 101}), "between 200 and 599"),
        (json!({"body": "{}", "headers": {"host": "a"}}), "`host`"),
        (json!({"body": "{}", "format": "xml"}), "`format`: unknown variant `xml`"),
        (json!({"body": "{}", "contentType": "a"}), "unknown field `contentType`"),
    ] {
        let error =
            test::start::<ResponseTemplate>(&config).expect_err("it is refused").to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
    let plugin = start(&json!({"body": "{}"}));
    assert!(plugin.handle(&mut request()).is_err(), "there is no response to change");
}

#[test]
fn the_schema_is_whole() {
    check_schema::<Config>(include_str!("../config.schema.json"), "");
}

proptest! {
    /// What a JSON template makes is JSON with the value in its place; HTML stays one element.
    #[test]
    fn no_value_breaks_out(value in ".{0,12}", template in "[{} a-z/.]{0,12}") {
        let _ = Template::parse(&template);
        let data = json!({"x": value}).to_string();
        let run = |config: &Value| {
            let mut response = test::Response::new(200).with_body(data.clone());
            start(config).on_response(&mut response).expect("the hook does not fail");
            text(response.body()).to_owned()
        };
        let made: Value = serde_json::from_str(&run(&json!({"body": r#"[{{data/x}}]"#}))).expect("JSON");
        prop_assert_eq!(made, json!([value]));
        let html = run(&json!({"body": "<p a=\"{{data/x}}\">", "format": "html"}));
        prop_assert_eq!(html.matches(['<', '>', '"', '\'']).count(), 4);
    }
}
