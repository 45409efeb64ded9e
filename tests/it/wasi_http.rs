//! Components of the standard world `wasi:http/proxy` as backends.

use std::{fs, os::unix::fs::PermissionsExt};

use torana_plugins_build::plugin;
use torana_tests::{
    client::{Client, End},
    command::{self, Output, Process},
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Gate, Reply, Script, Step, Upstream},
};

use crate::common::peak_memory;

/// How much the process may grow beside a body that is much larger.
const GROWTH: usize = 16 << 20;
const BIG: usize = 48 << 20;

/// A gateway whose `/PATH` is the component's, passed on untouched; `more` is further members of the plugin, each with a
/// comma before it.
fn config(more: &str, timeout: &str) -> String {
    let endpoint = |method: &str| {
        format!(
            r#"{{ "endpoint": "/{{what}}", "method": "{method}", "output_encoding": "no-op",
                "input_headers": ["*"], "input_query_strings": ["*"], "timeout": "{timeout}",
                "backend": [{{ "url_pattern": "/{{what}}", "plugin/wasm":
                    {{ "name": "standard", "source": "{}"{more} }} }}] }}"#,
            plugin("test-wasi-http").display()
        )
    };
    format!(r#"{{ "version": 3, "endpoints": [{}, {}] }}"#, endpoint("GET"), endpoint("POST"))
}

