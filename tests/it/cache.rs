//! Values that one call of a plugin makes while others wait for them.

use std::{
    thread::{self, Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use torana_plugins_build::plugin;
use torana_tests::{
    PATIENCE,
    client::{Answer, Client},
    gateway::Gateway,
    upstream::{Gate, Reply, Script, Upstream},
};

/// Gateways where `/a` runs the plugin and `/plain` none.
struct Scene {
    upstream: Upstream,
    gateway: Gateway,
}

impl Scene {
    /// `replies` are those of the service that makes values, one after the other.
    fn new(workers: usize, replies: &[Reply]) -> Self {
        // Time enough on a machine that does other things beside.
        Self::with_limit("1s", workers, replies)
    }

    fn with_limit(time: &str, workers: usize, replies: &[Reply]) -> Self {
        let plain = Script::new().on("*", "/b", Reply::status(200));
        let script =
            replies.iter().fold(plain, |script, reply| script.on("*", "/token", reply.clone()));
        let upstream = Upstream::start(script);
        let host = format!("http://{}", upstream.address());
        let file = plugin("test-make");
        let config = format!(
            r#"{{ "version": 3, "host": ["{host}"], "timeout": "20s", "endpoints": [
                {{ "endpoint": "/plain", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}] }},
                {{ "endpoint": "/a", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}],
                   "extra_config": {{ "plugin/wasm": [{{ "name": "make", "source": "{}",
                      "config": {{ "url": "{host}/token" }}, "limits": {{ "instances": 300, "timeout": "{time}" }},
                      "grants": {{ "http": ["{host}"], "kv": {{ "store": "s", "bytes": 1000 }} }} }}] }} }} ] }}"#,
            file.display()
        );
        Self { gateway: Gateway::builder().workers(workers).start(config), upstream }
    }

    /// A connection over which these commands are sent.
    fn send(&self, commands: &str) -> Client {
        let mut client = self.gateway.connect();
        client.send(format!("GET /a HTTP/1.1\r\nHost: h\r\nX-Do: {commands}\r\n\r\n"));
        client
    }

    fn run(&self, commands: &str) -> Answer {
        self.send(commands).answer()
    }

    fn spawn<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        count: usize,
        commands: &'static str,
    ) -> Vec<ScopedJoinHandle<'s, Answer>> {
        (0..count).map(|_| scope.spawn(move || self.run(commands))).collect()
    }

    /// Waits until so many calls have an instance.
    fn wait_for_calls(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        let line = format!("torana_wasm_instances_in_use{{plugin=\"make\"}} {count}");
        loop {
            let metrics = self.gateway.metrics();
            if metrics.lines().any(|found| found == line) {
                return;
            }
            assert!(Instant::now() < deadline, "{count} calls in {metrics}");
            thread::yield_now();
        }
    }

    /// How often a value was asked for.
    fn asked(&self) -> usize {
        self.upstream.requests().iter().filter(|request| request.target() == "/token").count()
    }
}

fn token(text: &str) -> Reply {
    Reply::status(200).body(text)
}

fn texts(answers: Vec<ScopedJoinHandle<'_, Answer>>) -> Vec<String> {
    answers.into_iter().map(|answer| answer.join().unwrap().text()).collect()
}

#[test]
fn two_hundred_requests_at_once_make_a_value_once() {
    let gate = Gate::new();
    let scene = Scene::new(4, &[token("t0").after(&gate), token("t1")]);
    thread::scope(|scope| {
        let answers = scene.spawn(scope, 200, "make k 3600000");
        scene.wait_for_calls(200);
        assert_eq!(scene.asked(), 1);
        gate.open();
        assert_eq!(texts(answers), vec!["t0"; 200]);
    });
    assert_eq!(scene.run("make k 3600000; get-or-make k; get k").text(), "t0|t0|t0");
    assert_eq!(scene.asked(), 1);
    // Its time is over at once.
    assert_eq!(scene.run("make x 0; make x 0; get-or-make x; get x").text(), "t1|t1|t1|t1");
    assert_eq!(scene.asked(), 4);
}

#[test]
fn waiting_holds_up_nobody_and_does_not_count_as_running() {
    let gate = Gate::new();
    let scene = Scene::with_limit("50ms", 1, &[token("t0").after(&gate)]);
    thread::scope(|scope| {
        let answers = scene.spawn(scope, 20, "make k 3600000");
        scene.wait_for_calls(20);
        let waited = Instant::now();
        // Above ten times the limit, after which a call ends in any case.
        while waited.elapsed() < Duration::from_millis(600) {
            assert_eq!(scene.gateway.connect().get("/plain").status, 200);
        }
        gate.open();
        assert_eq!(texts(answers), vec!["t0"; 20]);
    });
}

