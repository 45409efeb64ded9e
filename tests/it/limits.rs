//! CFG-11, CFG-12: time limits and sizes of client connections, made small.

use std::time::{Duration, Instant};

use torana_tests::{
    gateway::Gateway,
    upstream::{Gate, Reply, Script, Upstream},
};

use crate::common::config_with;

/// Runs `wait` and asserts that it took about `millis`: never less, and not as long as a lost timer would.
fn takes(millis: u64, wait: impl FnOnce()) {
    let start = Instant::now();
    wait();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(millis - 10), "only {took:?}");
    assert!(took < Duration::from_millis(millis + 5000), "{took:?}");
}

#[test]
fn cfg_12_slow_headers_are_cut() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config_with(&upstream, r#", "read_header_timeout": "300ms""#));
    let mut client = gateway.connect();
    takes(300, || {
        client.send("GET /json HTTP/1.1\r\nHost: h\r\nX-Slow:");
        if let Some(answer) = client.try_answer() {
            assert!(matches!(answer.status, 400 | 408), "{}", answer.line);
        }
        client.expect_close();
    });
    assert!(upstream.take().is_empty());
    // The limit is for the head: a fast one is served, also the second on its connection.
    let mut client = gateway.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/__health").status, 200);
    }
}

#[test]
fn cfg_12_read_header_timeout_falls_back_to_read_timeout() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config_with(&upstream, r#", "read_timeout": "300ms""#));
    let mut client = gateway.connect();
    takes(300, || {
        client.send("GET /json HTTP/1.1\r\nHost: h\r\nX-Slow:");
        let _ = client.try_answer();
        client.expect_close();
    });
}

#[test]
fn cfg_12_slow_bodies_are_cut() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "read_timeout": "300ms""#));
    let mut client = gateway.connect();
    takes(300, || {
        client.send("POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nsome");
        if let Some(answer) = client.try_answer() {
            assert_ne!(answer.status, 200, "{}", answer.line);
        }
        client.expect_close();
    });
    upstream.wait_for_hang_up();
    assert!(!upstream.take()[0].complete);
}

#[test]
fn cfg_12_idle_connections_are_closed() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config_with(&upstream, r#", "idle_timeout": "300ms""#));
    let mut client = gateway.connect();
    assert_eq!(client.get("/__health").status, 200);
    takes(300, || client.expect_close());
}

#[test]
fn cfg_12_idle_timeout_is_not_for_requests_under_way() {
    let gate = Gate::new();
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).after(&gate)));
    let gateway = Gateway::start(config_with(&upstream, r#", "idle_timeout": "100ms""#));
    let mut idle = gateway.connect();
    assert_eq!(idle.get("/__health").status, 200);
    let mut busy = gateway.connect();
    busy.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
    let _ = upstream.wait_for(1);
    // Twice the limit passes, as the other connections show.
    idle.expect_close();
    let mut idle = gateway.connect();
    assert_eq!(idle.get("/__health").status, 200);
    idle.expect_close();
    gate.open();
    assert_eq!(busy.answer().text(), r#"{"x":1}"#);
}

#[test]
fn cfg_12_write_timeout() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::hang()));
    let gateway = Gateway::start(config_with(&upstream, r#", "write_timeout": "300ms""#));
    let mut client = gateway.connect();
    takes(300, || {
        client.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
        if let Some(answer) = client.try_answer() {
            assert_ne!(answer.status, 200);
        }
        client.expect_close();
    });
    upstream.wait_for_hang_up();
}

#[test]
fn cfg_11_the_limit_is_for_line_and_headers_together() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "max_header_bytes": 2000"#));
    let many = "A: 0123456789\r\n".repeat(500);
    let mut client = gateway.connect();
    client.send(format!("GET /json HTTP/1.1\r\nHost: h\r\n{many}\r\n"));
    assert_eq!(client.answer().status, 431);
    client.expect_close();
    let long = "x".repeat(9000);
    let mut client = gateway.connect();
    client.send(format!("GET /json?{long} HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert!(matches!(client.answer().status, 414 | 431));
    client.expect_close();
    assert!(upstream.take().is_empty());
}

#[test]
fn rtr_14_a_streamed_body_beyond_max_payload() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(
        &upstream,
        r#", "extra_config": { "router": { "max_payload": 10 } }"#,
    ));
    let mut client = gateway.connect();
    client.send(
        "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
         8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n",
    );
    assert_eq!(client.answer().status, 413);
    assert!(upstream.take().iter().all(|received| !received.complete));
}

/// Closing the connection while bytes arrive resets it, and a client may lose what it has not read yet.
#[test]
fn rtr_14_the_refusal_reaches_a_client_that_sends_all_the_same() {
    let upstream = Upstream::start(Script::new());
    let more = r#", "extra_config": { "router": { "max_payload": 1000 } }"#;
    let gateway = Gateway::start(config_with(&upstream, more));
    // More than the buffers of both sides hold.
    let body = vec![b'x'; 16 << 20];
    let mut client = gateway.connect();
    client
        .send(format!("POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len()));
    client.try_send(&body).expect("the gateway takes what it has refused");
    assert_eq!(client.answer().status, 413);
    client.expect_close();
}

#[test]
fn cfg_10_listen_ip() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config_with(&upstream, r#", "listen_ip": "127.0.0.1""#));
    assert_eq!(gateway.connect().get("/__health").status, 200);
    // Another address of this machine.
    let other = std::net::SocketAddr::from(([127, 0, 0, 2], gateway.address().port()));
    assert!(torana_tests::client::Client::try_connect(other).is_err());
}

#[test]
fn cfg_12_write_timeout_until_the_last_byte() {
    let body = format!(r#"{{"x":"{}"}}"#, "x".repeat(24 << 20));
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json(&body)));
    let gateway = Gateway::start(config_with(&upstream, r#", "write_timeout": "2s""#));
    let mut client = gateway.connect();
    // An answer that is whole, to a client that does not read: it may not wait for ever.
    client.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
    takes(2000, || while client.try_send([b'x'; 4096]).is_ok() {});
}
