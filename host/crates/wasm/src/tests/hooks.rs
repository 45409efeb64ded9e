//! What plugins do to requests and responses.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use torana_core::{Body, Data, Response, entity::Object};

use super::{At, Resources, Scene, build, get, ok, values};

/// With an ordinary limit, plugins are called at once on their worker; those of the other tests run on fibers.
fn plugin(name: &str, mut more: Value) -> Value {
    let limits = more["limits"].take();
    more["limits"] = if limits.is_null() { json!({"timeout": "10ms"}) } else { limits };
    super::plugin(name, more)
}

fn probe(config: Value) -> Value {
    json!([plugin("test-probe", json!({"config": config, "grants": {"log": true}}))])
}

#[test]
fn headers_are_edited_on_both_sides() {
    let edits = json!({"config": {
        "request": {"set": {"X-Set": ["1", "2"], "x-over": "new"}, "remove": ["x-gone"]},
        "response": {"add": {"x-added": "3"}}
    }});
    for at in [At::Service, At::Endpoint, At::NoOpBackend] {
        let scene = Scene::answering(at, json!([plugin("header-edit", edits.clone())]), || {
            let mut response = ok("hello");
            response.headers.insert("x-added", "0".parse().unwrap());
            response
        });
        let response =
            scene.run(get(&[("x-gone", "a"), ("x-gone", "b"), ("x-over", "old")])).unwrap();
        assert_eq!(values(&response.headers, "x-added"), ["0", "3"], "{at:?}");
        let seen = scene.seen();
        assert_eq!(values(&seen.headers, "x-set"), ["1", "2"]);
        assert_eq!(values(&seen.headers, "x-over"), ["new"]);
        assert!(!seen.headers.contains_key("x-gone"));
        // Only at endpoint level a header filter is still to come.
        let pinned: Vec<_> = seen.pinned.iter().map(http::HeaderName::as_str).collect();
        let expected: &[&str] = if at == At::Endpoint { &["x-set", "x-over"] } else { &[] };
        assert_eq!(pinned, expected, "{at:?}");
    }
}

#[test]
fn a_client_cannot_have_a_plugins_header_removed() {
    let edits = json!({"config": {"request": {"set": {"x-user": "plugin"}}}});
    let scene = Scene::new(At::Endpoint, json!([plugin("header-edit", edits)]));
    scene.run(get(&[("connection", "close, x-user"), ("x-user", "client")])).unwrap();
    let mut seen = scene.seen();
    torana_core::headers::strip_hop_by_hop(&mut seen.headers);
    assert_eq!(values(&seen.headers, "x-user"), ["plugin"]);
}

#[test]
fn an_instance_per_request_does_the_same() {
    let edits = json!({"isolation": "request", "config": {"response": {"set": {"x-wasm": "1"}}}});
    let scene = Scene::new(At::Endpoint, json!([plugin("header-edit", edits)]));
    for _ in 0..3 {
        let response = scene.run(get(&[])).unwrap();
        assert_eq!(values(&response.headers, "x-wasm"), ["1"]);
        scene.seen();
    }
}

#[test]
fn instances_are_shared_between_requests_only_when_pooled() {
    for (isolation, expected) in [("pooled", ["1", "2"]), ("request", ["1", "1"])] {
        let hungry = plugin("test-hungry", json!({"isolation": isolation}));
        let scene = Scene::new(At::Endpoint, json!([hungry]));
        for expected in expected {
            scene.run(get(&[("x-eat", "1")])).unwrap();
            assert_eq!(values(&scene.seen().headers, "x-eaten"), [expected], "{isolation}");
        }
    }
}

