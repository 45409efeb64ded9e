//! What a plugin may ask the gateway for, asked by the same requests in every language: the answers are the same, too.

use std::{thread, time::Instant};

use serde_json::{Value, json};
use torana_tests::{
    PATIENCE,
    gateway::Gateway,
    upstream::{Gate, Reply, Script, Upstream},
};

/// Services that the plugin may call, and the backend `/b`. `/one` and `/two` answer when the gate is open, `/never`
/// does not.
pub(crate) fn upstream(slow: &Gate) -> Upstream {
    let text = |text: &str| Reply::status(200).header("x-reply", "text").body(text);
    Upstream::start(
        Script::new()
            .on("*", "/b", Reply::json(r#"{"x":1,"list":[{"id":1},{"id":"ä"}],"gone":true}"#))
            .compute("POST", "/echo", |request| {
                let sent = request.values("x-sent").concat();
                Reply::status(201).header("x-reply", &sent).body("taken")
            })
            .on("*", "/yes", text("yes"))
            .on("*", "/one", text("1").after(slow))
            .on("*", "/two", text("2").after(slow))
            .on("*", "/never", Reply::hang()),
    )
}

/// Environment, store and metrics. The store has room for three keys.
const STATE: &[(&str, &str)] = &[
    ("env PROBE", "here"),
    ("env HOME", "none"),
    ("log hello", "done"),
    ("kv-get a", "none"),
    ("kv-set a one 0", "done"),
    ("kv-get a", "one"),
    ("kv-set a two 60000", "done"),
    ("kv-get a", "two"),
    ("kv-set-if-absent a three 0", "false"),
    ("kv-set-if-absent b three 60000", "true"),
    ("kv-get b", "three"),
    ("kv-add n 2 0", "2"),
    ("kv-add n -5 60000", "-3"),
    ("kv-add a 1 0", "error not-a-counter"),
    ("kv-set c full 0", "error quota"),
    ("kv-delete b", "true"),
    ("kv-delete b", "false"),
    ("kv-get b", "none"),
    ("cache-claim a 1", "two"),
    ("cache-claim b 0", "yours"),
    ("cache-claim b 50", "yours"),
    ("cache-release b", "done"),
    ("cache-make b none 0", "error"),
    ("cache-make b made 60000", "made"),
    ("cache-make b other 0", "made"),
    ("cache-claim b 0", "made"),
    ("kv-get b", "made"),
    ("cache-make c full 0", "error quota"),
    ("cache-keep b kept 0", "done"),
    ("kv-get b", "kept"),
    ("kv-delete b", "true"),
    ("count calls 2 eu", "done"),
    ("count calls 3 eu", "done"),
    ("count calls 1 us", "done"),
    ("gauge level -1.5", "done"),
    ("observe seconds 0.25", "done"),
];

/// Other services; `UP` is the upstream's origin. One hook may make three calls.
const SERVICES: &[(&str, &str)] = &[
    ("send GET UP/yes x", "200 text yes"),
    ("send GET http://192.0.2.1/ x", "error denied"),
    ("send GET nonsense x", "error invalid"),
    ("send GET http://127.0.0.1:1/ x", "error failed"),
    ("send-in 50 UP/never", "error timeout"),
    (
        "send-all UP/yes http://192.0.2.1/ UP/yes UP/yes UP/yes",
        "200 text yes|error denied|200 text yes|200 text yes|error too-many",
    ),
];

/// The decoded data of a response, and what becomes of it.
fn data() -> [(&'static str, &'static str, Value); 9] {
    let plain = json!({"x": 1, "list": [{"id": 1}, {"id": "ä"}], "gone": true});
    let with = |pointer: &str, value: Value| {
        let mut data = plain.clone();
        data[pointer] = value;
        data
    };
    [
        ("query $.list[*].id", r#"/list/0/id=1,/list/1/id="ä""#, plain.clone()),
        ("query $.nobody[*]", "", plain.clone()),
        ("query $[", "error", plain.clone()),
        ("replace $.list[*].id [0]", "2", with("list", json!([{"id": [0]}, {"id": [0]}]))),
        ("replace $[ 0", "error", plain.clone()),
        ("get /nobody", "none", plain.clone()),
        ("set /new {\"a\":[1]}", "done", with("new", json!({"a": [1]}))),
        ("set /a/b/c 1", "error", plain.clone()),
        ("remove /gone", "true", json!({"x": 1, "list": [{"id": 1}, {"id": "ä"}]})),
    ]
}

/// A gateway whose `/a` has a plugin that does what `x-do` says.
pub(crate) struct Asking<'a> {
    pub(crate) language: &'static str,
    pub(crate) upstream: &'a Upstream,
    pub(crate) gateway: &'a Gateway,
    pub(crate) slow: &'a Gate,
}

impl Asking<'_> {
    pub(crate) fn test(&self) {
        self.table(STATE);
        self.keys_have_a_limit();
        self.values_expire();
        self.metrics_are_kept();
        self.a_body_is_sent();
        self.table(SERVICES);
        self.calls_run_at_the_same_time();
        self.data_is_read_and_edited();
    }

    fn table(&self, asked: &[(&str, &str)]) {
        for (what, expected) in asked {
            assert_eq!(self.ask(what).0, *expected, "{}: {what}", self.language);
        }
    }

    /// What the plugin says to the backend, and the answer's data.
    fn ask(&self, what: &str) -> (String, Value) {
        let what = what.replace("UP", &format!("http://{}", self.upstream.address()));
        let _ = self.upstream.take();
        let headers = [("X-Tenant", "acme"), ("X-Do", what.as_str())];
        let answer = self.gateway.connect().request("GET", "/a", &headers, "");
        assert_eq!(answer.status, 200, "{}: {what}: {}", self.language, answer.text());
        let requests = self.upstream.requests();
        let asked = requests.iter().find(|request| request.target() == "/b").expect("the backend");
        let data = serde_json::from_str(&answer.text()).expect("JSON");
        (asked.values("x-out").concat(), data)
    }

    fn keys_have_a_limit(&self) {
        let key = "k".repeat(257);
        for what in [format!("kv-set {key} x 0"), format!("cache-claim {key} 0")] {
            assert_eq!(self.ask(&what).0, "error too-large", "{}: {what}", self.language);
        }
    }

    fn values_expire(&self) {
        let end = Instant::now() + PATIENCE;
        assert_eq!(self.ask("kv-set soon gone 1").0, "done", "{}", self.language);
        while self.ask("kv-get soon").0 != "none" {
            assert!(Instant::now() < end, "{}: the value stays", self.language);
        }
    }

    fn metrics_are_kept(&self) {
        let text = self.gateway.metrics();
        for line in [
            r#"torana_plugin_calls{plugin="guard",region="eu"} 5"#,
            r#"torana_plugin_calls{plugin="guard",region="us"} 1"#,
            r#"torana_plugin_level{plugin="guard"} -1.5"#,
            r#"torana_plugin_seconds_sum{plugin="guard"} 0.25"#,
        ] {
            assert!(text.lines().any(|it| it == line), "{}: no {line} in {text}", self.language);
        }
    }

    fn a_body_is_sent(&self) {
        assert_eq!(self.ask("send POST UP/echo hällo").0, "201 1 taken", "{}", self.language);
        let requests = self.upstream.requests();
        let sent = requests.iter().find(|request| request.target() == "/echo").expect("a request");
        assert_eq!(sent.body, "hällo".as_bytes(), "{}", self.language);
    }

    /// Neither is answered before both are there.
    fn calls_run_at_the_same_time(&self) {
        thread::scope(|scope| {
            let asked = scope.spawn(|| self.ask("send-all UP/one UP/two"));
            let both = || {
                let requests = self.upstream.requests();
                ["/one", "/two"].iter().all(|path| requests.iter().any(|r| r.target() == *path))
            };
            let end = Instant::now() + PATIENCE;
            while !both() {
                assert!(Instant::now() < end, "{}: one waits for the other", self.language);
                thread::yield_now();
            }
            self.slow.open();
            let said = asked.join().expect("an answer").0;
            assert_eq!(said, "200 text 1|200 text 2", "{}", self.language);
        });
    }

    fn data_is_read_and_edited(&self) {
        for (what, expected, mut data) in data() {
            let (said, answer) = self.ask(what);
            assert_eq!(said, "done", "{}: {what}", self.language);
            data["out"] = expected.into();
            assert_eq!(answer, data, "{}: {what}", self.language);
        }
    }
}
