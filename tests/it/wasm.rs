//! Plugins in a running gateway: hooks at each level, early answers, faults that cost one request.

use torana_plugins_build::plugin;
use torana_tests::{
    gateway::Gateway,
    upstream::{Reply, Script, Upstream},
};

fn upstream() -> Upstream {
    Upstream::start(
        Script::new().on(
            "*",
            "/b",
            Reply::json(r#"{"x":1}"#)
                .header("X-Remove", "1")
                .header("X-Set", "backend")
                .header("X-Add", "1"),
        ),
    )
}

/// `plugin/wasm` with one plugin.
fn section(name: &str, config: &str, more: &str) -> String {
    format!(
        r#""extra_config": {{ "plugin/wasm": [
            {{ "name": "{name}", "source": "{}", "config": {config}{more} }}] }}"#,
        plugin(name).display()
    )
}

const EDITS: &str = r#"{
  "request": { "remove": ["X-Remove"], "set": { "X-Set": "plugin" }, "add": { "X-Add": "2" } },
  "response": { "remove": ["X-Remove"], "set": { "X-Set": "plugin" }, "add": { "X-Add": "2" } } }"#;

/// A gateway whose `/a` has the given sections at the three levels; each may be empty.
fn start(upstream: &Upstream, service: &str, endpoint: &str, backend: &str) -> Gateway {
    let member = |section: &str| {
        if section.is_empty() { String::new() } else { format!(", {section}") }
    };
    Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"]{},
          "endpoints": [
            {{ "endpoint": "/a", "output_encoding": "no-op", "input_headers": ["*"]{},
               "backend": [{{ "url_pattern": "/b"{} }}] }},
            {{ "endpoint": "/plain", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}] }} ] }}"#,
        upstream.address(),
        member(service),
        member(endpoint),
        member(backend)
    ))
}

#[test]
fn header_edit_at_every_level() {
    let section = section("header-edit", EDITS, "");
    for (level, [service, endpoint, backend]) in [
        ("service", [section.as_str(), "", ""]),
        ("endpoint", ["", &section, ""]),
        ("backend", ["", "", &section]),
    ] {
        let upstream = upstream();
        let gateway = start(&upstream, service, endpoint, backend);
        let answer = gateway.connect().request(
            "GET",
            "/a",
            &[("X-Remove", "1"), ("X-Set", "client"), ("X-Add", "1")],
            "",
        );
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#), "{level}");
        assert!(answer.values("x-remove").is_empty(), "{level}: {:?}", answer.headers);
        assert_eq!(answer.values("x-set"), ["plugin"], "{level}");
        assert_eq!(answer.values("x-add"), ["1", "2"], "{level}");
        let received = &upstream.requests()[0];
        assert!(received.values("x-remove").is_empty(), "{level}: {:?}", received.headers);
        assert_eq!(received.values("x-set"), ["plugin"], "{level}");
        assert_eq!(received.values("x-add"), ["1", "2"], "{level}");
        // Endpoints without the plugin do not see it, unless it is everywhere.
        let answer = gateway.connect().get("/plain");
        let wanted = if level == "service" { "plugin" } else { "backend" };
        assert_eq!(answer.values("x-set"), [wanted], "{level}");
    }
}

#[test]
fn headers_of_a_decoded_answer() {
    let upstream = upstream();
    let edits = section("header-edit", r#"{ "response": { "set": { "X-Set": "plugin" } } }"#, "");
    let gateway = Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [
            {{ "endpoint": "/a", {edits}, "backend": [{{ "url_pattern": "/b" }}, {{ "url_pattern": "/b" }}] }} ] }}"#,
        upstream.address(),
    ));
    let answer = gateway.connect().get("/a");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#));
    assert_eq!(answer.values("x-set"), ["plugin"]);
    assert_eq!(answer.header("x-krakend-completed"), "true");
}

