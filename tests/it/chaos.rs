//! Plugins that go wild in a gateway under load: exactly the requests that make them do so fail, the log and the figures
//! tell, and the process keeps its size.

use std::{fs, os::unix::fs::PermissionsExt};

use torana_plugins_build::plugin;
use torana_tests::{
    client::Client,
    command::{self, Process},
    scratch::Scratch,
    upstream::{Gate, Reply, Script, Upstream},
};

use crate::common::peak_memory;

/// Clients at the same time, and rounds of each.
const CLIENTS: usize = 4;
const ROUNDS: usize = 5;
/// Requests that make the plugin fail.
const BAD: usize = CLIENTS * ROUNDS;
/// How much the process may grow.
const GROWTH: usize = 48 << 20;

fn upstream() -> Upstream {
    Upstream::start(Script::new().on("*", "/b", Reply::json(r#"{"x":1}"#)))
}

/// A gateway in a process of its own with a plugin called `chaos` at `/a` and none at `/plain`.
struct Chaos {
    scratch: Scratch,
    process: Process,
    runtime: String,
}

impl Chaos {
    fn start(upstream: &Upstream, name: &str, more: &str, workers: u32) -> Self {
        let scratch = Scratch::new();
        let config = format!(
            r#"{{ "version": 3, "host": ["http://{}"], "timeout": "20s", "endpoints": [
                {{ "endpoint": "/plain", "backend": [{{ "url_pattern": "/b" }}] }},
                {{ "endpoint": "/a", "backend": [{{ "url_pattern": "/b" }}],
                   "extra_config": {{ "plugin/wasm": [
                       {{ "name": "chaos", "source": "{}"{more} }}] }} }} ] }}"#,
            upstream.address(),
            plugin(name).display()
        );
        let path = scratch.write("gateway.json", config);
        let runtime = scratch.path().join("run");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        let runtime = runtime.to_string_lossy().into_owned();
        let workers = workers.to_string();
        let process = Process::start(
            &["run", "-c", &path.to_string_lossy(), "-p", "0", "--workers", &workers],
            scratch.path(),
            &[("XDG_RUNTIME_DIR", &runtime)],
        );
        Self { scratch, process, runtime }
    }

    fn connect(&self) -> Client {
        Client::connect(self.process.address())
    }

    /// A figure of the plugin, by its name and further labels.
    fn figure(&self, name: &str, labels: &str) -> usize {
        let output = command::run(
            &["status", "--metrics", "-c", "gateway.json"],
            self.scratch.path(),
            &[("XDG_RUNTIME_DIR", &self.runtime)],
        );
        assert_eq!(output.code, Some(0), "{output:?}");
        let start = format!("torana_wasm_{name}{{plugin=\"chaos\"{labels}}} ");
        let found = output.stdout.lines().find_map(|line| line.strip_prefix(&start));
        found.map_or(0, |value| value.parse().expect("a whole number"))
    }

    /// Clients that send one bad request, one good and one elsewhere, round after round. Gives the statuses of the bad
    /// ones; the others are all answered.
    fn storm(&self, header: (&str, &str)) -> Vec<u16> {
        let client = || {
            let mut client = self.connect();
            let mut bad = Vec::new();
            for _ in 0..ROUNDS {
                bad.push(client.request("GET", "/a", &[header], "").status);
                assert_eq!(client.get("/a").status, 200);
                assert_eq!(client.get("/plain").status, 200);
            }
            bad
        };
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        })
    }
}

/// What a kind of fault looks like from outside.
struct Fault {
    plugin: &'static str,
    header: (&'static str, &'static str),
    limits: &'static str,
    kind: &'static str,
    log: &'static str,
}

