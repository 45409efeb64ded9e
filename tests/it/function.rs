//! Plugins in the place of a backend.

use torana_plugins_build::plugin;
use torana_tests::{
    client::Client,
    command::{self, Process},
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Reply, Script, Upstream},
};

/// A backend that is the plugin, with further members of the backend, each with a comma before it.
fn function(config: &str, more: &str) -> String {
    let source = plugin("test-function");
    format!(
        r#"{{ "plugin/wasm": {{ "name": "function", "source": "{}", "config": {config} }}{more} }}"#,
        source.display()
    )
}

/// A gateway with `/a/{id}`, whose backends these are.
fn config(backends: &str, more: &str) -> String {
    format!(
        r#"{{ "version": 3, "endpoints": [
            {{ "endpoint": "/a/{{id}}", "input_headers": ["X-Ask"], "input_query_strings": ["*"],
               "backend": [{backends}]{more} }} ] }}"#
    )
}

const NO_OP: &str = r#", "output_encoding": "no-op""#;

#[test]
fn it_sees_the_request_that_would_be_sent() {
    let backend = function("{}", r#", "url_pattern": "/items/{id}""#);
    let gateway = Gateway::start(config(&backend, NO_OP));
    let answer =
        gateway.connect().request("GET", "/a/7?x=1", &[("X-Ask", "me"), ("X-No", "1")], "");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text(),
        r#"{"method":"GET","path":"/items/7","query":"x=1","header":"me","body":""}"#
    );
    assert_eq!(answer.header("content-type"), "application/json");
}

#[test]
fn its_answer_is_passed_on_untouched() {
    let answer = r#"{ "status": 418, "headers": { "X-Teapot": "yes", "Content-Type": "text/plain" },
        "body": "short and stout" }"#;
    let gateway = Gateway::start(config(&function(answer, ""), NO_OP));
    let answer = gateway.connect().get("/a/1");
    assert_eq!((answer.status, answer.text().as_str()), (418, "short and stout"));
    assert_eq!(answer.values("x-teapot"), ["yes"]);
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.header("content-length"), "15");
}