#[test]
fn an_early_answer_reaches_no_backend() {
    let config = r#"{ "when": { "header": "X-Stop", "value": "yes" }, "status": 403,
        "headers": { "X-Why": "plugin" }, "body": "stopped" }"#;
    let section = section("early-answer", config, "");
    for (level, [service, endpoint, backend]) in [
        ("service", [section.as_str(), "", ""]),
        ("endpoint", ["", &section, ""]),
        ("backend", ["", "", &section]),
    ] {
        let upstream = upstream();
        let gateway = start(&upstream, service, endpoint, backend);
        let mut client = gateway.connect();
        let answer = client.request("GET", "/a", &[("X-Stop", "yes")], "");
        assert_eq!((answer.status, answer.text().as_str()), (403, "stopped"), "{level}");
        assert_eq!(answer.values("x-why"), ["plugin"], "{level}");
        assert!(upstream.requests().is_empty(), "{level}");
        assert_eq!(client.request("GET", "/a", &[("X-Stop", "no")], "").status, 200, "{level}");
        assert_eq!(upstream.requests().len(), 1, "{level}");
    }
}

/// A guard in front of the router refuses what the router would find, however a client writes it.
#[test]
fn a_guard_of_paths_sees_what_the_router_matches() {
    let upstream = upstream();
    let guard = format!(
        r#"{{ "name": "guard", "source": "{}", "config": {{ "when": {{ "path_prefix": "/admin" }}, "status": 403 }} }}"#,
        plugin("early-answer").display()
    );
    for router in ["{}", r#"{ "remove_extra_slash": true }"#] {
        let gateway = Gateway::start(format!(
            r#"{{ "version": 3, "host": ["http://{}"],
              "extra_config": {{ "plugin/wasm": [{guard}], "router": {router},
                "server/virtualhost": {{ "hosts": ["h1"] }} }},
              "endpoints": [
                {{ "endpoint": "/admin", "backend": [{{ "url_pattern": "/b" }}] }},
                {{ "endpoint": "/__virtual/h1/admin", "backend": [{{ "url_pattern": "/b" }}] }} ] }}"#,
            upstream.address(),
        ));
        let mut client = gateway.connect();
        for host in ["h", "h1"] {
            for path in ["/admin", "/%61dmin", "/admi%6E", "/%61%64%6d%69%6e", "//admin"] {
                client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
                // Two slashes that the router does not read as one lead to the path with one, which is guarded.
                let expected = if path == "//admin" && router == "{}" { 301 } else { 403 };
                assert_eq!(client.answer().status, expected, "{router} {host} {path}");
            }
        }
        assert!(upstream.requests().is_empty(), "{router}");
    }
}

/// The client does not know the path of a variant, and a redirect to it would be split once more.
#[test]
fn redirects_lead_to_paths_that_the_client_knows() {
    let upstream = upstream();
    let config =
        r#"{ "variants": [{ "name": "canary", "percent": 100, "path_prefix": "/canary" }] }"#;
    let gateway = Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"], {}, "endpoints": [
            {{ "endpoint": "/o", "backend": [{{ "url_pattern": "/none" }}] }},
            {{ "endpoint": "/canary/o", "backend": [{{ "url_pattern": "/b" }}] }} ] }}"#,
        upstream.address(),
        section("ab-split", config, "")
    ));
    let mut client = gateway.connect();
    assert_eq!(client.get("/o").text(), r#"{"x":1}"#);
    for path in ["/o/", "//o", "/O"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("location")), (301, "/o"), "{path}");
    }
    assert_eq!(client.get("/p").status, 404);
}

/// What the guard is shown in another form travels on as it came.
#[test]
fn bytes_of_paths_stay_behind_service_hooks() {
    let upstream =
        Upstream::start(Script::new().on("*", "/any/%61%3Bb%2fc", Reply::json(r#"{"x":1}"#)));
    let service = section("early-answer", r#"{ "when": { "path_prefix": "/admin" } }"#, "");
    let gateway = Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"], {service}, "endpoints": [
            {{ "endpoint": "/any/*", "backend": [{{ "url_pattern": "/any/" }}] }} ] }}"#,
        upstream.address(),
    ));
    assert_eq!(gateway.connect().get("/any/%61%3Bb%2fc").status, 200);
    assert!(upstream.requests()[0].target().ends_with("/%61%3Bb%2fc"));
}

