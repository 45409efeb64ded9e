//! How requests with bodies are sent, whole and piece by piece.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A streamed body whose pieces are there already.
struct Pieces(VecDeque<Result<Bytes, Error>>, Option<u64>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.1.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Client, "the client went away")
}

fn list<const N: usize>(pieces: [Result<&'static str, ()>; N]) -> VecDeque<Result<Bytes, Error>> {
    let pieces = pieces.into_iter();
    pieces.map(|piece| piece.map(Bytes::from_static_str).map_err(|()| gone())).collect()
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Self;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

/// A body of unknown length; `Err` stands for a client that goes away.
pub(super) fn pieces<const N: usize>(pieces: [Result<&'static str, ()>; N]) -> Body {
    Body::Stream(Box::pin(Pieces(list(pieces), None)))
}

/// A body whose length is announced.
fn sized<const N: usize>(length: u64, pieces: [Result<&'static str, ()>; N]) -> Body {
    Body::Stream(Box::pin(Pieces(list(pieces), Some(length))))
}

/// A body that a test feeds.
struct Fed(mpsc::UnboundedReceiver<Result<Bytes, Error>>);

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

fn fed() -> (mpsc::UnboundedSender<Result<Bytes, Error>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Body::Stream(Box::pin(Fed(receiver))))
}

fn put(body: Body) -> Request {
    let mut request = Request::new(Method::PUT, "/");
    request.body = body;
    request
}

/// What the upstream saw of a request that it answers once `end` has come.
async fn seen(request: Request, end: &str) -> String {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async {
        let mut wire = upstream.accept().await;
        let seen = wire.until(end).await;
        wire.send(OK).await;
        (seen, wire)
    };
    let (response, (seen, _wire)) = tokio::join!(call(&peer, request), serve);
    assert_eq!(text(response.unwrap()).await.unwrap(), "hi");
    assert_eq!(peer.idle_connections(), 1);
    seen
}

#[tokio::test]
async fn bodies_are_delimited() {
    let with_length = seen(post("hello"), "hello").await;
    assert!(with_length.ends_with("\r\ncontent-length: 5\r\n\r\nhello"), "{with_length}");
    let chunked =
        seen(put(pieces([Ok("hello"), Ok(""), Ok(" world!!!!!")])), "\r\n0\r\n\r\n").await;
    assert!(
        chunked.ends_with(
            "\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n world!!!!!\r\n0\r\n\r\n"
        ),
        "{chunked}"
    );
    let nothing = seen(put(pieces([])), "\r\n\r\n0\r\n\r\n").await;
    assert!(nothing.contains("chunked"), "{nothing}");
    let announced = seen(put(sized(10, [Ok("hello"), Ok("world")])), "world").await;
    assert!(announced.ends_with("\r\ncontent-length: 10\r\n\r\nhelloworld"), "{announced}");
    let empty = seen(put(sized(0, [])), "\r\n\r\n").await;
    assert!(empty.contains("\r\ncontent-length: 0\r\n"), "{empty}");
}

#[tokio::test]
async fn large_bodies_pass_whole() {
    let size = 8 << 20;
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        let mut left = size - wire.unread.len();
        let mut buffer = vec![0; 1 << 16];
        while left > 0 {
            left -= wire.stream.read(&mut buffer).await.unwrap();
        }
        wire.send(OK).await;
        wire
    };
    let (response, _wire) = tokio::join!(call(&peer, post(vec![b'x'; size])), serve);
    assert_eq!(text(response.unwrap()).await.unwrap(), "hi");
    assert_eq!(peer.idle_connections(), 1);
}

#[tokio::test]
async fn pieces_leave_as_they_come() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (feed, body) = fed();
    let serve = async {
        let mut wire = upstream.accept().await;
        // The head does not wait for the body, and no piece for the next one.
        wire.request().await;
        feed.send(Ok(Bytes::from_static(b"first"))).unwrap();
        assert_eq!(wire.until("first\r\n").await, "5\r\nfirst\r\n");
        feed.send(Ok(Bytes::from_static(b"second"))).unwrap();
        assert_eq!(wire.until("second\r\n").await, "6\r\nsecond\r\n");
        drop(feed);
        assert_eq!(wire.until("\r\n\r\n").await, "0\r\n\r\n");
        wire.send(OK).await;
        wire
    };
    let (response, _wire) = tokio::join!(call(&peer, put(body)), serve);
    assert_eq!(text(response.unwrap()).await.unwrap(), "hi");
}

/// What the upstream gets of a body that does not reach its end.
async fn broken(body: Body) -> (Error, String) {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async { upstream.accept().await.rest().await };
    let (response, seen) = tokio::join!(call(&peer, put(body)), serve);
    assert_eq!(peer.idle_connections(), 0);
    (response.unwrap_err(), seen)
}

#[tokio::test]
async fn a_broken_body_never_looks_complete() {
    let (error, seen) = broken(pieces([Ok("half"), Err(())])).await;
    assert_eq!(error.kind(), ErrorKind::Client);
    assert!(!seen.contains("0\r\n\r\n"), "{seen}");
    let (error, seen) = broken(sized(10, [Ok("half"), Err(())])).await;
    assert_eq!(error.kind(), ErrorKind::Client);
    assert!(!seen.ends_with("\r\n\r\n"), "{seen}");
    let (error, seen) = broken(sized(10, [Ok("half")])).await;
    assert_eq!(error.kind(), ErrorKind::Client);
    assert!(seen.ends_with("half"), "{seen}");
    // More than announced: the excess would be read as another request.
    let (error, seen) = broken(sized(4, [Ok("GET / HTTP/1.1\r\n\r\n")])).await;
    assert_eq!(error.kind(), ErrorKind::Client);
    assert!(!seen.contains("GET"), "{seen}");
}

#[tokio::test]
async fn a_dropped_call_hangs_up() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (feed, body) = fed();
    let mut serve = Box::pin(async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        wire
    });
    let mut wire = tokio::select! {
        wire = &mut serve => wire,
        _ = call(&peer, put(body)) => panic!("nobody answered"),
    };
    assert_eq!(wire.rest().await, "");
    assert!(feed.is_closed());
    assert_eq!(peer.idle_connections(), 0);
}

