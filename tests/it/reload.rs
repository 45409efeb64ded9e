//! Hitless reload: no request is lost, a change is live at once, a bad file changes nothing, what did not change stays.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use torana_tests::{
    PATIENCE,
    client::{Client, End},
    command::{self, Process},
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Gate, Reply, Script, Upstream},
};

/// `/a` answers with the upstream's data and `"version": number`.
fn config(upstream: &Upstream, number: usize) -> String {
    format!(
        r#"{{
  "version": 3,
  "listen_ip": "127.0.0.1",
  "timeout": "20s",
  "host": ["http://{}"],
  "endpoints": [
    {{
      "endpoint": "/a",
      "extra_config": {{ "proxy": {{ "static": {{ "strategy": "always", "data": {{ "number": {number} }} }} }} }},
      "backend": [{{ "url_pattern": "/b" }}]
    }}
  ]
}}"#,
        upstream.address()
    )
}

fn body(number: usize) -> String {
    format!(r#"{{"number":{number},"x":1}}"#)
}

fn upstream() -> Upstream {
    Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#)))
}

#[test]
fn no_request_is_lost() {
    let upstream = upstream();
    let gateway = Gateway::start(config(&upstream, 0));
    let stop = AtomicBool::new(false);
    let served = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // One connection for the whole time: a reload must not close it.
                let mut client = gateway.connect();
                while !stop.load(Ordering::Relaxed) {
                    let answer = client.get("/a");
                    assert_eq!((answer.status, answer.end), (200, End::Complete));
                    assert_eq!(answer.header("x-krakend-completed"), "true");
                    assert!(answer.values("connection").is_empty(), "{:?}", answer.headers);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut client = gateway.connect();
        for number in 1..=40 {
            let before = served.load(Ordering::Relaxed);
            gateway.reload(config(&upstream, number)).unwrap();
            assert_eq!(client.get("/a").text(), body(number));
            // Some requests between one reload and the next.
            let start = Instant::now();
            while served.load(Ordering::Relaxed) < before + 8 {
                assert!(start.elapsed() < PATIENCE, "the load has stopped");
                thread::yield_now();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(served.load(Ordering::Relaxed) >= 320);
}

#[test]
fn a_change_is_live_within_a_tenth_of_a_second() {
    let upstream = upstream();
    let gateway = Gateway::start(config(&upstream, 0));
    let mut client = gateway.connect();
    // The best of ten: other programs may take the processor away, but a pause of the gateway's own is in each.
    let best = (1..=10)
        .map(|number| {
            let start = Instant::now();
            gateway.reload(config(&upstream, number)).unwrap();
            assert_eq!(client.get("/a").text(), body(number));
            start.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < Duration::from_millis(100), "{best:?}");
}

#[test]
fn requests_under_way_keep_their_configuration() {
    let gate = Gate::new();
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).after(&gate)).on(
            "GET",
            "/b",
            Reply::json(r#"{"x":1}"#),
        ));
    let gateway = Gateway::start(config(&upstream, 1));
    let mut old = gateway.connect();
    old.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    let _ = upstream.wait_for(1);
    gateway.reload(config(&upstream, 2)).unwrap();
    assert_eq!(gateway.connect().get("/a").text(), body(2));
    gate.open();
    assert_eq!(old.answer().text(), body(1));
    assert_eq!(old.get("/a").text(), body(2));
}

#[test]
fn a_bad_file_changes_nothing_and_says_where() {
    let upstream = upstream();
    let gateway = Gateway::start(config(&upstream, 1));
    let mut client = gateway.connect();
    for (bad, line) in [
        ("{\n  \"version\": 3,\n  \"endpoints\": [}\n".to_owned(), 3),
        (config(&upstream, 2).replace("\"/a\"", "\"/__health\""), 8),
        (config(&upstream, 2).replace("\"20s\"", "\"soon\""), 4),
    ] {
        let rejected = gateway.reload(&bad).expect_err("a bad file is refused").to_string();
        assert!(rejected.contains(&format!("gateway.json:{line}:")), "{rejected}");
        assert_eq!(client.get("/a").text(), body(1));
    }
    gateway.reload(config(&upstream, 3)).unwrap();
    assert_eq!(client.get("/a").text(), body(3));
}

#[test]
fn endpoints_come_and_go() {
    let upstream = upstream();
    let gateway = Gateway::start(config(&upstream, 1));
    let mut client = gateway.connect();
    assert_eq!(client.get("/new").status, 404);
    gateway.reload(config(&upstream, 1).replace("\"/a\"", "\"/new\"")).unwrap();
    assert_eq!(client.get("/new").status, 200);
    assert_eq!(client.get("/a").status, 404);
}

#[test]
fn connections_to_backends_survive() {
    let upstream = upstream();
    let gateway = Gateway::builder().workers(1).start(config(&upstream, 1));
    let mut client = gateway.connect();
    assert_eq!(client.get("/a").text(), body(1));
    for number in 2..5 {
        gateway.reload(config(&upstream, number)).unwrap();
        assert_eq!(client.get("/a").text(), body(number));
    }
    assert_eq!(upstream.connections(), 1);
}

/// The program with `config(upstream, 1)`. Control sockets of tests and of people's own gateways stay apart.
fn process(upstream: &Upstream) -> (Scratch, String, Process) {
    let scratch = Scratch::new();
    let path = scratch.write("gateway.json", config(upstream, 1)).to_string_lossy().into_owned();
    let directory = scratch.path().to_string_lossy().into_owned();
    let environment = [("XDG_RUNTIME_DIR", directory.as_str())];
    let process = Process::start(&["run", "-c", &path, "-p", "0"], scratch.path(), &environment);
    (scratch, path, process)
}

#[test]
fn a_changed_file_is_read_again() {
    let upstream = upstream();
    let (scratch, _, process) = process(&upstream);
    let mut client = Client::connect(process.address());
    assert_eq!(client.get("/a").text(), body(1));
    for number in 2..5 {
        scratch.replace("gateway.json", config(&upstream, number));
        wait_for(&mut client, number);
    }
}

fn wait_for(client: &mut Client, number: usize) {
    let start = Instant::now();
    while client.get("/a").text() != body(number) {
        assert!(start.elapsed() < PATIENCE, "the change is not live");
    }
}

#[test]
fn sighup_and_the_reload_command() {
    let upstream = upstream();
    let (scratch, path, process) = process(&upstream);
    let directory = scratch.path().to_string_lossy().into_owned();
    let environment = [("XDG_RUNTIME_DIR", directory.as_str())];
    let mut client = Client::connect(process.address());
    assert_eq!(client.get("/a").text(), body(1));

    scratch.replace("gateway.json", config(&upstream, 2));
    process.signal("HUP");
    wait_for(&mut client, 2);

    scratch.replace("gateway.json", config(&upstream, 3));
    let output = command::run(&["reload", "-c", &path], scratch.path(), &environment);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(client.get("/a").text(), body(3));

    scratch.replace("gateway.json", "{ \"version\": 2 }\n");
    let output = command::run(&["reload", "-c", &path], scratch.path(), &environment);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("gateway.json:1:"), "{output:?}");
    assert_eq!(client.get("/a").text(), body(3));

    let output = command::run(&["status", "-c", &path], scratch.path(), &environment);
    assert_eq!(output.code, Some(0), "{output:?}");
    let line = |name: &str| output.stdout.lines().find_map(|line| line.strip_prefix(name));
    // By the command, and by the watcher if it has seen the change by now.
    let refused = line("reloads_refused ").and_then(|count| count.parse::<u32>().ok());
    assert!(matches!(refused, Some(1 | 2)), "{output:?}");
    assert_eq!((line("connections "), line("panics ")), (Some("1"), Some("0")), "{output:?}");
}
