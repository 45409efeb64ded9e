//! How answers are delimited, and what is refused.

use super::*;

async fn refused(answer: &str) {
    let error = outcome(get("/"), answer.as_bytes()).await.expect_err(answer);
    assert_eq!(error.kind(), ErrorKind::Protocol, "{answer:?}");
    assert!(error.to_string().starts_with("http://127.0.0.1:"), "{error}");
}

async fn accepted(request: Request, answer: &str, body: &str) {
    assert_eq!(outcome(request, answer.as_bytes()).await.expect(answer), body, "{answer:?}");
}

#[tokio::test]
async fn bodies_end_where_they_should() {
    let head = Request::new(Method::HEAD, "/");
    for (answer, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200\r\ncontent-length: 2, 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi"),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end"),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nuntil the end", "until the end"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi", "hi"),
    ] {
        accepted(get("/"), answer, body).await;
    }
    accepted(head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "").await;
}

#[tokio::test]
async fn ambiguous_answers_are_refused() {
    for fields in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 3",
        "Content-Length: +2",
        "Content-Length: -2",
        "Content-Length: 0x2",
        "Content-Length: 2 2",
        "Content-Length:",
        "Content-Length: 2,",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "X: a\r\n b",
        "X: a\rb",
        "X: a\0b",
        "X Y: a",
        ": a",
        "no colon",
    ] {
        refused(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhi")).await;
    }
    refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n").await;
    refused("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "<html>",
        "\0\0\0\0",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ] {
        refused(answer).await;
    }
}

#[tokio::test]
async fn bodies_that_break_off_are_errors() {
    let long = "x".repeat(100_000);
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi".to_owned(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{long}"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n".to_owned(),
    ] {
        refused(&answer).await;
    }
}

#[tokio::test]
async fn endless_heads_are_cut_off() {
    for part in ["X-Endless: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "a"] {
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let lie = async {
            let mut wire = upstream.accept().await;
            wire.request().await;
            wire.send(b"HTTP/1.1 200 OK\r\n").await;
            let mut sent = 0_usize;
            // Ends when the caller hangs up.
            while wire.stream.write_all(part.repeat(100).as_bytes()).await.is_ok() {
                sent += part.len() * 100;
                assert!(sent < 64 << 20, "nobody hung up");
            }
        };
        let (error, ()) = tokio::join!(call(&peer, get("/")), lie);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn too_many_fields_are_refused() {
    let fields = |count: usize| {
        let fields = "x: y\r\n".repeat(count - 1);
        format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n")
    };
    accepted(get("/"), &fields(256), "").await;
    refused(&fields(257)).await;
}

#[tokio::test]
async fn endless_interim_responses_are_cut_off() {
    let interim = "HTTP/1.1 102 Processing\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    accepted(get("/"), &(interim.repeat(16) + last), "hi").await;
    refused(&(interim.repeat(17) + last)).await;
}

#[tokio::test]
async fn heads_may_come_byte_by_byte() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let drip = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi" {
            wire.send(&[*byte]).await;
            settle().await;
        }
        wire
    };
    let (response, _wire) = tokio::join!(call(&peer, get("/")), drip);
    let response = response.unwrap();
    assert_eq!(response.headers["x-a"], "b");
    assert_eq!(text(response).await.unwrap(), "hi");
}

#[tokio::test]
async fn fields_of_the_connection_stay_behind() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let answer = b"HTTP/1.1 201 Created\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n\
        Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\nUpgrade: h2c\r\n\
        Proxy-Connection: keep-alive\r\nTE: x\r\nX-Kept: a\r\nX-Kept: b\r\nSet-Cookie: c=d\r\n\
        Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: secret\r\nX-Kept: c\r\n\r\n";
    let (response, _wire) = tokio::join!(call(&peer, get("/")), upstream.answer(answer));
    let response = response.unwrap();
    assert_eq!(response.status, 201);
    let fields: Vec<_> = response
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    assert_eq!(fields, ["x-kept: a", "x-kept: b", "set-cookie: c=d"]);
    assert_eq!(text(response).await.unwrap(), "hi");
}
