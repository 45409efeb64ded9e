//! Identifiers are made, taken over and told to the client.

use proptest::prelude::*;
use torana_plugin::test::{self, Gateway, check_schema};

use super::*;

fn id(config: &str, request: &mut test::Request) -> String {
    let plugin = test::start::<RequestId>(config).expect("a valid configuration");
    assert_eq!(plugin.on_request(request), Ok(Action::Continue));
    request.header("x-request-id").expect("it was set").to_owned()
}

#[test]
fn an_identifier_has_its_format() {
    for (format, expected) in [
        ("uuid-v4", "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        ("uuid-v7", "0199999a-0000-7fff-bfff-ffffffffffff"),
        ("hex", "ffffffffffffffffffffffffffffffff"),
    ] {
        let gateway = Gateway::new().with_random([0xff; 16]).with_time(0x0199_999a_0000);
        let config = format!(r#"{{"format":"{format}"}}"#);
        let plugin = gateway.start::<RequestId>(config).expect("a valid configuration");
        let mut request = test::Request::get("/");
        assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
        assert_eq!(request.header("x-request-id"), Some(expected), "{format}");
    }
    let gateway = Gateway::new().with_random([0; 16]);
    let plugin = gateway.start::<RequestId>("null").expect("the default is valid");
    let mut request = test::Request::get("/");
    assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
    assert_eq!(request.header("x-request-id"), Some("00000000-0000-4000-8000-000000000000"));
}

#[test]
fn each_request_has_its_own_and_the_client_learns_it() {
    let plugin = test::start::<RequestId>("{}").expect("the default is valid");
    let mut ids = Vec::new();
    for number in [1, 2] {
        let mut request =
            test::Request::get("/").with_id(number).with_header("x-request-id", "mine");
        assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
        ids.push(request.header("x-request-id").expect("it was set").to_owned());
    }
    assert!(ids[0] != ids[1] && !ids.contains(&"mine".to_owned()), "{ids:?}");
    for number in [2, 1] {
        let mut response =
            test::Response::new(200).with_id(number).with_header("x-request-id", "backend");
        assert_eq!(plugin.on_response(&mut response), Ok(()));
        assert_eq!(response.headers("x-request-id"), [ids[number as usize - 1].as_str()]);
    }
    // An answer to a request that never reached the plugin.
    let mut response = test::Response::new(400).with_id(3);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(response.header("x-request-id"), None);
}

#[test]
fn trusted_identifiers_are_taken_over_if_harmless() {
    let trusting = r#"{"trust":true}"#;
    for (given, taken) in [
        ("abc-123_.:+/=", true),
        (&*"a".repeat(128), true),
        ("", false),
        ("a b", false),
        ("a\"b", false),
        ("ä", false),
        (&*"a".repeat(129), false),
    ] {
        let mut request = test::Request::get("/").with_header("X-Request-Id", given);
        assert_eq!(id(trusting, &mut request) == given, taken, "{given}");
        assert_eq!(request.headers("x-request-id").len(), 1);
    }
}

#[test]
fn the_client_need_not_learn_it() {
    let config = r#"{"header":"X-Trace","response":false}"#;
    let plugin = test::start::<RequestId>(config).expect("a valid configuration");
    let mut request = test::Request::get("/");
    assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
    assert!(request.header("x-trace").is_some());
    let mut response = test::Response::new(200);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(response.header("x-trace"), None);
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        (r#"{"header":"a b"}"#, "`a b`"),
        (r#"{"header":"host"}"#, "`host`"),
        (r#"{"format":"uuid"}"#, "unknown variant `uuid`"),
        (r#"{"heder":"x"}"#, "unknown field `heder`"),
    ] {
        let error = test::start::<RequestId>(config).expect_err(config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    check_schema::<Config>(include_str!("../config.schema.json"), "");
}

proptest! {
    /// A UUID keeps all bits but those of version and variant.
    #[test]
    fn uuids_have_a_version_and_a_variant(bits: u128, version in 1_u128..=8) {
        let text = uuid(bits, version);
        let digits: Vec<&str> = text.split('-').collect();
        prop_assert_eq!(digits.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        let back = u128::from_str_radix(&digits.concat(), 16).expect("hexadecimal digits");
        prop_assert_eq!((back >> 76 & 0xf, back >> 62 & 0b11), (version, 0b10));
        let kept = !(0xf << 76 | 0b11 << 62);
        prop_assert_eq!(back & kept, bits & kept);
    }
}
