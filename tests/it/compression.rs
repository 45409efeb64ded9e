//! RTR-14 and compressed answers of backends.

use std::io::Read as _;

use torana_tests::{
    gateway::Gateway,
    upstream::{Reply, Script, Upstream, gzip},
};

use crate::common::{config, config_with};

fn gunzip(data: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(data).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn answers_of_backends_are_decoded() {
    let body = r#"{"x":1}"#;
    let brotli = b"\x0b\x03\x80{\"x\":1}\x03".to_vec();
    let zstd = b"\x28\xb5\x2f\xfd\x04\x58\x39\0\0{\"x\":1}\xb9\x04\x70\xeb".to_vec();
    for (name, bytes) in [("gzip", gzip(body.as_bytes())), ("br", brotli), ("zstd", zstd)] {
        let reply = Reply::status(200).header("Content-Encoding", name).body(bytes);
        let upstream = Upstream::start(Script::new().on("GET", "/b", reply));
        let gateway = Gateway::start(config(&upstream));
        let answer = gateway.connect().get("/json");
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{name}");
        assert!(answer.values("content-encoding").is_empty());
        let asked = upstream.requests()[0].values("accept-encoding").join(", ");
        assert!(asked.contains("gzip"), "{asked}");
    }
}

#[test]
fn nothing_is_asked_for_with_disable_compression() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "disable_compression": true"#));
    assert_eq!(gateway.connect().get("/json").status, 200);
    assert!(upstream.requests()[0].values("accept-encoding").is_empty());
}

#[test]
fn no_op_passes_what_the_client_asked_for() {
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::status(200).body("some text").gzip()));
    let gateway = Gateway::start(config(&upstream));
    let answer = gateway.connect().request("GET", "/no-op", &[("Accept-Encoding", "gzip")], "");
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(gunzip(&answer.body), "some text");
    assert_eq!(upstream.requests()[0].values("accept-encoding"), ["gzip"]);
}

/// A client that did not ask for gzip gets the text.
#[test]
fn no_op_decodes_what_only_the_gateway_asked_for() {
    let upstream = Upstream::start(Script::new().compute("GET", "/b", |request| {
        let reply = Reply::status(200).body("some text");
        if request.values("accept-encoding").join(",").contains("gzip") {
            reply.gzip()
        } else {
            reply
        }
    }));
    let gateway = Gateway::start(config(&upstream));
    let answer = gateway.connect().get("/no-op");
    assert_eq!(answer.text(), "some text");
    assert!(answer.values("content-encoding").is_empty());
}

#[test]
fn rtr_14_answers_are_compressed_for_clients_that_ask() {
    let long = format!(r#"{{"text":"{}"}}"#, "words and more words ".repeat(200));
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json(&long)));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    let answer = client.request("GET", "/json", &[("Accept-Encoding", "gzip")], "");
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert!(answer.values("vary").join(",").to_lowercase().contains("accept-encoding"));
    assert_eq!(gunzip(&answer.body), long);
    let answer = client.get("/json");
    assert!(answer.values("content-encoding").is_empty());
    assert_eq!(answer.text(), long);
    let answer = client.request("GET", "/json", &[("Accept-Encoding", "gzip;q=0")], "");
    assert!(answer.values("content-encoding").is_empty());
}

#[test]
fn rtr_14_disable_gzip() {
    let long = format!(r#"{{"text":"{}"}}"#, "words and more words ".repeat(200));
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json(&long)));
    let gateway = Gateway::start(config_with(
        &upstream,
        r#", "extra_config": { "router": { "disable_gzip": true } }"#,
    ));
    let answer = gateway.connect().request("GET", "/json", &[("Accept-Encoding", "gzip")], "");
    assert!(answer.values("content-encoding").is_empty());
    assert_eq!(answer.text(), long);
}

#[test]
fn rtr_14_compressed_uploads_reach_the_backend_in_clear() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(
        &upstream,
        r#", "extra_config": { "router": { "decompress_gzip": true, "max_payload": 100000 } }"#,
    ));
    let mut client = gateway.connect();
    let answer = client.request(
        "POST",
        "/no-op",
        &[("Content-Encoding", "gzip")],
        gzip(b"the body in clear"),
    );
    assert_eq!(answer.status, 200);
    let received = upstream.take();
    assert_eq!(received[0].body, b"the body in clear");
    assert!(received[0].values("content-encoding").is_empty());
    assert!(received[0].complete);
    // The limit is for what comes out.
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 100_000);
    let answer = gateway.connect().request("POST", "/no-op", &[("Content-Encoding", "gzip")], bomb);
    assert_eq!(answer.status, 413);
    assert!(upstream.take().iter().all(|received| !received.complete));
}

#[test]
fn rtr_14_uploads_stay_as_they_are_without_the_option() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    let body = gzip(b"text");
    let answer =
        gateway.connect().request("POST", "/no-op", &[("Content-Encoding", "gzip")], &body);
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.requests()[0].body, body);
    assert_eq!(upstream.requests()[0].values("content-encoding"), ["gzip"]);
}