#[test]
fn plugins_answer_early() {
    let config = json!({"config": {"when": {"header": "x-stop"}, "status": 418,
        "headers": {"x-why": "tea"}, "body": "short and stout"}});
    let scene = Scene::new(At::Endpoint, json!([plugin("early-answer", config)]));
    let response = scene.run(get(&[("x-stop", "1")])).unwrap();
    assert_eq!(response.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(values(&response.headers, "x-why"), ["tea"]);
    assert!(
        matches!(&response.data, Data::Body(Body::Full(body)) if body == "short and stout"),
        "{response:?}"
    );
    assert_eq!(scene.reached_backend(), 0);
    assert_eq!(scene.run(get(&[])).unwrap().status, StatusCode::OK);
    assert_eq!(scene.reached_backend(), 1);
}

#[test]
fn an_answer_in_a_backends_place_is_decoded_as_the_backends() {
    let config = json!({"config": {"body": "{\"from\":\"plugin\"}"}});
    let scene = Scene::new(At::Backend, json!([plugin("early-answer", config)]));
    let response = scene.run(get(&[])).unwrap();
    assert_eq!(response.object().expect("data").to_bytes(), r#"{"from":"plugin"}"#);
    let scene = Scene::new(
        At::Backend,
        json!([plugin("early-answer", json!({"config": {"body": "no JSON"}}))]),
    );
    let error = scene.run(get(&[])).expect_err("not an object");
    assert!(error.to_string().contains("must be a JSON object"), "{error}");
}

#[test]
fn responses_pass_plugins_backwards() {
    let add = |value: &str| {
        let edits = json!({"request": {"add": {"x-order": value}},
                           "response": {"add": {"x-order": value}}});
        plugin("header-edit", json!({"config": edits}))
    };
    let scene = Scene::new(At::Endpoint, json!([add("first"), add("second")]));
    let response = scene.run(get(&[])).unwrap();
    assert_eq!(values(&response.headers, "x-order"), ["second", "first"]);
    assert_eq!(values(&scene.seen().headers, "x-order"), ["first", "second"]);
}

#[test]
fn what_a_plugin_does_not_need_is_not_in_the_pipeline() {
    let steps = |config: Value| {
        let plugins = json!([plugin("header-edit", json!({"config": config}))]);
        build(At::Endpoint, plugins, &Resources::default()).expect("valid")
    };
    let built = steps(json!({"request": {"set": {"a": "1"}}}));
    assert_eq!(built[0].detail, "header-edit (on-request)");
    let built = steps(json!({"response": {"set": {"a": "1"}}}));
    assert_eq!(built[0].detail, "header-edit (on-response)");
    let built = build(At::Endpoint, probe(json!({})), &Resources::default()).expect("valid");
    let hooks = "test-probe (on-request, on-response)";
    assert_eq!(built[0].detail, format!("{hooks}: asks log; granted log"));
}

#[test]
fn only_the_listed_hooks_are_called() {
    let config = json!({"config": {"request": {"set": {"x-q": "1"}}, "response": {"set": {"x-r": "1"}}},
                        "hooks": ["on-response"]});
    let scene = Scene::new(At::Service, json!([plugin("header-edit", config)]));
    let response = scene.run(get(&[])).unwrap();
    assert_eq!(values(&response.headers, "x-r"), ["1"]);
    assert!(!scene.seen().headers.contains_key("x-q"));
}

#[test]
fn request_hooks_see_and_change_the_request() {
    let commands = json!({"request": [
        ["method"], ["path"], ["query"], ["param", "id"], ["id"], ["ip"], ["route"],
        ["header", "X-Two"], ["headers", "x-two"], ["header", "x-none"], ["names"], ["body"],
        ["clock"], ["random"],
        ["set-method", "PUT"], ["set-path", "/other%20path"], ["set-query", "b=2"],
        ["set-body", "new"]
    ]});
    let scene = Scene::new(At::Service, probe(commands));
    let mut request = get(&[("x-two", "a"), ("x-two", "b")]);
    request.params.set("id".into(), "7".into());
    request.headers.insert("content-length", "3".parse().unwrap());
    request.body = Body::Full(Bytes::from_static(b"old"));
    scene.run(request).unwrap();
    let seen = scene.seen();
    let expected = [
        "GET",
        "/users/7",
        "a=1",
        "7",
        "42",
        "192.0.2.7",
        "/users/{id}",
        "a",
        "a+b",
        "-",
        "x-two+content-length+x-probe",
        "old",
        "true",
        "true",
    ];
    let mut got = values(&seen.headers, "x-probe");
    got.iter_mut().for_each(|value| {
        // The order of names in a header map is its own affair.
        if value.contains("content-length") {
            *value = expected[10];
        }
    });
    assert_eq!(got, expected);
    assert_eq!((seen.method.as_str(), &*seen.path, &*seen.query), ("PUT", "/other%20path", "b=2"));
    assert!(matches!(&seen.body, Body::Full(body) if body == "new"));
    assert!(!seen.headers.contains_key("content-length"), "that of the old body");
}

#[test]
fn edits_that_would_break_http_are_refused_one_by_one() {
    let commands = json!({"request": [
        ["set", "content-length", "5"], ["add", "Transfer-Encoding", "chunked"],
        ["remove", "connection"], ["set", "host", "evil"], ["set", "a b", "1"],
        ["set", "x-a", "1\r\nx-b: 2"], ["set-path", "no-slash"], ["set-path", "/a b"],
        ["set-path", "/a?b"], ["set-query", "a b"], ["set-method", "a b"],
        ["set-method", "CONNECT"], ["set", "x-fine", "yes"]
    ]});
    let scene = Scene::new(At::Endpoint, probe(commands));
    scene.run(get(&[])).unwrap();
    let seen = scene.seen();
    let errors = values(&seen.headers, "x-probe");
    assert_eq!(errors.len(), 12, "{errors:?}");
    assert!(errors.iter().all(|text| text.starts_with("error: ")), "{errors:?}");
    assert_eq!(values(&seen.headers, "x-fine"), ["yes"]);
    assert_eq!((seen.method.as_str(), &*seen.path, &*seen.query), ("GET", "/users/7", "a=1"));
    for name in ["content-length", "transfer-encoding", "host", "x-a", "x-b"] {
        assert!(!seen.headers.contains_key(name), "{name}");
    }
}

#[test]
fn response_hooks_see_and_change_data() {
    let commands = json!({"response": [
        ["status"], ["complete"], ["get", "/user/id"], ["get", "/nothing"],
        ["put", "/user/name", "Ada"], ["delete", "/secret"], ["body"], ["set-body", "x"],
        ["set-status", "99"], ["set-status", "201"]
    ]});
    let scene = Scene::answering(At::Endpoint, probe(commands), || {
        let text = br#"{"user":{"id":7},"secret":1}"#;
        let mut response = Response::from_object(Object::parse(&Bytes::from_static(text)).unwrap());
        response.complete = false;
        response
    });
    let response = scene.run(get(&[])).unwrap();
    assert_eq!(
        values(&response.headers, "x-probe"),
        [
            "200",
            "false",
            "7",
            "-",
            "true",
            "-",
            "error: the response is decoded: it has data, no body",
            "error: 99 is not a status between 200 and 599",
        ]
    );
    assert_eq!(response.status, StatusCode::CREATED);
    assert_eq!(response.object().expect("data").to_bytes(), r#"{"user":{"id":7,"name":"Ada"}}"#);
}

#[test]
fn response_hooks_query_and_replace_data() {
    let commands = json!({"response": [
        ["query", "$..id"], ["query", "$.none"], ["query", "id"], ["replace", "$.users[*].name", "*"],
        ["replace", "$", "*"], ["query", "$.users[?@.id > 7].id"]
    ]});
    let scene = Scene::answering(At::Endpoint, probe(commands), || {
        let text = br#"{"users":[{"id":7,"name":"Ada"},{"id":8,"name":"Bob"}],"total": 2}"#;
        Response::from_object(Object::parse(&Bytes::from_static(text)).unwrap())
    });
    let response = scene.run(get(&[])).unwrap();
    let probe = values(&response.headers, "x-probe");
    assert_eq!(probe[..2], ["/users/0/id=7 /users/1/id=8", ""]);
    assert!(probe[2].starts_with("error: invalid JSONPath: "), "{probe:?}");
    assert_eq!(probe[3..], ["2", "error: `$` cannot be replaced", "/users/1/id=8"]);
    assert_eq!(
        response.object().expect("data").to_bytes(),
        r#"{"total":2,"users":[{"id":7,"name":"*"},{"id":8,"name":"*"}]}"#
    );
}

#[test]
fn state_goes_from_hook_to_hook_and_not_to_the_next_request() {
    let commands = json!({
        "request": [["context", "k"], ["set-context", "k", "v"]],
        "response": [["context", "k"]]
    });
    for isolation in ["pooled", "request"] {
        let mut plugins = probe(commands.clone());
        plugins[0]["isolation"] = isolation.into();
        let scene = Scene::new(At::Endpoint, plugins);
        for _ in 0..2 {
            let response = scene.run(get(&[])).unwrap();
            assert_eq!(values(&response.headers, "x-probe"), ["v"], "{isolation}");
            assert_eq!(values(&scene.seen().headers, "x-probe"), ["-"], "{isolation}");
        }
    }
}

#[test]
fn bodies_are_collected_only_when_the_configuration_says_so() {
    let streamed = || {
        let mut request = get(&[]);
        request.body = super::shared::stream(&["one ", "two"]);
        request
    };
    let commands = json!({"request": [["body"]], "response": [["body"]]});
    let answer = || {
        let mut response = ok("");
        response.data = Data::Body(super::shared::stream(&["three ", "four"]));
        response
    };
    let scene = Scene::answering(At::NoOpBackend, probe(commands.clone()), answer);
    let response = scene.run(streamed()).unwrap();
    assert_eq!(values(&response.headers, "x-probe"), ["-"]);
    assert!(matches!(response.data, Data::Body(Body::Stream(_))), "untouched");
    let seen = scene.seen();
    assert_eq!(values(&seen.headers, "x-probe"), ["-"]);
    assert!(matches!(seen.body, Body::Stream(_)), "untouched");

    let with_limit = |limit: u64| {
        let mut plugins = probe(commands.clone());
        plugins[0]["limits"] = json!({"body": limit});
        Scene::answering(At::NoOpBackend, plugins, answer)
    };
    let scene = with_limit(10);
    let response = scene.run(streamed()).unwrap();
    assert_eq!(values(&response.headers, "x-probe"), ["three four"]);
    assert_eq!(values(&scene.seen().headers, "x-probe"), ["one two"]);
    // The response has 10 bytes, the request 7.
    let error = with_limit(9).run(streamed()).expect_err("too large a response");
    assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY));
    let error = with_limit(6).run(streamed()).expect_err("too large a request");
    assert_eq!(error.status(), Some(StatusCode::PAYLOAD_TOO_LARGE));
}

#[test]
fn a_plugin_that_reads_no_body_buffers_none_whatever_the_limit() {
    let more = json!({"limits": {"body": 4}, "config": {"request": {"set": {"x-q": "1"}}}});
    let scene = Scene::new(At::Endpoint, json!([plugin("header-edit", more)]));
    let mut request = get(&[]);
    request.body = super::shared::stream(&["longer than four bytes"]);
    scene.run(request).unwrap();
    assert!(matches!(scene.seen().body, Body::Stream(_)));
}
