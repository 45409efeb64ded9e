//! Body hooks and collected bodies, seen from both ends.

use torana_plugins_build::plugin;
use torana_tests::{
    client::{Client, End},
    command::Process,
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Gate, Reply, Script, Step, Upstream},
};

use crate::common::peak_memory;

const BIG: usize = 64 << 20;
/// How much the process may grow beside a body of [`BIG`] bytes.
const GROWTH: usize = 16 << 20;

/// `/a` with the plugin, both ways untouched by anything else.
fn config(upstream: &Upstream, name: &str, more: &str) -> String {
    let endpoint = |method: &str| {
        format!(
            r#"{{ "endpoint": "/a", "method": "{method}", "output_encoding": "no-op",
                "backend": [{{ "url_pattern": "/b" }}],
                "extra_config": {{ "plugin/wasm": [
                    {{ "name": "bodies", "source": "{}"{more} }}] }} }}"#,
            plugin(name).display()
        )
    };
    format!(
        r#"{{ "version": 3, "host": ["http://{}"], "timeout": "60s", "endpoints": [
            {{ "endpoint": "/plain", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}] }},
            {}, {} ] }}"#,
        upstream.address(),
        endpoint("GET"),
        endpoint("POST")
    )
}

/// Letters in an order that shows when parts change places.
fn letters(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'a' + ((at / 7 + at / 1024 + at / 65_537) % 26) as u8).collect()
}

fn process(upstream: &Upstream) -> (Scratch, Process, Client) {
    let scratch = Scratch::new();
    let more = r#", "limits": { "timeout": "5s" }"#;
    let path = scratch.write("gateway.json", config(upstream, "test-stream", more));
    let process = Process::start(
        &["run", "-c", &path.to_string_lossy(), "-p", "0", "--workers", "1"],
        scratch.path(),
        &[],
    );
    let mut client = Client::connect(process.address());
    assert_eq!(client.get("/__health").status, 200);
    (scratch, process, client)
}

#[test]
fn large_downloads_stream_through_a_plugin() {
    let sent = letters(BIG);
    let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n").into_bytes();
    bytes.extend(&sent);
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::steps(vec![Step::Send(bytes)])));
    let (_scratch, process, mut client) = process(&upstream);
    let before = peak_memory(process.id());
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.end), (200, End::Complete));
    assert!(answer.values("content-length").is_empty(), "{:?}", answer.headers);
    assert!(answer.body == sent.to_ascii_uppercase(), "the content");
    let grown = peak_memory(process.id()) - before;
    assert!(grown < GROWTH, "{} KiB more", grown >> 10);
}

#[test]
fn large_uploads_stream_through_a_plugin() {
    let sent = letters(BIG);
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let (_scratch, process, mut client) = process(&upstream);
    let before = peak_memory(process.id());
    client.send(format!("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {BIG}\r\n\r\n"));
    for part in sent.chunks(64 << 10) {
        client.try_send(part).unwrap();
    }
    assert_eq!(client.answer().status, 200);
    let received = &upstream.requests()[0];
    assert!(received.values("content-length").is_empty(), "{:?}", received.headers);
    assert!(received.complete && received.body == sent.to_ascii_uppercase(), "the content");
    let grown = peak_memory(process.id()) - before;
    assert!(grown < GROWTH, "{} KiB more", grown >> 10);
}

#[test]
fn a_small_body_keeps_its_length() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::status(200).body("answer")));
    let config = config(&upstream, "test-stream", r#", "config": { "count": true }"#);
    let gateway = Gateway::start(config);
    let answer = gateway.connect().request("POST", "/a", &[], "question");
    assert_eq!((answer.text().as_str(), answer.header("content-length")), ("ANSWER[6]", "9"));
    assert_eq!(upstream.requests()[0].body, b"QUESTION[8]");
    // Without bodies there is nothing to pass.
    let answer = gateway.connect().get("/a");
    assert_eq!(answer.text(), "ANSWER[6]");
    assert!(upstream.requests()[1].body.is_empty());
}

#[test]
fn a_head_does_not_say_how_long_a_body_was_before_the_plugin() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::status(200).body("answer")));
    let config = config(&upstream, "test-stream", r#", "config": { "count": true }"#);
    let gateway = Gateway::start(config.replace("\"GET\"", "\"HEAD\""));
    let mut client = gateway.connect();
    for _ in 0..2 {
        let head = client.request("HEAD", "/a", &[], "");
        assert_eq!((head.status, head.values("content-length").len()), (200, 0));
    }
}

/// On a connection that is kept, a length without a body would swallow the next answer.
#[test]
fn an_answer_that_a_plugin_makes_204_has_neither_body_nor_length() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::status(200).body("answer")));
    let more = r#", "grants": { "log": true }, "config": { "response": [["set-status", "204"]] }"#;
    let gateway = Gateway::start(config(&upstream, "test-probe", more));
    let mut client = gateway.connect();
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
    let head = client.head();
    assert_eq!((head.status, head.values("content-length").len()), (204, 0));
    let next = client.answer();
    assert_eq!((next.status, next.text().as_str()), (200, "answer"));
}

/// A reply whose second part comes when the gate opens.
fn in_two_parts(gate: &Gate, framing: &str, parts: [&str; 2]) -> Reply {
    let send = |text: String| Step::Send(text.into_bytes());
    Reply::steps(vec![
        send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{}", parts[0])),
        Step::Wait(gate.clone()),
        send(parts[1].to_owned()),
    ])
}