#[test]
fn its_answer_is_decoded_as_a_backends() {
    let body = r#"{ "body": "{\"id\":7,\"name\":\"n\",\"secret\":\"s\"}" }"#;
    for (more, expected) in [
        ("", r#"{"id":7,"name":"n","secret":"s"}"#),
        (r#", "allow": ["id"]"#, r#"{"id":7}"#),
        (r#", "deny": ["secret"]"#, r#"{"id":7,"name":"n"}"#),
        (r#", "allow": ["name"], "mapping": { "name": "title" }"#, r#"{"title":"n"}"#),
        (r#", "allow": ["id"], "group": "item""#, r#"{"item":{"id":7}}"#),
    ] {
        let gateway = Gateway::start(config(&function(body, more), ""));
        let answer = gateway.connect().get("/a/1");
        assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{more}");
    }
    let list = function(r#"{ "body": "[1,2]" }"#, r#", "is_collection": true"#);
    assert_eq!(
        Gateway::start(config(&list, "")).connect().get("/a/1").text(),
        r#"{"collection":[1,2]}"#
    );
}

#[test]
fn what_no_backend_may_answer_it_may_not_either() {
    for answer in [r#"{ "body": "no JSON" }"#, r#"{ "status": 503, "body": "{}" }"#] {
        let gateway = Gateway::start(config(&function(answer, ""), ""));
        assert_eq!(gateway.connect().get("/a/1").status, 500, "{answer}");
    }
    for answer in [
        r#"{ "status": 99, "body": "" }"#,
        r#"{ "status": 101, "body": "" }"#,
        r#"{ "headers": { "Content-Length": "3" }, "body": "" }"#,
        r#"{ "headers": { "X Y": "3" }, "body": "" }"#,
    ] {
        let gateway = Gateway::start(config(&function(answer, ""), NO_OP));
        assert_eq!(gateway.connect().get("/a/1").status, 500, "{answer}");
    }
}

#[test]
fn it_is_merged_with_others() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#)));
    let host = format!(r#", {{ "host": ["http://{}"], "url_pattern": "/b" }}"#, upstream.address());
    let backends = function(r#"{ "body": "{\"y\":2}" }"#, "") + &host;
    let gateway = Gateway::start(config(&backends, ""));
    let answer = gateway.connect().get("/a/1");
    assert!(answer.text() == r#"{"x":1,"y":2}"# || answer.text() == r#"{"y":2,"x":1}"#);
    assert_eq!(answer.header("x-krakend-completed"), "true");
    // The other's data is there without it.
    let backends = function("{}", r#", "url_pattern": "/f?trap=1""#) + &host;
    let gateway = Gateway::start(config(&backends, ""));
    let answer = gateway.connect().get("/a/1");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#));
    assert_eq!(answer.header("x-krakend-completed"), "false");
}

#[test]
fn a_failure_costs_one_request() {
    let gateway = Gateway::start(config(&function("{}", ""), NO_OP));
    let mut client = gateway.connect();
    for query in ["trap=1", "fail=1"] {
        assert_eq!(client.get(&format!("/a/1?{query}")).status, 500, "{query}");
        assert_eq!(client.get("/a/1?x=1").status, 200, "{query}");
    }
}

#[test]
fn bodies_are_collected_for_it() {
    let source = plugin("test-function");
    let backend = format!(
        r#"{{ "plugin/wasm": {{ "name": "function", "source": "{}", "limits": {{ "body": "1KB" }} }} }}"#,
        source.display()
    );
    let post = format!(r#"{NO_OP}, "method": "POST""#);
    let gateway = Gateway::start(config(&backend, &post));
    let answer = gateway.connect().request("POST", "/a/1", &[], "question");
    assert!(answer.text().ends_with(r#""body":"question"}"#), "{}", answer.text());
    let mut client = gateway.connect();
    client.send("POST /a/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nques\r\n");
    client.send("4\r\ntion\r\n0\r\n\r\n");
    assert!(client.answer().text().ends_with(r#""body":"question"}"#));
    assert_eq!(gateway.connect().request("POST", "/a/1", &[], "x".repeat(5_000)).status, 413);
}

#[test]
fn a_new_build_of_its_file_is_picked_up() {
    let scratch = Scratch::new();
    let original = std::fs::read(plugin("test-function")).unwrap();
    let copy = scratch.write("function.wasm", &original);
    let backend =
        format!(r#"{{ "plugin/wasm": {{ "name": "function", "source": "{}" }} }}"#, copy.display());
    let path = scratch.write("gateway.json", config(&backend, NO_OP));
    let process =
        Process::start(&["run", "-c", &path.to_string_lossy(), "-p", "0"], scratch.path(), &[]);
    assert_eq!(Client::connect(process.address()).get("/a/1").status, 200);
    // A damaged file changes nothing for those who ask, and the log says so.
    scratch.replace("function.wasm", &original[..original.len() / 2]);
    process.wait_for_lines("refusals", 1, |line| line.contains("function.wasm"));
    assert_eq!(Client::connect(process.address()).get("/a/1").status, 200);
}

#[test]
fn check_tells_what_is_wrong() {
    let check = |backend: &str| {
        let scratch = Scratch::new();
        scratch.write("gateway.json", config(backend, ""));
        command::run(&["check", "-c", "gateway.json"], scratch.path(), &[])
    };
    let other = plugin("test-loop");
    let backend =
        format!(r#"{{ "plugin/wasm": {{ "name": "other", "source": "{}" }} }}"#, other.display());
    let output = check(&backend);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("does not export `handle`"), "{output:?}");
    assert!(output.stderr.contains("gateway.json:3:"), "{output:?}");
    let output = check(&function("{}", r#", "host": ["http://h.test"]"#));
    assert_eq!(output.code, Some(0), "{output:?}");
    let text = output.stdout + &output.stderr;
    assert!(text.contains("`host` has no effect beside `plugin/wasm`"), "{text}");
    let other = r#"{ "name": "other", "source": "SOURCE", "hooks": ["on-request"] }"#
        .replace("SOURCE", &plugin("test-function").to_string_lossy());
    let output = check(&format!(r#"{{ "plugin/wasm": {other} }}"#));
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("only `handle` is called"), "{output:?}");
    let source = plugin("test-function").to_string_lossy().into_owned();
    let output = check(&format!(
        r#"{{ "plugin/wasm": {{ "name": "f", "source": "{source}", "on_error": "pass" }} }}"#
    ));
    assert_eq!(output.code, Some(0), "{output:?}");
    let text = output.stdout + &output.stderr;
    assert!(text.contains("a backend cannot be passed over"), "{text}");
    let output = check(&function(r#"{ "statuss": 200 }"#, ""));
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("statuss"), "{output:?}");
}
