//! Which connections are used again, and which requests are sent again.

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

async fn ok(peer: &Peer) {
    let response = call(peer, get("/")).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "hi");
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async {
        let mut wire = upstream.accept().await;
        for index in 0..5 {
            let head = wire.request().await;
            assert!(head.starts_with(&format!("GET /{index} HTTP/1.1\r\n")), "{head}");
            wire.send(if index % 2 == 0 {
                OK
            } else {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"
            })
            .await;
        }
        wire
    };
    let ask = async {
        for index in 0..5 {
            let response = call(&peer, get(&format!("/{index}"))).await.unwrap();
            // The connection is free although the body has not been read.
            assert_eq!(peer.idle_connections(), 1);
            assert_eq!(text(response).await.unwrap(), "hi");
        }
    };
    let (_wire, ()) = tokio::join!(serve, ask);
    assert!(!upstream.has_caller());
}

#[tokio::test]
async fn the_last_connection_returned_is_the_first_one_taken() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let two = async {
        let mut first = upstream.accept().await;
        let mut second = upstream.accept().await;
        first.request().await;
        second.request().await;
        second.send(OK).await;
        // The second call is over before the first one is answered.
        while peer.idle_connections() == 0 {
            settle().await;
        }
        first.send(OK).await;
        (first, second)
    };
    let ((), (), (mut first, _second)) = tokio::join!(ok(&peer), ok(&peer), two);
    assert_eq!(peer.idle_connections(), 2);
    let answer = async {
        first.request().await;
        first.send(OK).await;
    };
    tokio::join!(ok(&peer), answer);
}

/// Whether the connection is used again after this answer.
async fn is_reused(request: Request, answer: &[u8]) -> bool {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let (response, wire) = tokio::join!(call(&peer, request), upstream.answer(answer));
    let _ = body_of(response.unwrap()).collect(usize::MAX).await;
    let idle = peer.idle_connections();
    let mut wire = wire;
    if idle == 0 {
        // The upstream sees the end.
        assert_eq!(wire.rest().await, "");
    }
    idle == 1
}

#[tokio::test]
async fn only_clean_ends_let_a_connection_live() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n{}", "x".repeat(70_000));
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        chunked,
        &long,
    ] {
        assert!(is_reused(get("/"), answer.as_bytes()).await, "{answer:?}");
        let excess = format!("{answer}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        assert!(!is_reused(get("/"), excess.as_bytes()).await, "{excess:?}");
        assert!(!is_reused(get("/"), format!("{answer}\n").as_bytes()).await, "{answer:?}");
    }
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        assert!(!is_reused(get("/"), answer.as_bytes()).await, "{answer:?}");
    }
}

#[tokio::test]
async fn excess_of_one_answer_never_answers_another() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let serve = async {
        let poisoned = upstream
            .answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\nevil")
            .await;
        (poisoned, upstream.answer(OK).await)
    };
    let ask = async {
        ok(&peer).await;
        ok(&peer).await;
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn junk_and_ends_while_idle_are_noticed() {
    for junk in [&b""[..], b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"] {
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let ((), mut wire) = tokio::join!(ok(&peer), upstream.answer(OK));
        assert_eq!(peer.idle_connections(), 1);
        wire.send(junk).await;
        drop(wire);
        settle().await;
        // Not even a request that must not be sent twice fails on it.
        let serve = async {
            let mut wire = upstream.accept().await;
            let head = wire.until("\r\n\r\nx").await;
            wire.send(OK).await;
            (head, wire)
        };
        let (response, (head, _wire)) = tokio::join!(call(&peer, post("x")), serve);
        assert_eq!(text(response.unwrap()).await.unwrap(), "hi");
        assert!(head.starts_with("POST"), "{head}");
    }
}

/// The pooled connection ends when the second request has been read: what the caller gets, and the request that came
/// on a fresh connection, if one came.
async fn after_silent_end(request: Request) -> Result<String, Error> {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let ((), mut wire) = tokio::join!(ok(&peer), upstream.answer(OK));
    let mut answered = false;
    let serve = async {
        wire.request().await;
        drop(wire);
        let mut fresh = upstream.answer(OK).await;
        answered = true;
        // Keeps the connection until the caller is done.
        fresh.rest().await;
    };
    let outcome = tokio::select! {
        outcome = call(&peer, request) => outcome,
        () = serve => unreachable!("the caller holds its connection"),
    };
    assert_eq!(outcome.is_ok(), answered);
    text(outcome?).await
}

#[tokio::test]
async fn only_harmless_requests_are_sent_again() {
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let mut request = Request::new(method.clone(), "/");
        if method == Method::PUT {
            request.body = Body::Full(Bytes::from_static(b"whole"));
        }
        let body = if method == Method::HEAD { "" } else { "hi" };
        assert_eq!(after_silent_end(request).await.unwrap(), body, "{method}");
    }
    for method in [Method::POST, Method::PATCH] {
        let error = after_silent_end(Request::new(method.clone(), "/")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{method}");
        assert!(!error.is_retryable(), "{method}");
    }
    let mut streamed = Request::new(Method::PUT, "/");
    streamed.body = uploading::pieces([Ok("piece")]);
    assert!(after_silent_end(streamed).await.is_err());
}

#[tokio::test]
async fn fresh_connections_are_not_tried_again() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let hang_up = async {
        upstream.accept().await.request().await;
    };
    let (response, ()) = tokio::join!(call(&peer, get("/")), hang_up);
    assert_eq!(response.unwrap_err().kind(), ErrorKind::Protocol);
    assert!(!upstream.has_caller());
}

