//! The PROXY protocol: off by default, and with `router.proxy_protocol` it names the client.

use torana_tests::{
    gateway::Gateway,
    upstream::{Reply, Script, Upstream},
};

use crate::common::config_with;

fn setup(on: bool) -> (Upstream, Gateway) {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json("{}")));
    let config = config_with(
        &upstream,
        &format!(r#", "extra_config": {{ "router": {{ "proxy_protocol": {on} }} }}"#),
    );
    let gateway = Gateway::start(config);
    (upstream, gateway)
}

const REQUEST: &str = "GET /json HTTP/1.1\r\nHost: h\r\n\r\n";

fn client_seen(header: &[u8]) -> String {
    let (upstream, gateway) = setup(true);
    let mut client = gateway.connect();
    client.send([header, REQUEST.as_bytes()].concat());
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.get("/json").status, 200);
    let received = upstream.requests();
    assert_eq!(received[0].values("x-forwarded-for"), received[1].values("x-forwarded-for"));
    received[0].values("x-forwarded-for").join(",")
}

#[test]
fn version_1() {
    let seen = client_seen(b"PROXY TCP4 203.0.113.7 192.0.2.1 5000 80\r\n");
    assert_eq!(seen, "203.0.113.7");
    let seen = client_seen(b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 80\r\n");
    assert_eq!(seen, "2001:db8::7");
    assert_eq!(client_seen(b"PROXY UNKNOWN\r\n"), "127.0.0.1");
}

#[test]
fn version_2() {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([203, 0, 113, 7, 192, 0, 2, 1, 0x13, 0x88, 0, 80]);
    assert_eq!(client_seen(&header), "203.0.113.7");
    // LOCAL: the proxy's own connection.
    assert_eq!(client_seen(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), "127.0.0.1");
}

#[test]
fn a_connection_without_it_is_closed() {
    for start in [REQUEST, "PROXY TCP4 nonsense\r\n", "PROXY TCP4 1.2.3.4\r\n"] {
        let (upstream, gateway) = setup(true);
        let mut client = gateway.connect();
        client.send(format!("{start}{REQUEST}"));
        client.finish_sending();
        if let Some(answer) = client.try_answer() {
            assert_eq!(answer.status, 400);
        }
        assert!(upstream.requests().is_empty(), "{start:?}");
    }
}

#[test]
fn it_is_off_by_default() {
    let (upstream, gateway) = setup(false);
    let mut client = gateway.connect();
    client.send(format!("PROXY TCP4 203.0.113.7 192.0.2.1 5000 80\r\n{REQUEST}"));
    assert_eq!(client.answer().status, 400);
    assert!(upstream.requests().is_empty());
}
