//! Malformed requests: refused, the connection closed, not a byte forwarded.

use torana_tests::{
    gateway::Gateway,
    upstream::{Reply, Script, Upstream},
};

use crate::common::config;

/// Sends `bytes` and expects one of `statuses`, a closed connection, and nothing at the upstream.
fn refused(bytes: impl AsRef<[u8]>, statuses: &[u16]) {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    refused_by(&gateway, &upstream, bytes.as_ref(), statuses);
}

fn refused_by(gateway: &Gateway, upstream: &Upstream, bytes: &[u8], statuses: &[u16]) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let mut client = gateway.connect();
    client.send(bytes);
    let answer = client.try_answer().unwrap_or_else(|| panic!("no answer to {shown:?}"));
    assert!(statuses.contains(&answer.status), "{} to {shown:?}", answer.line);
    client.expect_close();
    let received = upstream.requests();
    assert!(received.is_empty(), "{shown:?} reached the upstream: {received:?}");
    // The process and its other connections are none the worse.
    assert_eq!(gateway.connect().get("/__health").status, 200);
}

fn all_refused(requests: &[&str], statuses: &[u16]) {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    for request in requests {
        refused_by(&gateway, &upstream, request.as_bytes(), statuses);
    }
}

#[test]
fn malformed_request_lines() {
    all_refused(
        &[
            "GET /no-op\r\nHost: h\r\n\r\n",
            "GET  /no-op HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /no-op HTTP/1.1 \r\nHost: h\r\n\r\n",
            "GET /no-op HTTP/1.2x\r\nHost: h\r\n\r\n",
            "GET /no op HTTP/1.1\r\nHost: h\r\n\r\n",
            "G(T /no-op HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET no-op HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /no-op\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        ],
        &[400, 505],
    );
}

#[test]
fn malformed_headers() {
    all_refused(
        &[
            "GET /no-op HTTP/1.1\r\nHost: h\r\nNo colon\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: h\r\n: no name\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: h\r\nSpace : x\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: h\r\nB(d: x\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: h\r\nA: nul\0\r\n\r\n",
            "GET /no-op HTTP/1.1\r\n Host: h\r\n\r\n",
        ],
        &[400],
    );
}

#[test]
fn obs_fold() {
    all_refused(
        &[
            "GET /no-op HTTP/1.1\r\nHost: h\r\nA: 1\r\n folded\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: h\r\nA: 1\r\n\tfolded\r\n\r\n",
        ],
        &[400],
    );
}

#[test]
fn bare_cr() {
    all_refused(
        &[
            "GET /no-op HTTP/1.1\r\nHost: h\r\nA: 1\rB: 2\r\n\r\n",
            "GET /no-op\r HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /no-op HTTP/1.1\rHost: h\r\n\r\n",
        ],
        &[400],
    );
}

#[test]
fn bad_host() {
    all_refused(
        &[
            "GET /no-op HTTP/1.1\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a@b\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a:port\r\n\r\n",
            "GET /no-op HTTP/1.1\r\nHost: a, b\r\n\r\n",
        ],
        &[400],
    );
}

#[test]
fn a_target_that_names_a_user() {
    all_refused(&["GET http://user:secret@h/no-op HTTP/1.1\r\nHost: h\r\n\r\n"], &[400]);
}

#[test]
fn transfer_encoding_in_http_1_0() {
    refused(
        "POST /no-op HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    );
}

#[test]
fn unknown_transfer_codings() {
    all_refused(
        &[
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;x=y\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        ],
        &[400, 501],
    );
}

#[test]
fn stacked_transfer_codings() {
    all_refused(
        &[
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\
             Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\
             Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        ],
        &[400, 501],
    );
}

#[test]
fn bad_content_length() {
    all_refused(
        &[
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\nx",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\nx",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\nxx",
            "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\nx",
        ],
        &[400],
    );
}

/// RFC 9112 6.1: refused, or read by `Transfer-Encoding` alone and the connection closed.
#[test]
fn content_length_beside_transfer_encoding() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    for (length, order) in [(3, true), (3, false), (60, true)] {
        let (first, second) = (format!("Content-Length: {length}"), "Transfer-Encoding: chunked");
        let (first, second) =
            if order { (first.as_str(), second) } else { (second, first.as_str()) };
        let mut client = gateway.connect();
        client.send(format!(
            "POST /no-op HTTP/1.1\r\nHost: h\r\n{first}\r\n{second}\r\n\r\n\
             4\r\nabcd\r\n0\r\n\r\nGET /__health HTTP/1.1\r\nHost: h\r\n\r\n"
        ));
        let answer = client.answer();
        match answer.status {
            400 => assert!(upstream.take().is_empty()),
            200 => {
                let received = upstream.take();
                assert_eq!(received.len(), 1);
                assert_eq!(received[0].body, b"abcd");
                let framing = received[0].values("content-length").len()
                    + received[0].values("transfer-encoding").len();
                assert_eq!(framing, 1, "{:?}", received[0].headers);
            }
            other => panic!("{other}"),
        }
        client.expect_close();
    }
}

#[test]
fn bad_chunking_that_comes_with_the_head() {
    // A buffered endpoint sees the whole body before anything is forwarded.
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(format!(
        r#"{{"version":3,"host":["http://{}"],"endpoints":[{{"endpoint":"/two","method":"POST",
            "backend":[{{"url_pattern":"/b"}},{{"url_pattern":"/b"}}]}}]}}"#,
        upstream.address()
    ));
    for body in [
        "x\r\n\r\n",
        "-1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nx\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "1\r\nx0\r\n\r\n",
        "\r\n\r\n",
        "1;a=b\nc\r\nx\r\n0\r\n\r\n",
    ] {
        let request =
            format!("POST /two HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        refused_by(&gateway, &upstream, request.as_bytes(), &[400]);
    }
}