#[test]
fn failures_that_a_plugin_makes_are_not_cached() {
    let upstream = upstream();
    let more = format!(
        r#""cache_ttl": "60s", "backend": [{{ "url_pattern": "/b" }}], {}"#,
        section(
            "test-probe",
            r#"{ "response": [["set-status", "503"]] }"#,
            r#", "grants": { "log": true }"#
        )
    );
    let answer = endpoint(&upstream, &more).connect().get("/a");
    assert_eq!(answer.status, 503);
    assert!(answer.values("cache-control").is_empty(), "{:?}", answer.headers);
}

#[test]
fn a_refusal_before_the_body_is_sent_says_that_the_connection_ends() {
    let upstream = upstream();
    let service = section("early-answer", r#"{ "when": { "method": "POST" }, "status": 403 }"#, "");
    let gateway = start(&upstream, &service, "", "");
    for (field, closes) in [
        ("Expect: 100-continue\r\nContent-Length: 5", true),
        ("Content-Length: 100000", true),
        ("Content-Length: 0", false),
    ] {
        let mut client = gateway.connect();
        client.send(format!("POST /a HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(answer.status, 403, "{field}");
        assert_eq!(answer.values("connection") == ["close"], closes, "{field}");
    }
}

/// A plugin that refuses requests with `X-Stop`.
fn guard() -> String {
    section("early-answer", r#"{ "when": { "header": "X-Stop" }, "status": 403 }"#, "")
}

/// One endpoint.
fn endpoint(upstream: &Upstream, more: &str) -> Gateway {
    Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [
            {{ "endpoint": "/a", "input_headers": ["X-Stop"], {more} }} ] }}"#,
        upstream.address(),
    ))
}

#[test]
fn a_refusal_ends_a_sequence() {
    for encoding in ["json", "no-op"] {
        let upstream = upstream();
        let more = format!(
            r#""extra_config": {{ "proxy": {{ "sequential": true }} }},
               "backend": [{{ "url_pattern": "/b", "encoding": "{encoding}", {} }},
                           {{ "url_pattern": "/b" }}]"#,
            guard()
        );
        let gateway = endpoint(&upstream, &more);
        let mut client = gateway.connect();
        let answer = client.request("GET", "/a", &[("X-Stop", "1")], "");
        assert_eq!(answer.status, 403, "{encoding}");
        assert_eq!(answer.header("x-krakend-completed"), "false", "{encoding}");
        assert!(upstream.requests().is_empty(), "{encoding}");
        assert_eq!(client.get("/a").status, 200, "{encoding}");
        assert_eq!(upstream.requests().len(), 2, "{encoding}");
    }
}

#[test]
fn a_refusal_leaves_a_merged_answer_incomplete() {
    let upstream = upstream();
    let more = format!(
        r#""backend": [{{ "url_pattern": "/b" }}, {{ "url_pattern": "/b", "group": "g", {} }}]"#,
        guard()
    );
    let gateway = endpoint(&upstream, &more);
    let mut client = gateway.connect();
    let answer = client.request("GET", "/a", &[("X-Stop", "1")], "");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#));
    assert_eq!(answer.header("x-krakend-completed"), "false");
    assert_eq!(client.get("/a").header("x-krakend-completed"), "true");
}

#[test]
fn a_guard_of_a_workflow_guards() {
    let upstream = upstream();
    let more = format!(
        r#""backend": [{{ "extra_config": {{ "workflow": {{ "endpoint": "inner", {},
               "backend": [{{ "url_pattern": "/b" }}] }} }} }}]"#,
        guard()
    );
    let gateway = endpoint(&upstream, &more);
    let mut client = gateway.connect();
    assert_eq!(client.request("GET", "/a", &[("X-Stop", "1")], "").status, 403);
    assert!(upstream.requests().is_empty());
    assert_eq!(client.get("/a").text(), r#"{"x":1}"#);
}

