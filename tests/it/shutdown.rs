//! CFG-15: requests under way are finished, nothing new begins, and the end comes in time.

use std::{
    thread,
    time::{Duration, Instant},
};

use torana_tests::{
    PATIENCE,
    client::Client,
    command::Process,
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Gate, Reply, Script, Upstream},
};

use crate::common::{config, config_with};

fn wait_until_refused(address: std::net::SocketAddr) {
    let start = Instant::now();
    while Client::try_connect(address).is_ok() {
        assert!(start.elapsed() < PATIENCE, "the gateway still accepts connections");
        thread::yield_now();
    }
}

#[test]
fn cfg_15_requests_under_way_are_finished() {
    let gate = Gate::new();
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).after(&gate)));
    let gateway = Gateway::start(config(&upstream));
    let address = gateway.address();
    let mut client = gateway.connect();
    client.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
    let _ = upstream.wait_for(1);
    let stopping = thread::spawn(move || gateway.shutdown());
    wait_until_refused(address);
    assert!(!stopping.is_finished());
    gate.open();
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#));
    client.expect_close();
    stopping.join().unwrap();
}

#[test]
fn cfg_15_idle_connections_are_closed_at_once() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config(&upstream));
    let mut used = gateway.connect();
    assert_eq!(used.get("/__health").status, 200);
    let mut fresh = gateway.connect();
    gateway.shutdown();
    used.expect_close();
    fresh.expect_close();
}

#[test]
fn cfg_15_the_deadline_ends_what_does_not_end() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::hang()));
    let gateway = Gateway::start(config_with(&upstream, r#", "max_shutdown_wait_time": "300ms""#));
    let mut client = gateway.connect();
    client.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
    let _ = upstream.wait_for(1);
    let start = Instant::now();
    gateway.shutdown();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(290), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn cfg_15_signals_end_the_process_gracefully() {
    for signal in ["TERM", "INT"] {
        let gate = Gate::new();
        let upstream =
            Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).after(&gate)));
        let scratch = Scratch::new();
        let path = scratch.write("gateway.json", config(&upstream));
        let mut process =
            Process::start(&["run", "-c", &path.to_string_lossy(), "-p", "0"], scratch.path(), &[]);
        let address = process.address();
        let mut client = Client::connect(address);
        client.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
        let _ = upstream.wait_for(1);
        process.signal(signal);
        wait_until_refused(address);
        gate.open();
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#));
        assert_eq!(process.wait(), Some(0), "after SIG{signal}: {:#?}", process.output());
    }
}