const FAULTS: [Fault; 4] = [
    Fault {
        plugin: "test-loop",
        header: ("X-Loop", "1"),
        limits: r#"{ "timeout": "100ms" }"#,
        kind: "time",
        log: "time limit of 100ms exceeded",
    },
    Fault {
        plugin: "test-hungry",
        header: ("X-Eat", "100"),
        limits: r#"{ "timeout": "2s", "memory": "8MiB" }"#,
        kind: "memory",
        log: "memory limit of 8388608 bytes exceeded",
    },
    Fault {
        plugin: "test-recurse",
        header: ("X-Recurse", "1"),
        limits: r#"{ "timeout": "2s" }"#,
        kind: "trap",
        log: "plugin failed: ",
    },
    Fault {
        plugin: "test-trap",
        header: ("X-Trap", "1"),
        limits: r#"{ "timeout": "2s" }"#,
        kind: "trap",
        log: "the request asked for it",
    },
];

#[test]
fn exactly_the_bad_requests_fail() {
    let upstream = upstream();
    for fault in FAULTS {
        let more = format!(r#", "limits": {}"#, fault.limits);
        let chaos = Chaos::start(&upstream, fault.plugin, &more, 2);
        assert_eq!(chaos.connect().get("/a").status, 200);
        let before = peak_memory(chaos.process.id());
        assert_eq!(chaos.storm(fault.header), [500; BAD], "{}", fault.plugin);
        let grown = peak_memory(chaos.process.id()) - before;
        assert!(grown < GROWTH, "{}: {} KiB more", fault.plugin, grown >> 10);
        let kind = format!(r#",hook="on-request",kind="{}""#, fault.kind);
        assert_eq!(chaos.figure("failures_total", &kind), BAD, "{}", fault.plugin);
        // Every bad request has a good one beside it, and there was one in front of all.
        let calls = chaos.figure("calls_total", r#",hook="on-request""#);
        assert_eq!(calls, 2 * BAD + 1, "{}", fault.plugin);
        let logged = |line: &str| line.contains("plugin failed: ") && line.contains(fault.log);
        chaos.process.wait_for_lines("failures", BAD, logged);
    }
}

#[test]
fn requests_may_pass_a_plugin_that_fails() {
    let upstream = upstream();
    for fault in FAULTS {
        let more = format!(r#", "on_error": "pass", "limits": {}"#, fault.limits);
        let chaos = Chaos::start(&upstream, fault.plugin, &more, 2);
        assert_eq!(chaos.storm(fault.header), [200; BAD], "{}", fault.plugin);
        let bypasses = chaos.figure("bypasses_total", r#",hook="on-request""#);
        assert_eq!(bypasses, BAD, "{}", fault.plugin);
        let logged = |line: &str| line.contains("plugin failed and is skipped: ");
        chaos.process.wait_for_lines("bypasses", BAD, logged);
    }
}

#[test]
fn a_panic_in_a_hundred_calls() {
    let upstream = upstream();
    let more = r#", "limits": { "timeout": "2s" }"#;
    let chaos = Chaos::start(&upstream, "test-panic-sometimes", more, 1);
    let mut client = chaos.connect();
    // One connection: one worker, and one instance until it panics.
    let statuses: Vec<u16> = (0..500).map(|_| client.get("/a").status).collect();
    let failed: Vec<_> = (1..=500).filter(|number| statuses[number - 1] != 200).collect();
    assert_eq!(failed, [100, 200, 300, 400, 500]);
    assert!(failed.iter().all(|number| statuses[number - 1] == 500));
    assert_eq!(chaos.figure("failures_total", r#",hook="on-request",kind="trap""#), 5);
}

#[test]
fn a_flood_of_log_lines() {
    let upstream = upstream();
    let more = r#", "grants": { "log": true }, "limits": { "timeout": "2s" }"#;
    let chaos = Chaos::start(&upstream, "test-flood", more, 2);
    assert_eq!(chaos.connect().get("/a").status, 200);
    let before = peak_memory(chaos.process.id());
    assert_eq!(chaos.storm(("X-Flood", "2000")), [200; BAD]);
    let grown = peak_memory(chaos.process.id()) - before;
    assert!(grown < GROWTH, "{} KiB more", grown >> 10);
    chaos.process.wait_for_lines("dams", BAD, |line| line.contains("too many log lines"));
    let flood: usize = chaos
        .process
        .output()
        .iter()
        .filter(|line| line.contains("flood flood"))
        .map(String::len)
        .sum();
    assert!(flood <= BAD * 100 * 5_000, "{flood} bytes of log");
}

#[test]
fn a_service_that_does_not_answer_holds_up_only_who_asks() {
    let gate = Gate::new();
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json(r#"{"x":1}"#)).on(
        "*",
        "/slow",
        Reply::status(204).after(&gate),
    ));
    let origin = format!("http://{}", upstream.address());
    let more = |timeout: &str, limits: &str| {
        format!(
            r#", "config": {{ "url": "{origin}/slow", "timeout_ms": {timeout} }},
                "grants": {{ "http": ["{origin}"] }}, "limits": {limits}"#
        )
    };
    let chaos = Chaos::start(&upstream, "test-slow-outbound", &more("50", "{}"), 2);
    assert_eq!(chaos.storm(("X-Ask", "1")), [500; BAD]);
    assert_eq!(chaos.figure("failures_total", r#",hook="on-request",kind="hook""#), BAD);
    drop(chaos);

    // With one instance and no queue, whoever comes while it waits is sent away, and told when to come again.
    drop(upstream.take());
    let limits = r#"{ "instances": 1, "queue": 0 }"#;
    let chaos = Chaos::start(&upstream, "test-slow-outbound", &more("20000", limits), 1);
    let mut patient = chaos.connect();
    patient.send("GET /a HTTP/1.1\r\nHost: h\r\nX-Ask: 1\r\n\r\n");
    assert_eq!(upstream.wait_for(1)[0].target(), "/slow");
    let mut other = chaos.connect();
    let answer = other.get("/a");
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(other.get("/plain").status, 200);
    gate.open();
    assert_eq!(patient.answer().status, 200);
    assert_eq!(other.get("/a").status, 200);
    let asked = upstream.requests();
    let backend: Vec<_> = asked.iter().filter(|request| request.target() == "/b").collect();
    assert_eq!(backend[1].values("x-asked"), ["204"]);
    assert_eq!(chaos.figure("failures_total", r#",hook="on-request",kind="busy""#), 1);
}

/// Also the first call that is long, which nobody could expect.
#[test]
fn a_plugin_that_may_run_for_long_holds_up_only_who_calls_it() {
    let upstream = upstream();
    let chaos = Chaos::start(&upstream, "test-loop", r#", "limits": { "timeout": "10s" }"#, 1);
    let (mut looping, mut other) = (chaos.connect(), chaos.connect());
    looping.send("GET /a HTTP/1.1\r\nHost: h\r\nX-Loop: 1\r\n\r\n");
    while chaos.figure("instances_in_use", "") == 0 {}
    assert_eq!(other.get("/plain").status, 200);
    assert_eq!(chaos.figure("instances_in_use", ""), 1, "the plugin runs on meanwhile");
}

/// The clock of time limits rests while nothing happens: for longer than it takes to fall asleep, here.
#[test]
fn a_plugin_that_loops_after_a_long_wait_is_cut() {
    let gate = Gate::new();
    let upstream = Upstream::start(Script::new().on("*", "/slow", Reply::status(204).after(&gate)));
    let origin = format!("http://{}", upstream.address());
    let more = format!(
        r#", "config": {{ "url": "{origin}/slow", "timeout_ms": 2000, "loops": true }},
            "grants": {{ "http": ["{origin}"] }}"#
    );
    let chaos = Chaos::start(&upstream, "test-slow-outbound", &more, 1);
    let mut client = chaos.connect();
    assert_eq!(client.request("GET", "/a", &[("X-Ask", "1")], "").status, 500);
    assert_eq!(chaos.figure("failures_total", r#",hook="on-request",kind="time""#), 1);
}

#[test]
fn a_plugin_that_only_fails_is_switched_off() {
    let upstream = upstream();
    for (name, header) in [("test-trap", "X-Trap"), ("test-loop", "X-Loop")] {
        let chaos = Chaos::start(&upstream, name, r#", "limits": { "timeout": "20ms" }"#, 1);
        let mut client = chaos.connect();
        for _ in 0..10 {
            assert_eq!(client.request("GET", "/a", &[(header, "1")], "").status, 500, "{name}");
        }
        assert_eq!(chaos.figure("tripped", ""), 1, "{name}");
        chaos.process.wait_for_lines("trips", 1, |line| line.contains("switched off"));
        let answer = client.get("/a");
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{name}");
        assert_eq!(client.get("/plain").status, 200, "{name}");
        let calls = chaos.figure("calls_total", r#",hook="on-request""#);
        assert_eq!(calls, 10, "{name}: those that are sent away are no calls");
    }
}

/// What an open gateway holds: file descriptors and threads.
fn held(process: u32) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{process}/{what}")).unwrap().count();
    (count("fd"), count("task"))
}

#[test]
fn reloads_leave_nothing_behind() {
    let upstream = upstream();
    let chaos = Chaos::start(&upstream, "test-get-set", "", 2);
    let config = |generation: usize| {
        let plugins = |endpoint: usize| {
            let plugin = |index: usize| {
                // Half of them are the same in every generation.
                let name = if index == 0 { endpoint } else { 100 + generation };
                let source = plugin("test-get-set");
                format!(r#"{{ "name": "plugin-{name}", "source": "{}" }}"#, source.display())
            };
            format!("[{}, {}]", plugin(0), plugin(1))
        };
        let endpoints = (0..5).map(|endpoint| {
            format!(
                r#"{{ "endpoint": "/{endpoint}", "backend": [{{ "url_pattern": "/b" }}],
                    "extra_config": {{ "plugin/wasm": {} }} }}"#,
                plugins(endpoint)
            )
        });
        let endpoints: Vec<_> = endpoints.collect();
        format!(
            r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [{}] }}"#,
            upstream.address(),
            endpoints.join(",")
        )
    };
    let reload = |generation: usize| {
        chaos.scratch.replace("gateway.json", config(generation));
        let output = command::run(
            &["reload", "-c", "gateway.json"],
            chaos.scratch.path(),
            &[("XDG_RUNTIME_DIR", &chaos.runtime)],
        );
        assert_eq!(output.code, Some(0), "{generation}: {output:?} {:#?}", chaos.process.output());
        // A connection of its own: workers finish old ones in their time.
        let mut client = chaos.connect();
        for endpoint in 0..5 {
            assert_eq!(client.get(&format!("/{endpoint}")).status, 200);
        }
    };
    assert_eq!(chaos.connect().get("/a").status, 200);
    (0..5).for_each(reload);
    let (files, threads) = held(chaos.process.id());
    (5..50).for_each(reload);
    let (files_now, threads_now) = held(chaos.process.id());
    // Closed connections of clients may still be on their way out.
    assert!(files_now <= files + 2, "{files} open files, then {files_now}");
    // Threads for long calls start with the first one, one for each processor.
    let lanes = std::thread::available_parallelism().unwrap().get();
    assert!(threads_now <= threads + lanes, "{threads} threads, then {threads_now}");
    // Five that stay and one of the last generation; those before it are gone, and so are their instances.
    let output = command::run(
        &["status", "--metrics", "-c", "gateway.json"],
        chaos.scratch.path(),
        &[("XDG_RUNTIME_DIR", &chaos.runtime)],
    );
    let live =
        output.stdout.lines().filter(|line| line.starts_with("torana_wasm_tripped{")).count();
    assert_eq!(live, 6, "{}", output.stdout);
}
