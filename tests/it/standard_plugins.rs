//! The plugins of `plugins/` in a running gateway: what each is for, and a configuration that it refuses.

use serde_json::{Value, json};
use torana_plugins_build::plugin;
use torana_tests::{
    client::Answer,
    gateway::Gateway,
    upstream::{Received, Reply, Script, Upstream},
};

const DATA: &str =
    r#"{"user":{"name":"<Ann>","email":"ann@example.org"},"cards":["4111111111111111","42"]}"#;

fn upstream() -> Upstream {
    Upstream::start(Script::new().on("*", "*", Reply::json(DATA)))
}

/// One element of `plugin/wasm`. Its time is no matter here: this build is not optimised, and the machine may be busy.
fn entry(name: &str, config: &Value) -> Value {
    let limits = json!({ "timeout": "10s" });
    json!({ "name": name, "source": plugin(name), "config": config, "limits": limits })
}

/// `extra_config` with one plugin.
fn section(entry: &Value) -> Value {
    json!({ "plugin/wasm": [entry] })
}

/// A gateway whose `/a` passes bodies on and whose `/data` decodes them, with sections at service, endpoint and backend
/// level.
fn start(upstream: &Upstream, service: Value, endpoint: &Value, backend: &Value) -> Gateway {
    let mut service = service;
    // The test is its own proxy: it says where a request comes from.
    service["router"] = json!({ "trusted_proxies": ["127.0.0.1"] });
    let endpoint = |path: &str, encoding: &str| {
        json!({
            "endpoint": path, "output_encoding": encoding, "input_headers": ["*"],
            "input_query_strings": ["*"], "extra_config": endpoint,
            "backend": [{
                "host": [format!("http://{}", upstream.address())], "url_pattern": "/b",
                "encoding": encoding, "extra_config": backend
            }]
        })
    };
    let posted = |mut endpoint: Value| {
        endpoint["method"] = "POST".into();
        endpoint["backend"][0]["method"] = "POST".into();
        endpoint
    };
    Gateway::start(json!({
        "version": 3, "extra_config": service,
        "endpoints": [
            endpoint("/a", "no-op"), posted(endpoint("/a", "no-op")), endpoint("/canary/a", "no-op"),
            endpoint("/data", "json"),
        ]
    }))
}

fn at_service(upstream: &Upstream, entry: &Value) -> Gateway {
    start(upstream, section(entry), &json!({}), &json!({}))
}

fn at_endpoint(upstream: &Upstream, entry: &Value) -> Gateway {
    start(upstream, json!({}), &section(entry), &json!({}))
}

fn get(gateway: &Gateway, target: &str, headers: &[(&str, &str)]) -> Answer {
    gateway.connect().request("GET", target, headers, "")
}

