//! Who gets which variant, and what that changes.

use torana_plugin::test::{self, Gateway, Instance, check_schema};

use super::*;

fn start(config: &str) -> Instance<AbSplit> {
    test::start(config).expect("a valid configuration")
}

fn variant(plugin: &Instance<AbSplit>, mut request: test::Request) -> String {
    assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
    let names = request.headers("x-variant");
    assert_eq!(names.len(), 1);
    names[0].to_owned()
}

#[test]
fn headers_and_cookies_choose() {
    let plugin = start(
        r#"{ "variants": [
            { "name": "canary", "match": [{ "header": "X-Canary", "value": "1" }, { "cookie": "canary" }] },
            { "name": "beta", "match": [{ "cookie": "group", "value": "beta" }] } ],
          "default": "stable" }"#,
    );
    let get = || test::Request::get("/");
    for (request, expected) in [
        (get(), "stable"),
        (get().with_header("x-canary", "1"), "canary"),
        (get().with_header("x-canary", "2"), "stable"),
        (get().with_header("cookie", "a=1; canary=; b=2"), "canary"),
        (get().with_header("cookie", "a=1;group=beta"), "beta"),
        (get().with_header("cookie", "a=1").with_header("cookie", "group=beta"), "beta"),
        (get().with_header("cookie", "group=beta; canary=1"), "canary"),
        (get().with_header("cookie", "xcanary=1; group=alpha"), "stable"),
        (get().with_header("x-variant", "canary"), "stable"),
    ] {
        assert_eq!(variant(&plugin, request.clone()), expected, "{request:?}");
    }
}

#[test]
fn percentages_are_kept() {
    let config = r#"{ "variants": [{ "name": "a", "percent": 10 }, { "name": "b", "percent": 30.5 }],
        "sticky": { "header": "x-user" } }"#;
    let plugin = start(config);
    let mut counts = BTreeMap::new();
    for user in 0..10_000 {
        let request = || test::Request::get("/").with_header("x-user", &format!("user-{user}"));
        let chosen = variant(&plugin, request());
        assert_eq!(variant(&plugin, request()), chosen, "the same each time");
        *counts.entry(chosen).or_insert(0_u32) += 1;
    }
    assert!((900..1100).contains(&counts["a"]), "{counts:?}");
    assert!((2900..3200).contains(&counts["b"]), "{counts:?}");
    assert_eq!(counts.values().sum::<u32>(), 10_000);
}

#[test]
fn experiments_are_independent() {
    let config = |salt: &str| {
        format!(
            r#"{{ "variants": [{{ "name": "a", "percent": 50 }}], "sticky": {{ "ip": true }}, "salt": "{salt}" }}"#
        )
    };
    let (one, two) = (start(&config("one")), start(&config("two")));
    let same = (0..1000).filter(|number| {
        let request = || {
            test::Request::get("/").with_client_ip(&format!(
                "10.0.{}.{}",
                number / 250,
                number % 250
            ))
        };
        variant(&one, request()) == variant(&two, request())
    });
    assert!((400..600).contains(&same.count()));
}

#[test]
fn whoever_cannot_be_told_apart_is_chosen_by_chance() {
    let config =
        r#"{ "variants": [{ "name": "a", "percent": 50 }], "sticky": { "cookie": "sid" } }"#;
    let bytes = [4_999_u64, 5_000].into_iter().flat_map(u64::to_le_bytes);
    let plugin =
        Gateway::new().with_random(bytes).start::<AbSplit>(config).expect("a configuration");
    assert_eq!(variant(&plugin, test::Request::get("/")), "a");
    assert_eq!(variant(&plugin, test::Request::get("/").with_header("cookie", "sid=")), "default");
}

/// A changed hash would move clients from one variant to another in the middle of an experiment.
#[test]
fn the_hash_never_changes() {
    assert_eq!(sticky::hash("", ""), 0x25fc_6dd3_6ce0_4b20);
    assert_eq!(sticky::hash("salt", "user"), 0x8045_e8c9_7c36_d399);
}

#[test]
fn a_variant_changes_path_and_query_and_tells() {
    let plugin = start(
        r#"{ "variants": [{ "name": "v2", "percent": 100, "path_prefix": "/v2", "query": { "beta": "y s" } }],
          "header": "x-ab", "response_header": "x-served-by" }"#,
    );
    let mut request = test::Request::get("/a%20b?beta=no&x=1");
    assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
    assert_eq!((request.path(), request.query()), ("/v2/a%20b", "x=1&beta=y%20s"));
    assert_eq!(request.header("x-ab"), Some("v2"));
    let mut response = test::Response::new(200);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(response.header("x-served-by"), Some("v2"));
    // Fields that plugins may not write can be read.
    start(r#"{ "variants": [{ "name": "a", "match": [{ "header": "Host", "value": "a" }] }] }"#);
    // Without the header the hook is not even called.
    let quiet = start(r#"{ "variants": [{ "name": "v2", "percent": 100 }] }"#);
    assert_eq!(quiet.hooks(), Hooks::ON_REQUEST);
}

#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        (r#"{"variants":[]}"#, "`variants` is empty"),
        (r#"{"variants":[{"name":"a"}]}"#, "needs `percent` or `match`"),
        (r#"{"variants":[{"name":"a","percent":101}]}"#, "between 0 and 100"),
        (r#"{"variants":[{"name":"a","percent":60},{"name":"b","percent":60}]}"#, "100 percent"),
        (r#"{"variants":[{"name":"a","match":[{"value":"1"}]}]}"#, "`header` or `cookie`"),
        (r#"{"variants":[{"name":"a","percent":1,"path_prefix":"v2"}]}"#, "`path_prefix`"),
        (r#"{"variants":[{"name":"a\n","percent":1}]}"#, "not allowed in HTTP"),
        (r#"{"variants":[{"name":"a","percent":1}],"header":"host"}"#, "`host`"),
        (
            r#"{"variants":[{"name":"a","percent":1}],"sticky":{"ip":true,"cookie":"a"}}"#,
            "`sticky`",
        ),
        (r#"{"variants":[{"name":"a","percent":0.004}]}"#, "the smallest step is 0.01"),
        (
            r#"{"variants":[{"name":"a","percent":0.001,"match":[{"header":"x"}]}]}"#,
            "the smallest step is 0.01",
        ),
        (
            r#"{"variants":[{"name":"a","match":[{"header":"x canary"}]}]}"#,
            "variant `a`: `x canary` is no name of a header",
        ),
        (
            r#"{"variants":[{"name":"a","match":[{"cookie":"a=b"}]}]}"#,
            "`a=b` is no name of a cookie",
        ),
        (
            r#"{"variants":[{"name":"a","percent":1}],"sticky":{"header":""}}"#,
            "`sticky`: `` is no name of a header",
        ),
        (
            r#"{"variants":[{"name":"a","percent":1}],"sticky":{"cookie":"sid;"}}"#,
            "`sid;` is no name of a cookie",
        ),
        (r#"{"variants":[{"name":"a","percnt":1}]}"#, "unknown field `percnt`"),
    ] {
        let error = test::start::<AbSplit>(config).expect_err(config).to_string();
        assert!(error.contains(reason), "{config}: {error}");
    }
}

#[test]
fn the_schema_is_whole() {
    let schema = include_str!("../config.schema.json");
    check_schema::<Config>(schema, "");
    check_schema::<Variant>(schema, "/properties/variants/items");
    check_schema::<Match>(schema, "/properties/variants/items/properties/match/items");
    check_schema::<Sticky>(schema, "/properties/sticky");
}