#[tokio::test]
async fn an_early_refusal_is_delivered() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (feed, body) = fed();
    feed.send(Ok(Bytes::from_static(b"first"))).unwrap();
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.until("first\r\n").await;
        wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").await;
        wire.rest().await
    };
    let ask = async {
        let response = call(&peer, put(body)).await.unwrap();
        assert_eq!(response.status, 413);
        assert_eq!(text(response).await.unwrap(), "no");
        assert!(feed.is_closed());
    };
    let (rest, ()) = tokio::join!(serve, ask);
    assert_eq!(rest, "");
    assert_eq!(peer.idle_connections(), 0);
}

#[tokio::test]
async fn an_upstream_that_stops_reading_can_answer() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").await;
        wire
    };
    // More than any socket buffers.
    let (response, _wire) = tokio::join!(call(&peer, post(vec![0; 32 << 20])), serve);
    let response = response.unwrap();
    assert_eq!(response.status, 413);
    assert_eq!(text(response).await.unwrap(), "no");
    assert_eq!(peer.idle_connections(), 0);
}

#[tokio::test]
async fn request_and_answer_may_stream_at_once() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (feed, body) = fed();
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        for piece in ["one", "two"] {
            let chunk = wire.until(&format!("{piece}\r\n")).await;
            wire.send(chunk.as_bytes()).await;
        }
        assert_eq!(wire.until("\r\n\r\n").await, "0\r\n\r\n");
        wire.send(b"0\r\n\r\n").await;
        wire
    };
    let ask = async {
        let mut echo = body_of(call(&peer, put(body)).await.unwrap());
        for piece in ["one", "two"] {
            feed.send(Ok(Bytes::from_static_str(piece))).unwrap();
            assert_eq!(super::body::frame(&mut echo).await.unwrap().unwrap(), piece);
        }
        drop(feed);
        assert!(super::body::frame(&mut echo).await.is_none());
    };
    let (_wire, ()) = tokio::join!(serve, ask);
    assert_eq!(peer.idle_connections(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_beside_its_answer_breaks_both() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (feed, body) = fed();
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        wire.rest().await
    };
    let ask = async {
        let response = call(&peer, put(body)).await.unwrap();
        feed.send(Err(gone())).unwrap();
        assert_eq!(text(response).await.unwrap_err().kind(), ErrorKind::Client);
    };
    let (rest, ()) = tokio::join!(serve, ask);
    assert_eq!(rest, "");
}