#[tokio::test]
async fn half_an_answer_is_not_asked_for_again() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let ((), mut wire) = tokio::join!(ok(&peer), upstream.answer(OK));
    let break_off = async {
        wire.request().await;
        wire.send(b"HTTP/1.1 2").await;
        drop(wire);
    };
    let (response, ()) = tokio::join!(call(&peer, get("/")), break_off);
    assert_eq!(response.unwrap_err().kind(), ErrorKind::Protocol);
    settle().await;
    assert!(!upstream.has_caller());
}

#[tokio::test]
async fn limits_of_idle_connections() {
    let upstream = Upstream::new().await;
    let without = ClientSettings { disable_keep_alives: true, ..settings() };
    let none = ClientSettings { max_idle_connections: Some(0), ..settings() };
    let none_per_host = ClientSettings { max_idle_connections_per_host: 0, ..settings() };
    for (settings, closes) in [(without, true), (none, false), (none_per_host, false)] {
        let peer = upstream.peer_with(&settings);
        let serve = async {
            let mut wire = upstream.accept().await;
            let head = wire.request().await;
            wire.send(OK).await;
            assert_eq!(wire.rest().await, "");
            head
        };
        let ((), head) = tokio::join!(ok(&peer), serve);
        assert_eq!(head.contains("\r\nconnection: close\r\n"), closes, "{head}");
        assert_eq!(peer.idle_connections(), 0);
    }
}

#[tokio::test]
async fn the_limit_counts_all_hosts() {
    let (one, other) = (Upstream::new().await, Upstream::new().await);
    let settings = ClientSettings { max_idle_connections: Some(1), ..settings() };
    let client = Client::shared(&Resources::default(), &settings).unwrap();
    let peer = |upstream: &Upstream| {
        client.peer(&host("http", "127.0.0.1", upstream.address.port())).unwrap()
    };
    let (first, second) = (peer(&one), peer(&other));
    let ((), wire) = tokio::join!(ok(&first), one.answer(OK));
    let ((), _) = tokio::join!(ok(&second), other.answer(OK));
    assert_eq!((first.idle_connections(), second.idle_connections()), (1, 0));
    // The place is free again when its connection goes.
    drop(wire);
    settle().await;
    let ((), _) = tokio::join!(ok(&first), async {
        one.answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi").await
    });
    let ((), _wire) = tokio::join!(ok(&second), other.answer(OK));
    assert_eq!((first.idle_connections(), second.idle_connections()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_in_time() {
    let upstream = Upstream::new().await;
    let limit = Duration::from_secs(5);
    let settings = ClientSettings { idle_connection_timeout: Some(limit), ..settings() };
    let peer = upstream.peer_with(&settings);
    let ((), mut wire) = tokio::join!(ok(&peer), upstream.answer(OK));
    assert_eq!(peer.idle_connections(), 1);
    // Paused time runs on while everything waits: only the timer of the pool can end this.
    assert_eq!(wire.rest().await, "");
    assert_eq!(peer.idle_connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn ends_of_idle_connections_are_noticed_without_traffic() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let ((), wire) = tokio::join!(ok(&peer), upstream.answer(OK));
    drop(wire);
    let start = tokio::time::Instant::now();
    while peer.idle_connections() > 0 {
        assert!(start.elapsed() < Duration::from_secs(120), "still there");
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}