/// What one call does with its claim instead of making the value, and the status that it is answered with.
fn passes_on(end: &str, status: u16) {
    let gate = Gate::new();
    let scene = Scene::new(2, &[token("t0").after(&gate), token("t1")]);
    thread::scope(|scope| {
        let mut first = scene.send(&format!("claim k 0; ask; {end}"));
        assert_eq!(scene.upstream.wait_for(1).len(), 1);
        let others = scene.spawn(scope, 20, "make k 3600000");
        scene.wait_for_calls(21);
        gate.open();
        assert_eq!(first.answer().status, status, "{end}");
        assert_eq!(texts(others), vec!["t1"; 20], "{end}");
    });
    assert_eq!(scene.asked(), 2, "{end}: one other has taken over");
}

#[test]
fn a_claim_ends_with_its_call() {
    passes_on("trap", 500);
    passes_on("loop", 500);
    passes_on("fail", 500);
    passes_on("forget", 200);
    passes_on("release k", 200);
    // A value that is refused.
    passes_on(&format!("keep k {} 3600000", "v".repeat(1_001)), 200);
}

#[test]
fn a_claim_ends_when_the_client_goes_away() {
    let scene = Scene::new(2, &[Reply::hang(), token("t1")]);
    thread::scope(|scope| {
        let first = scene.send("make k 3600000");
        assert_eq!(scene.upstream.wait_for(1).len(), 1);
        let second = scene.send("make k 3600000");
        let others = scene.spawn(scope, 20, "make k 3600000");
        scene.wait_for_calls(22);
        // One that waits, and then the one that makes.
        drop(second);
        scene.wait_for_calls(21);
        drop(first);
        assert_eq!(texts(others), vec!["t1"; 20]);
    });
    assert_eq!(scene.asked(), 2);
}

#[test]
fn a_wait_ends_in_time() {
    let gate = Gate::new();
    let scene = Scene::new(2, &[token("t0").after(&gate)]);
    thread::scope(|scope| {
        let first = scene.spawn(scope, 1, "make k 3600000");
        assert_eq!(scene.upstream.wait_for(1).len(), 1);
        assert_eq!(
            scene.run("claim k 0; claim k 50; claim other 0").text(),
            "timeout|timeout|yours"
        );
        gate.open();
        assert_eq!(texts(first), ["t0"]);
    });
    assert_eq!(scene.run("claim k 0").text(), "t0");
}

#[test]
fn claims_crosswise_end_in_time() {
    let gate = Gate::new();
    let scene = Scene::new(2, &[token("t0").after(&gate), token("t0").after(&gate)]);
    thread::scope(|scope| {
        let one = scene.spawn(scope, 1, "claim a 0; ask; claim b 100");
        let other = scene.spawn(scope, 1, "claim b 0; ask; claim a 100");
        assert_eq!(scene.upstream.wait_for(2).len(), 2);
        gate.open();
        let found = [texts(one), texts(other)].concat();
        assert!(found.iter().any(|text| text == "yours|t0|timeout"), "{found:?}");
        assert!(found.iter().all(|text| text.starts_with("yours|t0|")), "{found:?}");
    });
}

#[test]
fn a_call_does_not_wait_for_itself() {
    let scene = Scene::new(1, &[]);
    let commands = "claim k 0; claim k 30000; keep k v 3600000; claim k 0; get k";
    assert_eq!(scene.run(commands).text(), "yours|yours|kept|v|v");
    let many: Vec<_> = (0..17).map(|number| format!("claim k{number} 0")).collect();
    let found = scene.run(&many.join(";")).text();
    assert_eq!(found, format!("{}too many", "yours|".repeat(16)));
    let long = "k".repeat(257);
    assert_eq!(scene.run(&format!("claim {long} 0")).text(), "too large");
    let large = "v".repeat(1_001);
    let commands = format!("claim k0 0; keep k0 {large} 0; claim k0 0");
    assert_eq!(scene.run(&commands).text(), "yours|quota|yours");
    let metrics = scene.gateway.metrics();
    let counted = r#"torana_wasm_host_calls_total{plugin="make",interface="cache"}"#;
    assert!(metrics.lines().any(|line| line.starts_with(counted)), "{metrics}");
}
