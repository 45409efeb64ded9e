//! Who passes, and what everybody else gets.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use proptest::prelude::*;
use torana_plugin::test::{self, Instance, check_schema};

use super::*;

/// The users `plain` with the password `secret`, and `salted` with `s:e:c` and the salt `pepper:7`.
const USERS: &str = r#""users": {
    "plain": "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "salted": "sha256-salted:pepper:7:PEPPERED" }"#;

fn config(more: &str) -> String {
    let hash = Sha256Hex("pepper:7s:e:c").to_string();
    format!("{{ {}{more} }}", USERS.replace("PEPPERED", &hash))
}

struct Sha256Hex<'a>(&'a str);

impl std::fmt::Display for Sha256Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use sha2::Digest;
        sha2::Sha256::digest(self.0).iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn start(more: &str) -> Instance<BasicAuth> {
    test::start(config(more)).expect("a valid configuration")
}

fn request(credentials: &str) -> test::Request {
    let token = BASE64_STANDARD.encode(credentials);
    test::Request::get("/").with_header("Authorization", &format!("Basic {token}"))
}

fn status(plugin: &Instance<BasicAuth>, request: &mut test::Request) -> u16 {
    match plugin.on_request(request).expect("the hook does not fail") {
        Action::Continue => 200,
        Action::Respond(answer) => answer.status,
    }
}

#[test]
fn the_right_password_passes() {
    let plugin = start("");
    for credentials in ["plain:secret", "salted:s:e:c"] {
        let mut request = request(credentials);
        assert_eq!(status(&plugin, &mut request), 200, "{credentials}");
        assert_eq!(request.header("authorization"), None, "backends do not see it");
    }
    let token = BASE64_STANDARD_NO_PAD.encode("plain:secret");
    let mut lenient =
        test::Request::get("/").with_header("authorization", &format!("bAsIc {token}"));
    assert_eq!(status(&plugin, &mut lenient), 200, "schemes have no case, padding is optional");
}

#[test]
fn everything_else_is_asked_again() {
    let plugin = start("");
    for credentials in [
        "plain:secre",
        "plain:secret ",
        "plain:",
        "plain",
        "Plain:secret",
        "nobody:secret",
        ":",
        "",
        "salted:secret",
        "nobody:",
        "salted:pepper:7s:e:c",
    ] {
        assert_eq!(status(&plugin, &mut request(credentials)), 401, "{credentials}");
    }
    let token = BASE64_STANDARD.encode("plain:secret");
    for value in
        ["", "Basic", "Basic ", "Basic !!", "Basic /w==", &format!("Bearer {token}"), &token]
    {
        let mut request = test::Request::get("/").with_header("authorization", value);
        assert_eq!(status(&plugin, &mut request), 401, "{value}");
    }
    let mut without = test::Request::get("/");
    let challenge = r#"Basic realm="restricted", charset="UTF-8""#;
    let answer = Answer::new(401).header("www-authenticate", challenge);
    assert_eq!(plugin.on_request(&mut without), Ok(answer.into()));
    let mut twice = request("plain:secret").with_header("authorization", "Basic x");
    assert_eq!(status(&plugin, &mut twice), 401);
}

#[test]
fn backends_learn_who_it_is() {
    let more = r#", "realm": "a b", "user_header": "X-User", "remove_authorization": false"#;
    let plugin = start(more);
    let mut spoofed = request("plain:secret").with_header("x-user", "admin");
    assert_eq!(status(&plugin, &mut spoofed), 200);
    assert_eq!(spoofed.headers("x-user"), ["plain"]);
    assert!(spoofed.header("authorization").is_some());
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        ("null".to_owned(), "missing field `users`"),
        (r#"{"users":{}}"#.to_owned(), "`users` is empty"),
        (r#"{"users":{"a":"secret"}}"#.to_owned(), "`users.a`: a password is `sha256:HEX`"),
        (r#"{"users":{"a":"sha256:00"}}"#.to_owned(), "64 digits"),
        (format!(r#"{{"users":{{"a":"sha256-salted::{}"}}}}"#, "0".repeat(64)), "SALT"),
        (format!(r#"{{"users":{{"a:b":"sha256:{}"}}}}"#, "0".repeat(64)), "`a:b`"),
        (config(r#", "realm": "\"""#), "`realm`"),
        (config(r#", "user_header": "host""#), "`host`"),
        (config(r#", "relm": """#), "unknown field `relm`"),
    ] {
        let error = test::start::<BasicAuth>(&config).expect_err(&config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    check_schema::<Config>(include_str!("../config.schema.json"), "");
}

proptest! {
    /// No text passes or panics, and what was encoded is decoded.
    #[test]
    fn any_text_is_refused(value in "[Bb]asic [A-Za-z0-9+/=]{0,12}|.{0,12}", name in "[^:]{0,8}", password in ".{0,8}") {
        let mut request = test::Request::get("/").with_header("authorization", &value);
        prop_assert_eq!(status(&start(""), &mut request), 401);
        let token = BASE64_STANDARD.encode(format!("{name}:{password}"));
        prop_assert_eq!(credentials::decode(&format!("Basic {token}")), Some((name, password)));
    }
}