#[test]
fn a_body_that_turns_bad_never_becomes_a_complete_request() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    for bad in ["zz\r\n", "5\r\nworldX\r\n", "5\nworld", "\r\n"] {
        let mut client = gateway.connect();
        client.send(
            "POST /no-op HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        );
        upstream.wait_for_bytes(0, 5);
        client.send(bad);
        if let Some(answer) = client.try_answer() {
            assert_eq!(answer.status, 400, "after {bad:?}");
            client.expect_close();
        }
        upstream.wait_for_hang_up();
        let received = upstream.take();
        assert!(!received[0].complete, "after {bad:?}: {received:?}");
    }
}

#[test]
fn a_client_that_leaves_in_its_body_never_makes_a_complete_request() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    for framing in ["Transfer-Encoding: chunked", "Content-Length: 15"] {
        let mut client = gateway.connect();
        client.send(format!("POST /no-op HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n5\r\nhello\r\n"));
        upstream.wait_for_bytes(0, 5);
        client.abort();
        upstream.wait_for_hang_up();
        assert!(!upstream.take()[0].complete, "{framing}");
    }
}

#[test]
fn a_long_request_line() {
    let target = "x".repeat(2 << 20);
    refused(format!("GET /{target} HTTP/1.1\r\nHost: h\r\n\r\n"), &[414, 431]);
}

#[test]
fn long_headers() {
    let value = "x".repeat(2 << 20);
    refused(format!("GET /no-op HTTP/1.1\r\nHost: h\r\nA: {value}\r\n\r\n"), &[431]);
}

#[test]
fn many_headers() {
    let headers = "A: x\r\n".repeat(200_000);
    refused(format!("GET /no-op HTTP/1.1\r\nHost: h\r\n{headers}\r\n"), &[431]);
}

#[test]
fn what_follows_a_refused_request_is_no_request() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    let bad = "GET /no-op HTTP/1.1\r\nHost: h\r\nB(d: x\r\n\r\n";
    let good = "GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n";
    refused_by(&gateway, &upstream, format!("{bad}{good}").as_bytes(), &[400]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#)));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send(
        "GET /json HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\n\
         GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n",
    );
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.answer().status, 404);
    assert_eq!(client.answer().text(), r#"{"x":1}"#);
}

#[test]
fn trailers_never_become_headers_of_the_request() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send(
        "POST /no-op HTTP/1.1\r\nHost: h\r\nTrailer: X-Evil\r\nTransfer-Encoding: chunked\r\n\r\n\
         1\r\nx\r\n0\r\nX-Evil: 1\r\nContent-Length: 5\r\n\r\n",
    );
    assert_eq!(client.answer().status, 200);
    let received = upstream.wait_for_complete(1);
    assert!(received[0].values("x-evil").is_empty(), "{:?}", received[0].headers);
    assert_eq!(received[0].body, b"x");
    // What follows a chunked request is not trusted (RFC 9112 6.1).
    client.expect_close();
}

#[test]
fn trailers_never_become_headers_of_the_answer() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                  1\r\nx\r\n0\r\nX-Evil: 1\r\nSet-Cookie: a=b\r\n\r\n";
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::raw(answer)));
    let gateway = Gateway::start(config(&upstream));
    let answer = gateway.connect().get("/no-op");
    assert_eq!(answer.text(), "x");
    assert!(answer.values("x-evil").is_empty());
    assert!(answer.values("set-cookie").is_empty());
    let fields: Vec<_> = answer.trailers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!fields.contains(&"Set-Cookie"), "{fields:?}");
}

#[test]
fn http_1_0_gets_an_answer_that_it_can_read() {
    let upstream = Upstream::start(Script::new().on(
        "GET",
        "/b",
        Reply::status(200).body("in several chunks").chunked(),
    ));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send("GET /no-op HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.values("transfer-encoding").is_empty(), "{:?}", answer.headers);
    assert_eq!(answer.text(), "in several chunks");
    client.expect_close();
}

#[test]
fn head_gets_no_body() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    let answer = client.request("HEAD", "/nothing", &[], "");
    assert_eq!(answer.status, 404);
    // A body would be taken for the head of the next answer.
    assert_eq!(client.get("/__health").status, 200);
}

#[test]
fn expect_100_continue_is_answered() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send(
        "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    );
    assert!(client.until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
    client.send("body");
    assert_eq!(client.answer().status, 200);
    assert_eq!(upstream.requests()[0].body, b"body");
}
