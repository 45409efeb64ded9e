//! Bodies of answers while they arrive.

use std::future::poll_fn;
use std::pin::Pin;

use super::*;

/// The next piece.
pub(super) async fn frame(body: &mut Body) -> Option<Result<Bytes, Error>> {
    let frame = poll_fn(|cx| http_body::Body::poll_frame(Pin::new(body), cx)).await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

#[tokio::test]
async fn small_bodies_come_whole() {
    let medium = "x".repeat(65_536);
    let known = format!("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n{medium}");
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n3\r\ndef\r\n1\r\ng\r\n0\r\n\r\n";
    for (answer, expected) in [(known.as_str(), medium.as_str()), (chunks, "abcdefg")] {
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let (response, _wire) =
            tokio::join!(call(&peer, get("/")), upstream.answer(answer.as_bytes()));
        let body = body_of(response.unwrap());
        assert!(matches!(&body, Body::Full(bytes) if bytes == expected), "{body:?}");
        assert_eq!(peer.idle_connections(), 1);
    }
}

#[tokio::test]
async fn pieces_are_handed_on_as_they_come() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (response, mut wire) = tokio::join!(
        call(&peer, get("/events")),
        upstream.answer(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
        )
    );
    let mut body = body_of(response.unwrap());
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "data: 1\n\n");
    wire.send(b"9\r\ndata: 2\n\n\r\n").await;
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "data: 2\n\n");
    assert_eq!(peer.idle_connections(), 0);
    wire.send(b"0\r\n\r\n").await;
    assert!(frame(&mut body).await.is_none());
    assert_eq!(peer.idle_connections(), 1);
    assert!(frame(&mut body).await.is_none());
}

#[tokio::test]
async fn known_lengths_are_told_and_end_early() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let (response, mut wire) = tokio::join!(call(&peer, get("/")), upstream.answer(head));
    let response = response.unwrap();
    assert_eq!(response.headers["content-length"], "100000");
    let mut body = body_of(response);
    let hint = |body: &Body| http_body::Body::size_hint(body).exact();
    assert_eq!(hint(&body), Some(100_000));
    let mut left = 100_000;
    let send = async {
        wire.send(&[b'x'; 100_000]).await;
    };
    let read = async {
        while left > 0 {
            left -= frame(&mut body).await.unwrap().unwrap().len();
            assert_eq!(hint(&body), Some(left as u64));
        }
    };
    tokio::join!(send, read);
    // Nobody has to ask for a piece that does not come.
    assert!(http_body::Body::is_end_stream(&body));
    assert_eq!(peer.idle_connections(), 1);
    assert!(frame(&mut body).await.is_none());
}

#[tokio::test]
async fn nobody_reads_ahead() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut sent = 0_usize;
        // Ends when sockets are full and stay so: a write that does not come through within many turns.
        'sending: loop {
            for _ in 0..100 {
                match wire.stream.try_write(&[0; 65_536]) {
                    Ok(written) => {
                        sent += written;
                        assert!(sent < 256 << 20, "somebody reads");
                        continue 'sending;
                    }
                    Err(_) => settle().await,
                }
            }
            return wire;
        }
    };
    let (response, wire) = tokio::join!(call(&peer, get("/")), serve);
    let mut body = body_of(response.unwrap());
    assert!(!frame(&mut body).await.unwrap().unwrap().is_empty());
    drop((body, wire));
}

#[tokio::test]
async fn a_dropped_body_hangs_up() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
    let (response, mut wire) = tokio::join!(call(&peer, get("/")), upstream.answer(answer));
    drop(response.unwrap());
    assert_eq!(wire.rest().await, "");
    assert_eq!(peer.idle_connections(), 0);
}

#[tokio::test]
async fn a_broken_body_stays_broken() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (response, mut wire) = tokio::join!(call(&peer, get("/")), upstream.answer(answer));
    let mut body = body_of(response.unwrap());
    wire.send(b"2\r\nhi\r\nwrong").await;
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "hi");
    let mut errors = 0;
    while errors < 3 {
        match frame(&mut body).await.expect("an end would look complete") {
            Ok(piece) => assert_eq!(piece, "hi"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Protocol);
                errors += 1;
            }
        }
    }
    assert!(!http_body::Body::is_end_stream(&body));
}
