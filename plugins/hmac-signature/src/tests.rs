//! Which signatures are good, and what signing makes.

use proptest::prelude::*;
use torana_plugin::test::{self, Gateway, Instance, check_schema};

use super::*;

const SECRET: &str = "0123456789abcdef";
const ALL: &str =
    r#"["method", "path", "query", "header:X-Tenant", "timestamp", "text:v1", "body"]"#;

fn config(mode: &str, parts: &str, more: &str) -> String {
    format!(r#"{{ "mode": "{mode}", "secrets": ["{SECRET}"], "parts": {parts}{more} }}"#)
}

fn start(config: &str) -> Instance<HmacSignature> {
    Gateway::new().with_time(1_000_000).start(config).expect("a valid configuration")
}

fn request() -> test::Request {
    test::Request::post("/a%20b?x=1&y=2").with_header("x-tenant", "acme").with_body("{\"n\":1}\n")
}

/// What another implementation would do.
fn sign(secret: &str, text: &[u8]) -> String {
    Encoding::Hex.encode(&Keys::new(&[secret.to_owned()]).expect("a key").sign(text))
}

fn passes(plugin: &Instance<HmacSignature>, mut request: test::Request) -> bool {
    match plugin.on_request(&mut request).expect("the hook does not fail") {
        Action::Continue => true,
        Action::Respond(answer) => {
            assert_eq!(answer, Answer::new(401));
            false
        }
    }
}

/// RFC 4231, test case 2.
#[test]
fn the_function_is_hmac_sha256() {
    assert_eq!(
        sign("Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[test]
fn every_part_counts() {
    let plugin = start(&config("verify", ALL, r#", "timestamp": {}"#));
    let text = b"POST\n/a%20b\nx=1&y=2\nacme\n1000\nv1\n{\"n\":1}\n";
    let signature = sign(SECRET, text);
    let good =
        || request().with_header("x-signature", &signature).with_header("x-timestamp", "1000");
    assert!(passes(&plugin, good()));
    let with = |request: test::Request| {
        request.with_header("x-signature", &signature).with_header("x-timestamp", "1000")
    };
    let other = |method: &str, target: &str| {
        with(test::Request::new(method, target))
            .with_header("x-tenant", "acme")
            .with_body("{\"n\":1}\n")
    };
    for (what, request) in [
        ("method", other("PUT", "/a%20b?x=1&y=2")),
        ("path", other("POST", "/a b?x=1&y=2")),
        ("query", other("POST", "/a%20b?x=1&y=3")),
        ("header", good().with_header("x-tenant", "more")),
        ("no header", with(test::Request::post("/a%20b?x=1&y=2")).with_body("{\"n\":1}\n")),
        ("body", good().with_body("{\"n\":2}\n")),
        ("no signature", request().with_header("x-timestamp", "1000")),
        ("two signatures", good().with_header("x-signature", &signature)),
        ("no time", request().with_header("x-signature", &signature)),
        ("two times", good().with_header("x-timestamp", "1000")),
    ] {
        assert!(!passes(&plugin, request), "{what}");
    }
}

#[test]
fn only_a_signature_passes() {
    let plugin = start(&config("verify", r#"["path"]"#, r#", "prefix": "sha256=""#));
    let signature = sign(SECRET, b"/");
    let with = |value: &str| test::Request::get("/").with_header("x-signature", value);
    assert!(passes(&plugin, with(&format!("sha256={signature}"))));
    assert!(passes(&plugin, with(&format!("sha256={}", signature.to_uppercase()))));
    let cut = &signature[..62];
    for value in [
        "",
        "sha256=",
        &signature,
        &format!("sha256={cut}"),
        &format!("sha256={signature}00"),
        &format!("sha256=x{}", &signature[1..]),
        &format!("sha256={}", sign("another secret..", b"/")),
    ] {
        assert!(!passes(&plugin, with(value)), "{value}");
    }
}

#[test]
fn time_is_tolerated_both_ways() {
    let more = r#", "timestamp": { "header": "X-Time", "tolerance": 10 }"#;
    let plugin = start(&config("verify", r#"["timestamp"]"#, more));
    for (time, good) in [
        ("1000", true),
        ("1010", true),
        ("990", true),
        ("1011", false),
        ("989", false),
        ("+1000", false),
        ("01000", true),
        ("1000.0", false),
        ("", false),
        ("-1", false),
        ("99999999999999999999", false),
    ] {
        let request = test::Request::get("/")
            .with_header("x-time", time)
            .with_header("x-signature", &sign(SECRET, time.as_bytes()));
        assert_eq!(passes(&plugin, request), good, "{time}");
    }
}

#[test]
fn old_secrets_still_verify() {
    let config = r#"{ "secrets": ["the new secret..", {"env": "OLD"}], "parts": ["path"] }"#;
    let gateway = Gateway::new().with_env("OLD", SECRET);
    let plugin = gateway.start::<HmacSignature>(config).expect("a valid configuration");
    for (secret, good) in [("the new secret..", true), (SECRET, true), ("the wrong secret", false)]
    {
        let signature = sign(secret, b"/");
        let request = test::Request::get("/").with_header("x-signature", &signature);
        assert_eq!(passes(&plugin, request), good, "{secret}");
    }
}

#[test]
fn what_was_signed_verifies() {
    let more = r#", "timestamp": {}, "encoding": "base64", "prefix": "v1=", "header": "x-sig""#;
    let signer = start(&config("sign", ALL, more));
    let mut signed = request().with_header("x-sig", "old").with_header("x-timestamp", "1");
    assert_eq!(signer.on_backend_request(&mut signed), Ok(Action::Continue));
    assert_eq!(signed.headers("x-timestamp"), ["1000"]);
    assert_eq!(signed.headers("x-sig").len(), 1);
    let verifier = start(&config("verify", ALL, more));
    assert!(passes(&verifier, signed.clone()));
    assert_eq!(verifier.on_backend_request(&mut signed), Ok(Action::Continue));
    // A place where it would do nothing is an error, not silence.
    let error = signer.on_request(&mut request()).expect_err("no backend is asked yet").to_string();
    assert!(error.contains("attach the plugin to a backend"), "{error}");
}

/// Bytes that are not UTF-8 reach the plugin as U+FFFD: one text stands for many values.
#[test]
fn a_header_that_is_not_text_is_not_signed() {
    let parts = r#"["path", "header:x-role"]"#;
    let verifier = start(&config("verify", parts, ""));
    let signer = start(&config("sign", parts, ""));
    for values in [&["a\u{fffd}"][..], &["a", "\u{fffd}"]] {
        let with = |request, value: &&str| test::Request::with_header(request, "x-role", value);
        let unread = || values.iter().fold(test::Request::get("/"), with);
        let signature = sign(SECRET, format!("/\n{}", values.join(", ")).as_bytes());
        assert!(!passes(&verifier, unread().with_header("x-signature", &signature)), "{values:?}");
        let error = signer.on_backend_request(&mut unread()).expect_err("it is not signed");
        assert!(error.to_string().contains("`x-role` is not UTF-8"), "{error}");
    }
    let other =
        test::Request::get("/").with_header("x-role", "ä").with_header("x-other", "\u{fffd}");
    let signature = sign(SECRET, "/\nä".as_bytes());
    assert!(passes(&verifier, other.with_header("x-signature", &signature)));
}

#[test]
fn a_body_that_streams_does_not_pass() {
    let plugin = start(&config("verify", r#"["body"]"#, ""));
    let mut request = test::Request::post("/").streaming().with_header("x-signature", "00");
    let error = plugin.on_request(&mut request).expect_err("it cannot be read").to_string();
    assert!(error.contains("limits.body"), "{error}");
}

#[test]
fn webhooks_have_their_own_separators() {
    let parts = r#"["text:v0", "timestamp", "body"]"#;
    let plugin = start(&config("verify", parts, r#", "separator": ":", "timestamp": {}"#));
    let request = test::Request::post("/")
        .with_body("a=b:c")
        .with_header("x-timestamp", "1000")
        .with_header("x-signature", &sign(SECRET, b"v0:1000:a=b:c"));
    assert!(passes(&plugin, request));
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        (config("verify", "[]", ""), "`parts` is empty"),
        (config("verify", r#"["body", "path"]"#, ""), "`body` must be the last"),
        (config("verify", r#"["path", "body"]"#, r#", "separator": ".""#), "`separator`"),
        (config("verify", r#"["text:a", "body"]"#, r#", "separator": """#), "`separator` is empty"),
        (config("verify", r#"["path"]"#, r#", "timestamp": {}"#), "among `parts`"),
        (config("verify", r#"["timestamp"]"#, ""), "section `timestamp`"),
        (config("verify", r#"["headers"]"#, ""), "`parts[0]`: `headers` is no part"),
        (config("verify", r#"["header:host"]"#, ""), "`host`"),
        (config("check", r#"["path"]"#, ""), "unknown variant `check`"),
        (config("verify", r#"["path"]"#, r#", "header": "a b""#), "`a b`"),
        (config("verify", r#"["path"]"#, r#", "skew": 1"#), "unknown field `skew`"),
        (r#"{"parts": ["path"]}"#.to_owned(), "`secrets` is empty"),
        (r#"{"secrets": ["short"], "parts": ["path"]}"#.to_owned(), "16 bytes"),
        (r#"{"secrets": [{"env": "NONE"}], "parts": ["path"]}"#.to_owned(), "`NONE`"),
    ] {
        let error = test::start::<HmacSignature>(&config).expect_err(&config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    let schema = include_str!("../config.schema.json");
    check_schema::<Config>(schema, "");
    check_schema::<Timestamp>(schema, "/properties/timestamp");
}

proptest! {
    /// What was written is read, and nothing else is signed.
    #[test]
    fn encodings_come_back(bytes: Vec<u8>, text in "[0-9a-fA-F=+/]{0,8}|.{0,8}") {
        for encoding in [Encoding::Hex, Encoding::Base64] {
            prop_assert_eq!(encoding.decode(&encoding.encode(&bytes)), Some(bytes.clone()));
            let _ = encoding.decode(&text);
        }
    }

    /// Texts that move from one part to another are another request.
    #[test]
    fn parts_do_not_run_together(path in "/[a-z.?=]{0,6}", query in "[a-z./=]{0,6}", at in 1_usize..6) {
        let signer = start(&config("sign", r#"["path", "query"]"#, ""));
        let mut signed = test::Request::get(&format!("{}?{query}", path.replace('?', "")));
        signer.on_backend_request(&mut signed).expect("it is signed");
        let signature = signed.header("x-signature").expect("it is there").to_owned();
        let all = format!("{}{}", signed.path(), signed.query());
        if all.is_char_boundary(at) && at < all.len() && at != signed.path().len() {
            let moved = test::Request::get(&format!("{}?{}", &all[..at], &all[at..]));
            let verifier = start(&config("verify", r#"["path", "query"]"#, ""));
            prop_assert!(!passes(&verifier, moved.with_header("x-signature", &signature)));
        }
    }
}