/// The only request that reached the backend since the last look.
fn received(upstream: &Upstream) -> Received {
    let mut requests = upstream.take();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

#[test]
fn request_id_reaches_backend_and_client() {
    for at in [at_service, at_endpoint] {
        let upstream = upstream();
        let gateway = at(&upstream, &entry("request-id", &json!({ "trust": true })));
        let answer = get(&gateway, "/a", &[]);
        let request = received(&upstream);
        let [made] = request.values("x-request-id")[..] else { panic!("{request:?}") };
        assert_eq!((made.len(), &made[14..15]), (36, "4"), "{made}");
        assert_eq!(answer.values("x-request-id"), [made]);
        let answer = get(&gateway, "/a", &[("X-Request-Id", "mine")]);
        assert_eq!(received(&upstream).values("x-request-id"), ["mine"]);
        assert_eq!(answer.values("x-request-id"), ["mine"]);
    }
    let upstream = upstream();
    let gateway = at_service(&upstream, &entry("request-id", &json!(null)));
    let lost = get(&gateway, "/nowhere", &[]);
    assert_eq!((lost.status, lost.header("x-request-id").len()), (404, 36));
}

#[test]
fn ip_filter_knows_the_client() {
    for at in [at_service, at_endpoint] {
        let upstream = upstream();
        let config = json!({ "allow": ["10.0.0.0/8"], "deny": ["10.0.0.13"] });
        let gateway = at(&upstream, &entry("ip-filter", &config));
        for (address, status) in
            [("10.1.2.3", 200), ("10.0.0.13", 403), ("192.0.2.1", 403), ("::ffff:10.0.0.1", 200)]
        {
            assert_eq!(get(&gateway, "/a", &[("X-Forwarded-For", address)]).status, status);
        }
        assert_eq!(get(&gateway, "/a", &[]).status, 403, "the peer itself");
        assert_eq!(upstream.requests().len(), 2);
    }
}

#[test]
fn basic_auth_asks_for_a_password() {
    // The hash of `secret`.
    let hash = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let config = json!({ "users": { "ann": hash }, "realm": "test", "user_header": "X-User" });
    for at in [at_service, at_endpoint] {
        let upstream = upstream();
        let gateway = at(&upstream, &entry("basic-auth", &config));
        for credentials in ["", "Basic YW5uOndyb25n", "Bearer YW5uOnNlY3JldA=="] {
            let answer = get(&gateway, "/a", &[("Authorization", credentials)]);
            assert_eq!(answer.status, 401, "{credentials}");
            assert_eq!(answer.header("www-authenticate"), r#"Basic realm="test", charset="UTF-8""#);
        }
        assert!(upstream.requests().is_empty());
        let good = [("Authorization", "Basic YW5uOnNlY3JldA=="), ("X-User", "admin")];
        assert_eq!(get(&gateway, "/a", &good).status, 200);
        let request = received(&upstream);
        assert_eq!(request.values("x-user"), ["ann"]);
        assert!(request.values("authorization").is_empty(), "{:?}", request.headers);
    }
}

#[test]
fn hmac_signature_verifies_what_it_signs() {
    let config = |mode: &str, parts: Value| json!({ "mode": mode, "secrets": ["0123456789abcdef"], "timestamp": {}, "parts": parts });
    let parts = json!(["method", "query", "header:x-tenant", "timestamp", "body"]);
    let limited = |mode: &str| {
        let mut entry = entry("hmac-signature", &config(mode, parts.clone()));
        entry["limits"]["body"] = "1MB".into();
        section(&entry)
    };
    let signed = upstream();
    let signer = start(&signed, json!({}), &json!({}), &limited("sign"));
    let send = |gateway: &Gateway, target: &str, headers: &[(&str, &str)], body: &str| {
        gateway.connect().request("POST", target, headers, body).status
    };
    assert_eq!(send(&signer, "/a?x=1", &[("X-Tenant", "acme")], "body"), 200);
    let request = received(&signed);
    let [signature] = request.values("x-signature")[..] else { panic!("{request:?}") };
    let [time] = request.values("x-timestamp")[..] else { panic!("{request:?}") };

    let checked = upstream();
    let verifier = start(&checked, json!({}), &limited("verify"), &json!({}));
    let headers = [("X-Signature", signature), ("X-Timestamp", time), ("X-Tenant", "acme")];
    assert_eq!(send(&verifier, "/a?x=1", &headers, "body"), 200);
    assert_eq!(received(&checked).body, b"body");
    assert_eq!(send(&verifier, "/a?x=2", &headers, "body"), 401);
    assert_eq!(send(&verifier, "/a?x=1", &headers, "other"), 401);
    assert_eq!(send(&verifier, "/a?x=1", &headers[..2], "body"), 401);
    assert_eq!(send(&verifier, "/a?x=1", &headers[1..], "body"), 401);
    assert!(checked.requests().is_empty());

    // Where there is nothing to sign yet, requests fail: none goes out without a signature.
    let misplaced = start(&checked, json!({}), &limited("sign"), &json!({}));
    assert_eq!(send(&misplaced, "/a", &[], "body"), 500);
    assert!(checked.requests().is_empty());
}

#[test]
fn json_mask_masks_data_and_fails_for_bodies() {
    let config = json!({
        "rules": [
            { "path": "$.user.email" },
            { "path": "$.user.name", "mode": "hash" },
            { "path": "$.cards[0]", "mode": "keep_last" },
            { "path": "$.cards[1]", "mode": "remove" }
        ],
        "key": "0123456789abcdef"
    });
    let section = section(&entry("json-mask", &config));
    for [endpoint, backend] in [[&section, &json!({})], [&json!({}), &section]] {
        let upstream = upstream();
        let gateway = start(&upstream, json!({}), endpoint, backend);
        let answer = get(&gateway, "/data", &[]);
        assert_eq!(answer.status, 200);
        let mut data: Value = serde_json::from_slice(&answer.body).unwrap();
        let name = data["user"]["name"].take();
        assert_eq!(name.as_str().unwrap().len(), 32, "{name}");
        assert_eq!(data, json!({ "user": { "name": null, "email": "***" }, "cards": ["***1111"] }));
        let body = get(&gateway, "/a", &[]);
        assert_eq!(body.status, 500);
        assert!(!body.text().contains("ann@example.org"), "{}", body.text());
    }
}

#[test]
fn ab_split_changes_the_route() {
    let config = json!({
        "variants": [{
            "name": "canary", "match": [{ "cookie": "canary", "value": "1" }],
            "path_prefix": "/canary", "query": { "beta": "yes" }
        }],
        "default": "stable", "response_header": "X-Served-By"
    });
    let upstream = upstream();
    let gateway = at_service(&upstream, &entry("ab-split", &config));
    let answer = get(&gateway, "/a?x=1", &[("X-Variant", "canary")]);
    assert_eq!(answer.values("x-served-by"), ["stable"]);
    let request = received(&upstream);
    assert_eq!((request.values("x-variant"), request.target()), (vec!["stable"], "/b?x=1"));
    let answer = get(&gateway, "/a?x=1", &[("Cookie", "a=1; canary=1")]);
    assert_eq!((answer.status, answer.values("x-served-by")), (200, vec!["canary"]));
    let request = received(&upstream);
    assert_eq!(
        (request.values("x-variant"), request.target()),
        (vec!["canary"], "/b?x=1&beta=yes")
    );
    // There is no such variant of this one.
    assert_eq!(get(&gateway, "/data", &[("Cookie", "canary=1")]).status, 404);
}

#[test]
fn response_template_makes_bodies_and_data() {
    let mut page = entry(
        "response-template",
        &json!({ "format": "html", "body": "<p>{{data/user/name}} {{request.path}} {{data/none}}</p>" }),
    );
    page["limits"]["body"] = "1MB".into();
    for at in [at_service, at_endpoint] {
        let upstream = upstream();
        let gateway = at(&upstream, &page);
        let answer = get(&gateway, "/a", &[]);
        assert_eq!((answer.status, answer.text().as_str()), (200, "<p>&lt;Ann&gt; /a </p>"));
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    let upstream = upstream();
    let data = json!({ "body": r#"{ "name": {{data/user/name}}, "from": {{request.ip}} }"# });
    let gateway = at_endpoint(&upstream, &entry("response-template", &data));
    let answer = get(&gateway, "/data", &[]);
    let made: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, made), (200, json!({ "name": "<Ann>", "from": "127.0.0.1" })));
}

#[test]
fn response_template_is_a_backend() {
    let made = json!({ "at": "request", "body": r#"{ "hello": {{request.param.name}} }"# });
    let backend = json!({ "plugin/wasm": entry("response-template", &made) });
    let gateway = Gateway::start(json!({
        "version": 3, "endpoints": [{ "endpoint": "/hello/{name}", "backend": [backend] }]
    }));
    let answer = get(&gateway, "/hello/b%22b", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"hello":"b\"b"}"#));
}

#[test]
fn maintenance_page_lets_some_pass() {
    let secret = "0123456789abcdef";
    let config = json!({
        "message": "later", "retry_after": 60,
        "allow": { "addresses": ["10.0.0.0/8"], "header": { "name": "X-Pass", "secret": secret } }
    });
    for at in [at_service, at_endpoint] {
        let upstream = upstream();
        let gateway = at(&upstream, &entry("maintenance-page", &config));
        let answer = get(&gateway, "/a", &[]);
        assert_eq!((answer.status, answer.text().as_str()), (503, r#"{"message":"later"}"#));
        assert_eq!(answer.header("retry-after"), "60");
        let answer = get(&gateway, "/a", &[("Accept", "text/html"), ("X-Pass", "wrong")]);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (503, "text/html; charset=utf-8")
        );
        assert!(upstream.requests().is_empty());
        assert_eq!(get(&gateway, "/a", &[("X-Forwarded-For", "10.1.1.1")]).status, 200);
        assert_eq!(get(&gateway, "/a", &[("X-Pass", secret)]).status, 200);
        assert!(upstream.requests()[1].values("x-pass").is_empty());
    }
    let upstream = upstream();
    let over = entry("maintenance-page", &json!({ "until": "2026-01-01T00:00:00Z" }));
    assert_eq!(get(&at_service(&upstream, &over), "/a", &[]).status, 200);
}

#[test]
fn bad_configurations_are_refused_at_their_place() {
    for (name, config, reason) in [
        ("ab-split", json!({ "variants": [{ "name": "a", "percent": 101 }] }), "maximum of 100"),
        ("ab-split", json!({ "variants": [{ "name": "a" }] }), "nobody would get it"),
        ("basic-auth", json!({ "users": { "ann": "secret" } }), "does not match"),
        ("basic-auth", json!({ "users": {} }), "plugin `basic-auth`"),
        ("early-answer", json!({ "status": 100 }), "minimum of 200"),
        ("header-edit", json!({ "request": { "set": { "host": "a" } } }), "`host`"),
        (
            "hmac-signature",
            json!({ "secrets": ["0123456789abcdef"], "parts": ["body", "path"] }),
            "must be the last",
        ),
        ("hmac-signature", json!({ "parts": ["path"] }), "needs the key"),
        ("ip-filter", json!({ "deny": ["10.0.0.1/8"] }), "`10.0.0.0/8`"),
        ("ip-filter", json!({ "alow": ["10.0.0.1"] }), "no key `alow`"),
        ("json-mask", json!({ "rules": [{ "path": "$.a", "mode": "hash" }] }), "needs `key`"),
        ("json-mask", json!({ "rules": [{ "path": "$.a[" }] }), "invalid JSONPath"),
        ("maintenance-page", json!({ "from": "tomorrow" }), "date-time"),
        ("request-id", json!({ "format": "uuid" }), "uuid-v7"),
        ("response-template", json!({ "body": r#"{ "a": "{{data}}" }"# }), "makes no JSON"),
    ] {
        let config = json!({
            "version": 3,
            "endpoints": [{
                "endpoint": "/a", "extra_config": section(&entry(name, &config)),
                "backend": [{ "host": ["http://127.0.0.1:1"], "url_pattern": "/b" }]
            }]
        });
        let error = Gateway::builder().try_start(&config).err();
        let error = error.unwrap_or_else(|| panic!("{name} takes {config}")).to_string();
        assert!(error.contains("gateway.json:") && error.contains(reason), "{name}: {error}");
    }
}

/// The configuration in each README, with the files of this build.
#[test]
fn the_examples_in_the_documentation_start() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let directory = entry.unwrap().path();
        let is_example = directory.file_name().unwrap().to_string_lossy().starts_with("example-");
        if is_example || !directory.join("config.schema.json").is_file() {
            continue;
        }
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(directory.join("README.md")).unwrap();
        let example = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let example = example.unwrap_or_else(|| panic!("{name} has an example"));
        let source = format!("plugins/{}.wasm", name.replace('-', "_"));
        assert!(example.contains(&source), "{name}: {example}");
        let config = example.replace(&source, &plugin(&name).to_string_lossy());
        let started = Gateway::builder().try_start(config);
        assert!(started.is_ok(), "{name}: {}", started.err().unwrap());
        seen += 1;
    }
    assert_eq!(seen, 10, "all plugins of the set");
}
