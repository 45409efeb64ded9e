//! Redirects: the rules of Go's client, which are KrakenD's.

use super::*;

fn follow(send_body: bool) -> CallOptions {
    CallOptions {
        decompress: false,
        redirect: Redirect::follow(send_body),
        ..CallOptions::default()
    }
}

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// Answers one connection's requests in order and gives their heads; a body must be `body`.
async fn serve(upstream: &Upstream, answers: &[String]) -> Vec<String> {
    let mut wire = upstream.accept().await;
    let mut heads = Vec::new();
    for answer in answers {
        let mut head = wire.request().await;
        if head.contains("content-length: 4\r\n") || head.contains("chunked") {
            let end = if head.contains("chunked") { "0\r\n\r\n" } else { "body" };
            head.push_str(&wire.until(end).await);
        }
        wire.send(answer.as_bytes()).await;
        heads.push(head);
    }
    heads
}

fn line(head: &str) -> &str {
    head.lines().next().unwrap()
}

fn post_body() -> Request {
    with_header(post("body"), "content-type", "text/plain")
}

#[tokio::test]
async fn a_moved_answer_is_found() {
    for status in [301, 302, 303, 307, 308] {
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let options = follow(false);
        let mut request = get("/a/b");
        request.query = "x=1".into();
        let answers = [redirect(status, "../c?y=2"), OK.to_owned()];
        let (response, heads) =
            tokio::join!(peer.send(request, &options), serve(&upstream, &answers));
        assert_eq!(text(response.unwrap()).await.unwrap(), "hi");
        assert_eq!(line(&heads[1]), "GET /c?y=2 HTTP/1.1", "{status}");
        let referer = format!("\r\nreferer: http://{}/a/b?x=1\r\n", upstream.address);
        assert!(heads[1].contains(&referer), "{}", heads[1]);
    }
}

#[tokio::test]
async fn old_redirects_turn_into_get() {
    for status in [301, 302, 303] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let upstream = Upstream::new().await;
            let peer = upstream.peer();
            let options = follow(false);
            let mut request = post_body();
            request.method = method.clone();
            let answers = [redirect(status, "/next"), OK.to_owned()];
            let (response, heads) =
                tokio::join!(peer.send(request, &options), serve(&upstream, &answers));
            assert_eq!(response.unwrap().status, 200);
            assert_eq!(line(&heads[1]), "GET /next HTTP/1.1", "{status} {method}");
            assert!(!heads[1].contains("content-"), "{}", heads[1]);
        }
    }
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let options = follow(false);
    let head = Request::new(Method::HEAD, "/");
    let answers = [redirect(302, "/next"), OK.to_owned()];
    let (_, heads) = tokio::join!(peer.send(head, &options), serve(&upstream, &answers));
    assert_eq!(line(&heads[1]), "HEAD /next HTTP/1.1");
}

#[tokio::test]
async fn bodies_are_sent_again_only_on_demand() {
    for status in [307, 308] {
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let options = follow(false);
        let answers = [redirect(status, "/next")];
        let (response, _) =
            tokio::join!(peer.send(post_body(), &options), serve(&upstream, &answers));
        assert_eq!(response.unwrap().status, status);

        let streamed = || {
            let mut request = post_body();
            request.body = uploading::pieces([Ok("bo"), Ok("dy")]);
            request
        };
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let (response, _) =
            tokio::join!(peer.send(streamed(), &options), serve(&upstream, &answers));
        assert_eq!(response.unwrap().status, status);

        let options = follow(true);
        for request in [post_body(), streamed()] {
            let upstream = Upstream::new().await;
            let peer = upstream.peer();
            let answers = [redirect(status, "/next"), OK.to_owned()];
            let (response, heads) =
                tokio::join!(peer.send(request, &options), serve(&upstream, &answers));
            assert_eq!(response.unwrap().status, 200);
            assert_eq!(line(&heads[1]), "POST /next HTTP/1.1");
            assert!(heads[1].ends_with("\r\n\r\nbody"), "{}", heads[1]);
            assert!(heads[1].contains("content-type: text/plain"), "{}", heads[1]);
        }
    }
}

#[tokio::test]
async fn redirects_may_be_passed_on() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let answers = [redirect(302, "/next")];
    let (response, _) = tokio::join!(call(&peer, get("/")), serve(&upstream, &answers));
    let response = response.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(response.headers["location"], "/next");
    // Without a place to go there is nothing to follow.
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let options = follow(false);
    let answers = ["HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned()];
    let (response, _) = tokio::join!(peer.send(get("/"), &options), serve(&upstream, &answers));
    assert_eq!(response.unwrap().status, 302);
}

#[tokio::test]
async fn circles_end() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let options = follow(false);
    let answers = vec![redirect(302, "/again"); 11];
    let (response, heads) = tokio::join!(peer.send(get("/"), &options), serve(&upstream, &answers));
    assert_eq!(response.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(heads.len(), 11);
}

#[tokio::test]
async fn bad_locations_are_errors() {
    for location in ["ftp://a/", "http://", "http://a b:x/"] {
        let upstream = Upstream::new().await;
        let peer = upstream.peer();
        let options = follow(false);
        let answers = [redirect(302, location)];
        let (response, _) = tokio::join!(peer.send(get("/"), &options), serve(&upstream, &answers));
        assert_eq!(response.unwrap_err().kind(), ErrorKind::Protocol, "{location}");
    }
}

#[tokio::test]
async fn other_hosts_get_no_credentials() {
    let secret = || {
        let request = with_header(get("/"), "authorization", "Bearer secret");
        with_header(with_header(request, "cookie", "a=b"), "x-kept", "1")
    };
    let (first, second) = (Upstream::new().await, Upstream::new().await);
    let peer = first.peer();
    let options = follow(false);
    // Another name for the same machine is another host.
    let other = format!("http://localhost:{}/", second.address.port());
    let answers = [[redirect(302, &other)], [OK.to_owned()]];
    for round in 0..2 {
        let (response, _, heads) = tokio::join!(
            peer.send(secret(), &options),
            serve(&first, &answers[0]),
            serve(&second, &answers[1])
        );
        assert_eq!(response.unwrap().status, 200, "{round}");
        assert!(heads[0].contains("x-kept: 1"), "{}", heads[0]);
        assert!(!heads[0].contains("secret") && !heads[0].contains("cookie"), "{}", heads[0]);
    }
    // The same host keeps them.
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let answers = [redirect(302, "/next"), OK.to_owned()];
    let (_, heads) = tokio::join!(peer.send(secret(), &options), serve(&upstream, &answers));
    assert!(heads[1].contains("secret") && heads[1].contains("cookie"), "{}", heads[1]);
}