#[test]
fn chunks_pass_when_they_come() {
    let gate = Gate::new();
    let reply = in_two_parts(&gate, "Content-Length: 9", ["first", "last"]);
    let upstream = Upstream::start(Script::new().on("GET", "/b", reply));
    let gateway = Gateway::start(config(&upstream, "test-stream", ""));
    let mut client = gateway.connect();
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(client.head().values("content-length").is_empty());
    client.until("FIRST");
    gate.open();
    client.until("LAST");
    client.until("0\r\n\r\n");
}

#[test]
fn an_error_in_the_middle_breaks_the_answer_off() {
    for config_of_plugin in [r#"{ "fail_at": 9 }"#, r#"{ "trap_at": 9 }"#] {
        let gate = Gate::new();
        let reply = in_two_parts(&gate, "Content-Length: 9", ["first", "last"]);
        let upstream = Upstream::start(Script::new().on("GET", "/b", reply));
        let more = format!(r#", "config": {config_of_plugin}"#);
        let gateway = Gateway::start(config(&upstream, "test-stream", &more));
        let mut client = gateway.connect();
        client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(client.head().status, 200);
        client.until("FIRST");
        gate.open();
        let mut rest = Vec::new();
        client.drain(&mut rest);
        let rest = String::from_utf8_lossy(&rest).into_owned();
        assert!(!rest.contains("0\r\n\r\n"), "it ends as if it were whole: {rest:?}");
        assert!(!rest.to_lowercase().contains("last"), "{rest:?}");
    }
}

#[test]
fn an_error_in_an_upload_breaks_the_request_off() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway =
        Gateway::start(config(&upstream, "test-stream", r#", "config": { "fail_at": 9 }"#));
    let mut client = gateway.connect();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nfirst");
    upstream.wait_for_bytes(0, 5);
    client.send("last");
    assert_eq!(client.answer().status, 500);
    upstream.wait_for_hang_up();
    let received = &upstream.requests()[0];
    assert!(!received.complete, "the backend must not take it for whole");
    assert_eq!(received.body, b"FIRST");
    assert_eq!(gateway.connect().get("/plain").status, 404, "the upstream has no such script");
}

#[test]
fn the_rest_passes_a_plugin_that_failed() {
    let gate = Gate::new();
    let reply = in_two_parts(&gate, "Content-Length: 9", ["first", "last"]);
    let upstream = Upstream::start(Script::new().on("GET", "/b", reply));
    let more = r#", "on_error": "pass", "config": { "trap_at": 9 }"#;
    let gateway = Gateway::start(config(&upstream, "test-stream", more));
    let mut client = gateway.connect();
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client.until("FIRST");
    gate.open();
    client.until("last");
    client.until("0\r\n\r\n");
}

const PROBE: &str = r#", "grants": { "log": true }, "limits": { "body": "1KB", "timeout": "1s" },
    "config": { "request": [["body"]], "response": [["set-status", "203"], ["body"]] }"#;

#[test]
fn headers_wait_for_a_plugin_that_reads_the_whole_body() {
    let gate = Gate::new();
    let reply = in_two_parts(&gate, "Content-Length: 9", ["first", "last"]);
    let upstream = Upstream::start(Script::new().on("*", "/b", reply));
    let gateway = Gateway::start(config(&upstream, "test-probe", PROBE));
    let mut client = gateway.connect();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nques");
    // The backend is asked only when the plugin has seen the question: another one overtakes it.
    client.send("tion");
    let received = upstream.wait_for_complete(1);
    assert_eq!(received[0].body, b"question");
    // The plugin decides about the status when it has seen the last byte, so none can have left before.
    gate.open();
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (203, "firstlast"));
    assert_eq!(answer.values("x-probe"), ["firstlast"]);
    assert_eq!(answer.header("content-length"), "9");
}

#[test]
fn bodies_above_the_plugins_limit_are_refused() {
    let large = "x".repeat(5_000);
    let upstream = Upstream::start(
        Script::new()
            .on("GET", "/b", Reply::status(200).body(large.as_str()))
            .on("GET", "/b", Reply::status(200).body(large.as_str()).chunked())
            .on("POST", "/b", Reply::status(200).body("small")),
    );
    let gateway = Gateway::start(config(&upstream, "test-probe", PROBE));
    for framing in ["a length", "chunks"] {
        assert_eq!(gateway.connect().get("/a").status, 502, "{framing}");
    }
    drop(upstream.take());
    let refused = gateway.connect().request("POST", "/a", &[], &large);
    assert_eq!(refused.status, 413);
    let mut client = gateway.connect();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    assert_eq!(client.answer().status, 413);
    assert!(upstream.requests().is_empty(), "no backend sees what is too large");
    assert_eq!(gateway.connect().request("POST", "/a", &[], "small").status, 203);
}

#[test]
fn bodies_are_collected_for_the_hook_that_has_a_limit() {
    let upstream =
        Upstream::start(Script::new().on("POST", "/b", Reply::status(200).body("small")).on(
            "GET",
            "/b",
            Reply::status(200).body("x".repeat(5_000)),
        ));
    let probe = PROBE.replace(r#""body": "1KB""#, r#""body": { "response": "1KB" }"#);
    let gateway = Gateway::start(config(&upstream, "test-probe", &probe));
    let large = "x".repeat(5_000);
    let mut client = gateway.connect();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    let answer = client.answer();
    assert_eq!((answer.status, answer.values("x-probe")), (203, vec!["small"]));
    assert_eq!(upstream.requests()[0].body, large.as_bytes(), "uploads stream past the plugin");
    assert_eq!(gateway.connect().get("/a").status, 502, "answers above the limit do not");
}
