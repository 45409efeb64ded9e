//! How connections are made, and what callers hear when they are not.

use super::*;

#[tokio::test]
async fn a_refused_connection_is_named() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let address = upstream.address;
    drop(upstream);
    let error = call(&peer, get("/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_retryable());
    assert_eq!(error.to_string(), format!("http://{address}: connection refused"));
}

#[tokio::test]
async fn an_unknown_name_is_named() {
    let client = Client::shared(&Resources::default(), &settings()).unwrap();
    let peer = client.peer(&host("http", "name.invalid", 80)).unwrap();
    let error = call(&peer, get("/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().starts_with("http://name.invalid:80: cannot connect: "), "{error}");
}

#[tokio::test]
async fn names_are_resolved() {
    let upstream = Upstream::new().await;
    let client = Client::shared(&Resources::default(), &settings()).unwrap();
    let port = upstream.address.port();
    let peer = client.peer(&host("http", "localhost", port)).unwrap();
    let serve = async {
        let mut wire = upstream.accept().await;
        let head = wire.request().await;
        wire.send(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        head
    };
    let (response, head) = tokio::join!(call(&peer, get("/")), serve);
    assert_eq!(response.unwrap().status, 204);
    assert_eq!(head, format!("GET / HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n"));
}

#[tokio::test(start_paused = true)]
async fn silence_has_a_limit() {
    let upstream = Upstream::new().await;
    let limit = Duration::from_secs(7);
    let peer =
        upstream.peer_with(&ClientSettings { response_header_timeout: Some(limit), ..settings() });
    let serve = async {
        let mut wire = upstream.accept().await;
        wire.request().await;
        wire.rest().await;
    };
    let start = tokio::time::Instant::now();
    let (response, ()) = tokio::join!(call(&peer, get("/")), serve);
    assert!(start.elapsed() >= limit);
    let error = response.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.to_string(), format!("http://{}: no response within 7s", upstream.address));
}

#[tokio::test]
async fn bad_paths_never_open_a_connection() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let error = call(&peer, get("/a b\r\nx: y")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    settle().await;
    assert!(!upstream.has_caller());
}
