//! Who sees the page, when, and how it looks.

use std::time::Duration;

use torana_plugin::test::{self, Gateway, Instance, check_schema};

use super::*;

fn start(config: &str) -> Instance<MaintenancePage> {
    test::start(config).expect("a valid configuration")
}

fn page(plugin: &Instance<MaintenancePage>, mut request: test::Request) -> Option<Answer> {
    match plugin.on_request(&mut request).expect("the hook does not fail") {
        Action::Continue => None,
        Action::Respond(answer) => Some(answer),
    }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).expect("text")
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut fields = answer.headers.iter();
    fields.find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

#[test]
fn browsers_get_html_and_programs_json() {
    let plugin = start(r#"{"message":"a < b & c","retry_after":600}"#);
    let browser =
        test::Request::get("/").with_header("accept", "text/html,application/xhtml+xml;q=0.9");
    let answer = page(&plugin, browser).expect("the page");
    assert_eq!(answer.status, 503);
    assert_eq!(field(&answer, "retry-after"), Some("600"));
    assert_eq!(field(&answer, "content-type"), Some("text/html; charset=utf-8"));
    assert!(text(&answer).contains("<p>a &lt; b &amp; c</p>"), "{}", text(&answer));
    let answer = page(&plugin, test::Request::post("/")).expect("the page");
    assert_eq!(answer.status, 503);
    assert_eq!(field(&answer, "cache-control"), Some("no-store"));
    assert_eq!(field(&answer, "content-type"), Some("application/json"));
    assert_eq!(text(&answer), r#"{"message":"a < b & c"}"#);
}

#[test]
fn html_is_for_those_who_take_it() {
    let plugin = start("{}");
    for (accept, is_html) in [
        ("application/json, Text/HTML;level=1;q=0.5", true),
        ("text/html;q=0.001", true),
        ("text/html;q=0", false),
        ("application/json, text/html; Q=0.000", false),
        ("text/html;q=0, text/html;level=1", true),
        ("text/html-sandboxed", false),
        ("*/*", false),
        ("", false),
    ] {
        let request = test::Request::get("/").with_header("accept", accept);
        let answer = page(&plugin, request).expect("the page");
        let ty = field(&answer, "content-type").expect("it has a type");
        assert_eq!(ty.starts_with("text/html"), is_html, "{accept}");
    }
}

#[test]
fn pages_are_the_configurations() {
    let plugin = start(r#"{"html":"<h1>Soon</h1>","json":{"code":7}}"#);
    let browser = test::Request::get("/").with_header("accept", "text/html");
    assert_eq!(text(&page(&plugin, browser).expect("the page")), "<h1>Soon</h1>");
    let answer = page(&plugin, test::Request::get("/")).expect("the page");
    assert_eq!((text(&answer), field(&answer, "retry-after")), (r#"{"code":7}"#, None));
}

#[test]
fn some_see_behind_it() {
    let config = r#"{ "allow": { "addresses": ["10.0.0.0/8"],
        "header": { "name": "X-Pass", "secret": {"env": "PASS"} } } }"#;
    let gateway = Gateway::new().with_env("PASS", "0123456789abcdef");
    let plugin = gateway.start::<MaintenancePage>(config).expect("a valid configuration");
    let get = || test::Request::get("/");
    for (request, passes) in [
        (get(), false),
        (get().with_client_ip("10.1.2.3"), true),
        (get().with_client_ip("::ffff:10.1.2.3"), true),
        (get().with_client_ip("unknown"), false),
        (get().with_header("x-pass", "0123456789abcdef"), true),
        (get().with_header("x-pass", "0123456789abcdeg"), false),
        (get().with_header("x-pass", "0123456789abcde"), false),
        (get().with_header("x-pass", ""), false),
    ] {
        assert_eq!(page(&plugin, request.clone()).is_none(), passes, "{request:?}");
    }
    let mut passing = get().with_header("x-pass", "0123456789abcdef");
    assert_eq!(plugin.on_request(&mut passing), Ok(Action::Continue));
    assert_eq!(passing.header("x-pass"), None, "backends do not learn it");
    for when in [r#""until": "2026-01-01T00:00:00Z""#, r#""from": "2026-01-02T00:00:00Z""#] {
        let config = format!(
            r#"{{ {when}, "allow": {{ "header": {{ "name": "X-Pass", "secret": "0123456789abcdef" }} }} }}"#
        );
        let plugin = start(&config);
        let mut early = get().with_header("x-pass", "0123456789abcdef");
        assert_eq!(plugin.on_request(&mut early), Ok(Action::Continue), "{when}");
        assert_eq!(early.header("x-pass"), None, "nor while there is no page: {when}");
    }
}

#[test]
fn it_begins_and_ends() {
    let config = r#"{ "from": "2026-01-01T01:00:00Z", "until": "2026-01-01T03:00:00+01:00" }"#;
    let plugin = start(config);
    let get = || test::Request::get("/");
    assert!(page(&plugin, get()).is_none(), "it is midnight");
    plugin.gateway().advance(Duration::from_secs(3600));
    let answer = page(&plugin, get()).expect("the page");
    assert_eq!(field(&answer, "retry-after"), Some("3600"), "until the end");
    plugin.gateway().advance(Duration::from_millis(3_599_999));
    let answer = page(&plugin, get()).expect("the page");
    assert_eq!(field(&answer, "retry-after"), Some("1"));
    plugin.gateway().advance(Duration::from_millis(1));
    assert!(page(&plugin, get()).is_none());
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        (r#"{"from":"tomorrow"}"#, "`from`: `tomorrow` is no time"),
        (r#"{"from":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}"#, "`until`"),
        (r#"{"allow":{"addresses":["10.0.0.0/40"]}}"#, "`allow.addresses`"),
        (r#"{"allow":{"header":{"name":"x-pass","secret":"short"}}}"#, "16 bytes"),
        (r#"{"allow":{"header":{"name":"x pass","secret":"0123456789abcdef"}}}"#, "`x pass`"),
        (r#"{"json":"text"}"#, "`json`"),
        (r#"{"mesage":"x"}"#, "unknown field `mesage`"),
    ] {
        let error = test::start::<MaintenancePage>(config).expect_err(config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    let schema = include_str!("../config.schema.json");
    check_schema::<Config>(schema, "");
    check_schema::<Allow>(schema, "/properties/allow");
    check_schema::<SecretHeader>(schema, "/properties/allow/properties/header");
}
