//! Requests that plugins make to other services.

use std::time::{Duration, Instant};

use torana_plugins_build::plugin;
use torana_tests::{
    gateway::Gateway,
    upstream::{Gate, Reply, Script, Upstream},
};

/// A gateway whose `/a` asks these URLs first.
fn start(upstream: &Upstream, config: &str, more: &str, origins: &str) -> Gateway {
    Gateway::start(gateway(upstream, config, more, origins))
}

fn gateway(upstream: &Upstream, config: &str, more: &str, origins: &str) -> String {
    format!(
        r#"{{ "version": 3, "host": ["http://{}"], "timeout": "20s", "endpoints": [
            {{ "endpoint": "/plain", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}] }},
            {{ "endpoint": "/a", "output_encoding": "no-op", "backend": [{{ "url_pattern": "/b" }}],
               "extra_config": {{ "plugin/wasm": [{{ "name": "ask", "source": "{}",
                  "config": {config}, "grants": {{ "http": [{origins}] }}{more} }}] }} }} ] }}"#,
        upstream.address(),
        plugin("test-ask").display()
    )
}

/// `/slow` answers when the gate opens.
fn upstream(gate: &Gate) -> Upstream {
    let text = |text: &str| Reply::status(200).body(text);
    Upstream::start(
        Script::new()
            .on("*", "/b", text("b"))
            .on("*", "/yes", text("yes"))
            .on("*", "/large", text(&"x".repeat(3000)))
            .on("*", "/moved", Reply::status(302).header("Location", "/yes"))
            .on("*", "/slow", text("late").after(gate)),
    )
}

/// What the plugin says it was answered.
fn asked(config: &str, more: &str) -> String {
    let upstream = upstream(&Gate::new());
    let address = upstream.address();
    let config = config.replace("UP", &format!("http://{address}"));
    let gateway = start(&upstream, &config, more, &format!(r#""http://{address}""#));
    assert_eq!(gateway.connect().get("/a").status, 200);
    let requests = upstream.requests();
    let last =
        requests.iter().find(|request| request.target() == "/b").expect("the backend was asked");
    last.values("x-asked").concat()
}

#[test]
fn granted_origins_are_asked() {
    assert_eq!(asked(r#"{"urls": ["UP/yes", "UP/missing?x=1"]}"#, ""), "200 yes|404");
}

#[test]
fn redirects_are_answers() {
    assert_eq!(asked(r#"{"urls": ["UP/moved"]}"#, ""), "302");
}

#[test]
fn what_is_not_granted_is_denied() {
    let asked =
        asked(r#"{"urls": ["http://other.internal/x", "UP/yes", "nonsense", "ftp://a/b"]}"#, "");
    assert_eq!(asked, "denied http://other.internal|200 yes|invalid|invalid");
}

#[test]
fn limits_hold() {
    let more = r#", "limits": { "calls": 3, "body": "2KB" }"#;
    assert_eq!(
        asked(r#"{"urls": ["UP/large", "UP/yes"], "times": 2}"#, more),
        "too large|200 yes|too large|too many"
    );
    // Its gate stays shut.
    assert_eq!(asked(r#"{"urls": ["UP/slow"], "timeout_ms": 50}"#, ""), "timeout");
}

#[test]
fn services_are_asked_at_the_same_time_and_waiting_does_not_count_as_running() {
    let gate = Gate::new();
    let upstream = upstream(&gate);
    let address = upstream.address();
    let urls = vec![format!(r#""http://{address}/slow""#); 8].join(",");
    let config = format!(r#"{{"urls": [{urls}], "timeout_ms": 30000}}"#);
    let gateway = start(&upstream, &config, "", &format!(r#""http://{address}""#));
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| gateway.connect().get("/a").status);
        // None of them is answered before all of them are there.
        assert_eq!(upstream.wait_for(8).len(), 8);
        let waited = Instant::now();
        // Far above the time limit of 5 ms; only ever too short when it is not.
        while waited.elapsed() < Duration::from_millis(20) {
            assert_eq!(gateway.connect().get("/plain").status, 200);
        }
        gate.open();
        assert_eq!(answer.join().unwrap(), 200);
    });
}

#[test]
fn a_hundred_slow_calls_hold_up_nobody() {
    let gate = Gate::new();
    let upstream = upstream(&gate);
    let address = upstream.address();
    let config = format!(r#"{{"urls": ["http://{address}/slow"], "timeout_ms": 30000}}"#);
    let more = r#", "limits": { "instances": 100, "timeout": "1s" }"#;
    let config = gateway(&upstream, &config, more, &format!(r#""http://{address}""#));
    let gateway = Gateway::builder().workers(1).start(config);
    std::thread::scope(|scope| {
        let slow: Vec<_> =
            (0..100).map(|_| scope.spawn(|| gateway.connect().get("/a").status)).collect();
        assert_eq!(upstream.wait_for(100).len(), 100);
        assert_eq!(gateway.connect().get("/plain").status, 200);
        gate.open();
        for answer in slow {
            assert_eq!(answer.join().unwrap(), 200);
        }
    });
}

#[test]
fn the_grant_is_needed() {
    let upstream = upstream(&Gate::new());
    let config = gateway(&upstream, r#"{"urls": []}"#, "", "");
    let error = Gateway::builder().try_start(config).err().expect("it is refused").to_string();
    assert!(error.contains("asks for `http`, which is not granted"), "{error}");
    for (origin, reason) in [
        ("https://a/path", "is no origin: it has no path"),
        ("auth.internal", "is no origin"),
        ("https://user@a", "is no origin"),
    ] {
        let config = gateway(&upstream, r#"{"urls": []}"#, "", &format!(r#""{origin}""#));
        let error = Gateway::builder().try_start(config).err().expect("it is refused").to_string();
        assert!(error.contains(reason), "{error}");
    }
}