/// Members that grant an origin; the component cannot do without any.
fn granted(origin: &str) -> String {
    format!(r#", "limits": {{ "timeout": "2s" }}, "grants": {{ "http": ["http://{origin}"] }}"#)
}

fn start() -> Gateway {
    Gateway::start(config(&granted("nowhere.invalid"), "20s"))
}

/// A gateway in a process of its own.
struct Running {
    scratch: Scratch,
    process: Process,
    runtime: String,
}

impl Running {
    fn start(config: String) -> Self {
        let scratch = Scratch::new();
        let path = scratch.write("gateway.json", config);
        let runtime = scratch.path().join("run");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        let runtime = runtime.to_string_lossy().into_owned();
        let process = Process::start(
            &["run", "-c", &path.to_string_lossy(), "-p", "0", "--workers", "1"],
            scratch.path(),
            &[("XDG_RUNTIME_DIR", &runtime)],
        );
        Self { scratch, process, runtime }
    }

    fn connect(&self) -> Client {
        Client::connect(self.process.address())
    }

    fn metrics(&self) -> String {
        let output: Output = command::run(
            &["status", "--metrics", "-c", "gateway.json"],
            self.scratch.path(),
            &[("XDG_RUNTIME_DIR", &self.runtime)],
        );
        assert_eq!(output.code, Some(0), "{output:?}");
        output.stdout
    }

    /// A figure of the component, by its name and further labels.
    fn figure(&self, name: &str, labels: &str) -> usize {
        let metrics = self.metrics();
        let start = format!("torana_wasm_{name}{{plugin=\"standard\"{labels}}} ");
        let found = metrics.lines().find_map(|line| line.strip_prefix(&start));
        found.map_or(0, |value| value.parse().expect("a whole number"))
    }

    /// Waits until no instance serves a request: they end when they are told to, which takes them a moment.
    fn wait_until_idle(&self) {
        let ended = || self.figure("instances_in_use", "") == 0;
        assert!((0..2_000).any(|_| ended()), "{}", self.metrics());
    }
}

#[test]
fn it_answers() {
    let gateway = start();
    let answer = gateway.connect().get("/hello");
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(
        answer.end,
        End::Complete,
        "as a whole or in chunks: the guest may end before its answer leaves"
    );
}

#[test]
fn it_sees_the_request_that_would_be_sent() {
    let gateway = start();
    let headers = [("X-Ask", "me"), ("Connection", "close, x-hop"), ("X-Hop", "1")];
    let answer = gateway.connect().request("POST", "/about?a=%20b", &headers, "body");
    let text = answer.text();
    assert!(text.starts_with("Method::Post "), "{text}");
    assert!(text.contains(" /about?a=%20b ["), "{text}");
    assert!(text.contains("x-ask: me") && text.contains("content-length: 4"), "{text}");
    assert!(!text.contains("x-hop") && !text.contains("connection"), "{text}");
}

#[test]
fn its_status_and_fields_are_passed_on() {
    let gateway = start();
    let answer = gateway.connect().get("/fields");
    assert_eq!((answer.status, answer.text().as_str()), (201, "fields"));
    assert_eq!(answer.values("x-one"), ["1", "2"]);
    assert!(answer.values("te").is_empty(), "{:?}", answer.headers);
    for (status, expected) in [(404, 404), (599, 599), (600, 500), (101, 500)] {
        assert_eq!(gateway.connect().get(&format!("/status?{status}")).status, expected);
    }
}

#[test]
fn it_is_decoded_where_backends_are() {
    let config = config(&granted("nowhere.invalid"), "20s")
        .replace(r#""output_encoding": "no-op""#, r#""output_encoding": "json""#)
        .replace(r#""url_pattern":"#, r#""encoding": "string", "group": "g", "url_pattern":"#);
    let gateway = Gateway::start(config);
    assert_eq!(gateway.connect().get("/hello").text(), r#"{"g":{"content":"hello"}}"#);
}

#[test]
fn bodies_pass_while_they_arrive() {
    let gateway = start();
    let answer = gateway.connect().request("POST", "/echo", &[], "question");
    assert_eq!((answer.status, answer.text().as_str()), (200, "question"));
    let mut client = gateway.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nfirst");
    assert_eq!(client.head().status, 200);
    client.until("first");
    client.send("last");
    client.until("last");
    client.until("0\r\n\r\n");
}

#[test]
fn large_bodies_stream_in_little_memory() {
    let running = Running::start(config(&granted("nowhere.invalid"), "60s"));
    let mut client = running.connect();
    assert_eq!(client.get("/hello").status, 200);
    let before = peak_memory(running.process.id());
    let answer = client.get(&format!("/large?{}", BIG >> 20));
    assert_eq!((answer.status, answer.end, answer.body.len()), (200, End::Complete, BIG));
    assert_eq!(answer.header("content-length"), BIG.to_string());
    let letters = answer.body.chunks(1 << 20).enumerate();
    for (at, mebibyte) in letters {
        let letter = b'a' + (at % 26) as u8;
        assert!(mebibyte.iter().all(|&byte| byte == letter), "MiB {at}");
    }
    drop(answer);
    // Up and down at the same time: who sends does not read.
    let mut sender = running.connect();
    sender.send(format!("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {BIG}\r\n\r\n"));
    assert_eq!(sender.head().status, 200);
    let piece = vec![b'x'; 64 << 10];
    let mut received = Vec::new();
    for _ in 0..BIG / piece.len() {
        sender.try_send(&piece).unwrap();
        // With the frames of its chunks the answer is longer, so this never waits for what is not sent yet.
        received.clear();
        assert_eq!(sender.exactly(piece.len(), &mut received), End::Complete);
    }
    sender.until("\r\n0\r\n\r\n");
    let grown = peak_memory(running.process.id()) - before;
    assert!(grown < GROWTH, "{} KiB more", grown >> 10);
}

#[test]
fn granted_services_are_asked_and_others_are_not() {
    let upstream = Upstream::start(
        Script::new()
            .on("GET", "/yes", Reply::status(200).body("yes"))
            .on("GET", "/large", Reply::status(203).body("x".repeat(1 << 20)))
            // More than the client reads at once, so its head is there before it breaks off.
            .on(
                "GET",
                "/cut",
                Reply::status(200).body("x".repeat(256 << 10)).claim(1 << 20).then(Step::Close),
            ),
    );
    let address = upstream.address();
    let running = Running::start(config(&granted(&address.to_string()), "20s"));
    let mut client = running.connect();
    let mut fetch = |urls: &str| {
        let answer = client.get(&format!("/fetch?{urls}"));
        assert_eq!(answer.status, 200, "{urls}: {:#?}", running.process.output());
        answer.text()
    };
    assert_eq!(fetch(&format!("http://{address}/yes|http://{address}/no")), "200 3|404 0");
    assert_eq!(fetch(&format!("http://{address}/large")), "203 1048576");
    assert_eq!(fetch(&format!("http://{address}/cut")), "200 broken");
    assert_eq!(fetch("http://other.internal/x"), "ErrorCode::HttpRequestDenied");
    running.process.wait_for_lines("refusals", 1, |line| {
        line.contains("may not send requests to http://other.internal")
    });
    let asked = upstream.take();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked[0].values("x-from"), ["guest"]);
    assert_eq!(asked[0].values("host"), [address.to_string()]);
    let seventeen = vec![format!("http://{address}/yes"); 17].join("|");
    let expected = "200 3|".repeat(16) + "ErrorCode::ConnectionLimitReached";
    assert_eq!(fetch(&seventeen), expected, "`limits.calls` is 16");
    assert_eq!(upstream.requests().len(), 16);
}

#[test]
fn waiting_for_others_is_not_running_and_holds_up_nobody() {
    let gate = Gate::new();
    let upstream = Upstream::start(Script::new().on(
        "GET",
        "/slow",
        Reply::status(200).body("late").after(&gate),
    ));
    let address = upstream.address();
    // In-process, with one worker: a guest that held its thread would hold up the other requests.
    let config = config(&granted(&address.to_string()), "20s");
    let gateway = Gateway::builder().workers(1).start(config);
    std::thread::scope(|scope| {
        let fetch = || gateway.connect().get(&format!("/fetch?http://{address}/slow")).text();
        let slow: Vec<_> = (0..8).map(|_| scope.spawn(fetch)).collect();
        assert_eq!(upstream.wait_for(8).len(), 8);
        assert_eq!(gateway.connect().get("/hello").status, 200);
        gate.open();
        for answer in slow {
            assert_eq!(answer.join().unwrap(), "200 4");
        }
    });
}

#[test]
fn what_goes_wrong_costs_one_request_and_is_counted() {
    let more = r#", "limits": { "timeout": "100ms", "memory": "8MiB" },
        "grants": { "http": ["http://nowhere.invalid"] }"#;
    let running = Running::start(config(more, "20s"));
    for (path, kind, log) in [
        ("/error", "hook", "the request asked for it"),
        ("/silent", "answer", "it ended without an answer"),
        ("/trap", "trap", "the request asked for it"),
        ("/loop", "time", "time limit of 100ms exceeded"),
        ("/spin", "time", "time limit of 100ms exceeded"),
        ("/hungry", "memory", "memory limit of 8388608 bytes exceeded"),
        ("/handles", "trap", "table"),
    ] {
        let labels = format!(",hook=\"handle\",kind=\"{kind}\"");
        let mut client = running.connect();
        let before = running.figure("failures_total", &labels);
        assert_eq!(client.get(path).status, 500, "{path}");
        running.process.wait_for_line(log, |line| {
            let found = line.contains("plugin failed") && line.contains(log);
            (found && line.contains("standard")).then_some(())
        });
        assert_eq!(client.get("/hello").text(), "hello", "{path}");
        assert_eq!(running.figure("failures_total", &labels), before + 1, "{path}");
    }
    let backtrace = running.process.wait_for_line("backtrace", |line| {
        (line.contains("time limit") && line.contains("backtrace")).then(|| line.to_owned())
    });
    assert!(backtrace.contains("incoming-handler"), "{backtrace}");
    // A call is counted when its guest has ended, which may be after its answer.
    running.wait_until_idle();
    assert_eq!(running.figure("calls_total", ",hook=\"handle\""), 14);
}

#[test]
fn one_that_keeps_failing_is_switched_off() {
    let gateway = start();
    let mut client = gateway.connect();
    for _ in 0..10 {
        assert_eq!(client.get("/trap").status, 500);
    }
    let answer = client.get("/hello");
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}

#[test]
fn one_that_never_answers_ends_with_its_request() {
    let running = Running::start(config(&granted("nowhere.invalid"), "200ms"));
    assert_eq!(running.connect().get("/never").status, 500);
    running.wait_until_idle();
    assert_eq!(running.connect().get("/hello").status, 200);
}

#[test]
fn all_places_may_be_taken() {
    let more = r#", "limits": { "instances": 1, "queue": 0 },
        "grants": { "http": ["http://nowhere.invalid"] }"#;
    let running = Running::start(config(more, "20s"));
    let mut busy = running.connect();
    busy.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nfirst");
    busy.until("first");
    let answer = running.connect().get("/hello");
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    // Who goes away takes the guest along.
    busy.abort();
    running.wait_until_idle();
    assert_eq!(running.connect().get("/hello").status, 200);
}

#[test]
fn an_error_in_the_middle_breaks_the_answer_off() {
    for path in ["/late-trap", "/late-break"] {
        let running = Running::start(config(&granted("nowhere.invalid"), "20s"));
        let mut client = running.connect();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"));
        assert_eq!(client.head().status, 200);
        client.until("first");
        client.send("rest");
        let mut rest = Vec::new();
        client.drain(&mut rest);
        let rest = String::from_utf8_lossy(&rest).into_owned();
        assert!(!rest.contains("0\r\n\r\n"), "{path} ends as if it were whole: {rest:?}");
        running.process.wait_for_line("failure", |line| {
            (line.contains("plugin failed") && line.contains("request_id")).then_some(())
        });
    }
}

#[test]
fn bodies_may_be_collected_for_it() {
    let more = r#", "limits": { "body": "1KB" }, "grants": { "http": ["http://nowhere.invalid"] }"#;
    let gateway = Gateway::start(config(more, "20s"));
    let mut client = gateway.connect();
    assert_eq!(client.request("POST", "/echo", &[], "x".repeat(1000)).body.len(), 1000);
    assert_eq!(client.request("POST", "/echo", &[], "x".repeat(1001)).status, 413);
}

#[test]
fn it_has_granted_variables_and_nothing_else() {
    let none = start();
    assert_eq!(none.connect().get("/variables").text(), "[]");
    let more = r#", "grants": { "http": ["http://nowhere.invalid"], "env": ["REGION", "UNSET"] }"#;
    let gateway = Gateway::builder().environment("REGION", "eu").start(config(more, "20s"));
    assert_eq!(gateway.connect().get("/variables").text(), r#"[("REGION", "eu")]"#);
}

#[test]
fn it_finds_no_files_and_makes_no_sockets() {
    let upstream = Upstream::start(Script::new());
    let gateway = start();
    let mut client = gateway.connect();
    let files = client.get("/files").text();
    assert!(files.starts_with("Some("), "{files}");
    let socket = client.get(&format!("/socket?{}", upstream.address())).text();
    assert!(socket.starts_with("Some("), "{socket}");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn what_it_prints_is_logged_with_the_request() {
    let more = r#", "grants": { "http": ["http://nowhere.invalid"], "log": true }"#;
    let running = Running::start(config(more, "20s"));
    assert_eq!(running.connect().get("/print?this").status, 200);
    for text in ["printed this", "complained this"] {
        running.process.wait_for_line(text, |line| {
            (line.contains(text) && line.contains("request_id")).then_some(())
        });
    }
    assert_eq!(running.connect().get("/beside").text(), "answered");
    running
        .process
        .wait_for_line("what came after the answer", |line| line.contains("went on").then_some(()));
}

#[test]
fn check_says_what_it_asks_for() {
    let scratch = Scratch::new();
    let source = plugin("test-wasi-http");
    let check = |more: &str| {
        scratch.write("gateway.json", config(more, "20s"));
        command::run(&["check", "-d", "-c", "gateway.json"], scratch.path(), &[])
    };
    let output = check("");
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("`standard` asks for `http`, which is not granted"));
    let output = check(r#", "grants": { "http": ["http://a.internal"] }, "config": { "a": 1 }"#);
    assert!(output.stderr.contains("cannot read a `config`"), "{output:?}");
    let output = check(r#", "grants": { "http": ["http://a.internal"], "kv": "s" }"#);
    assert!(output.stderr.contains("is granted `kv`, which it does not ask for"), "{output:?}");
    scratch.write("gateway.json", config(&granted("a.internal"), "20s"));
    let output =
        command::run(&["explain", "-c", "gateway.json", "GET", "/hello"], scratch.path(), &[]);
    let expected = "standard (wasi:http): asks http; granted http http://a.internal";
    assert!(output.stdout.contains(expected), "{output:?}");
    let json = ["check", "--format", "json", "-c", "gateway.json"];
    let output = command::run(&json, scratch.path(), &[]);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["plugins"], serde_json::json!([expected]));
    let output =
        command::run(&["plugin", "inspect", &source.to_string_lossy()], scratch.path(), &[]);
    assert_eq!(output.code, Some(0), "{output:?}");
    for part in [
        "a backend by the standard of WASI: it exports wasi:http/incoming-handler",
        "asks for       http",
        "wasi:http/outgoing-handler@0.2.",
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
}

#[test]
fn it_can_be_tried_without_a_gateway() {
    let scratch = Scratch::new();
    fs::copy(plugin("test-wasi-http"), scratch.path().join("plugin.wasm")).unwrap();
    fs::create_dir(scratch.path().join("requests")).unwrap();
    scratch.write(
        "requests/echo.http",
        "### request\nPOST /echo\n\nhello\n### expect response\n200\n\nhello\n",
    );
    let output = command::run(&["plugin", "test"], scratch.path(), &[]);
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn an_answer_is_read_while_it_arrives() {
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst".to_vec();
    let gate = Gate::new();
    let upstream = Upstream::start(Script::new().on(
        "GET",
        "/part",
        Reply::steps(vec![
            Step::Send(part),
            Step::Wait(gate.clone()),
            Step::Send(b"last".to_vec()),
        ]),
    ));
    let address = upstream.address();
    let gateway = Gateway::start(config(&granted(&address.to_string()), "20s"));
    std::thread::scope(|scope| {
        let answer =
            scope.spawn(|| gateway.connect().get(&format!("/fetch?http://{address}/part")).text());
        assert_eq!(upstream.wait_for(1).len(), 1);
        gate.open();
        assert_eq!(answer.join().unwrap(), "200 9");
    });
}