#[test]
fn service_hooks_know_what_is_incomplete() {
    let upstream = upstream();
    let grants = r#", "grants": { "log": true }"#;
    let probe = section("test-probe", r#"{ "response": [["complete"]] }"#, grants);
    let gateway = Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"], {probe}, "endpoints": [
            {{ "endpoint": "/whole", "backend": [{{ "url_pattern": "/b" }}] }},
            {{ "endpoint": "/part", "backend": [{{ "url_pattern": "/b" }}, {{ "url_pattern": "/none" }}] }},
            {{ "endpoint": "/failed", "backend": [{{ "url_pattern": "/none" }}] }},
            {{ "endpoint": "/bytes", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}] }} ] }}"#,
        upstream.address(),
    ));
    let mut client = gateway.connect();
    let cases = [("/whole", "true"), ("/part", "false"), ("/failed", "false"), ("/bytes", "true")];
    for (path, complete) in cases {
        assert_eq!(client.get(path).values("x-probe"), [complete], "{path}");
    }
}

#[test]
fn clients_are_not_told_the_last_words_of_a_trap() {
    let upstream = upstream();
    let gateway = Gateway::start(format!(
        r#"{{ "version": 3, "host": ["http://{}"],
          "extra_config": {{ "router": {{ "return_error_msg": true }} }},
          "endpoints": [{{ "endpoint": "/a", "input_headers": ["*"], {},
            "backend": [{{ "url_pattern": "/b" }}] }}] }}"#,
        upstream.address(),
        section("test-trap", "null", "")
    ));
    let answer = gateway.connect().request("GET", "/a", &[("X-Trap", "1")], "");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (500, "plugin `test-trap`, on-request: it trapped")
    );
}

#[test]
fn a_trap_costs_one_request() {
    let upstream = upstream();
    let section = section("test-trap", "null", "");
    let gateway = start(&upstream, "", &section, "");
    let mut client = gateway.connect();
    let answer = client.request("GET", "/a", &[("X-Trap", "1")], "");
    assert_eq!((answer.status, answer.text().as_str()), (500, ""));
    // The connection and its neighbours live.
    assert_eq!(client.get("/plain").status, 200);
    assert_eq!(client.get("/a").status, 200);
    assert_eq!(client.request("GET", "/a", &[("X-Trap", "1")], "").status, 500);
}

#[test]
fn on_error_pass_skips_the_plugin() {
    let upstream = upstream();
    let section = section("test-trap", "null", r#", "on_error": "pass""#);
    let gateway = start(&upstream, "", &section, "");
    let answer = gateway.connect().request("GET", "/a", &[("X-Trap", "1")], "");
    assert_eq!(answer.status, 200);
}

#[test]
fn endless_work_is_cut() {
    let upstream = upstream();
    let section = section("test-loop", "null", r#", "limits": { "timeout": "50ms" }"#);
    let gateway = start(&upstream, "", &section, "");
    let mut client = gateway.connect();
    assert_eq!(client.request("GET", "/a", &[("X-Loop", "1")], "").status, 500);
    assert_eq!(client.get("/plain").status, 200);
}

#[test]
fn a_plugin_that_cannot_be_used_is_refused_at_start() {
    let upstream = upstream();
    for (name, config, more) in [
        ("header-edit", r#"{ "request": { "wrong": 1 } }"#, ""),
        (
            "header-edit",
            "{}",
            r#", "sha256": "0000000000000000000000000000000000000000000000000000000000000000""#,
        ),
        ("header-edit", "{}", r#", "hooks": ["no-such-hook"]"#),
    ] {
        let config = format!(
            r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [
                {{ "endpoint": "/a", {}, "backend": [{{ "url_pattern": "/b" }}] }} ] }}"#,
            upstream.address(),
            section(name, config, more)
        );
        let error = Gateway::builder().try_start(config).err().expect("it is refused").to_string();
        assert!(error.contains("gateway.json:"), "{error}");
    }
}

#[test]
fn a_reload_changes_the_plugins_configuration() {
    let upstream = upstream();
    let config = |value: &str| {
        let edits = format!(r#"{{ "response": {{ "set": {{ "X-Set": "{value}" }} }} }}"#);
        format!(
            r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [
                {{ "endpoint": "/a", {}, "backend": [{{ "url_pattern": "/b" }}] }} ] }}"#,
            upstream.address(),
            section("header-edit", &edits, "")
        )
    };
    let gateway = Gateway::start(config("one"));
    let mut client = gateway.connect();
    assert_eq!(client.get("/a").values("x-set"), ["one"]);
    gateway.reload(config("two")).unwrap();
    assert_eq!(client.get("/a").values("x-set"), ["two"]);
}
