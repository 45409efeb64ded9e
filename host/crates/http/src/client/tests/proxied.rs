//! Calls through a forward proxy, which these tests play themselves.

use torana_config::valid::{ClientTls, ForwardProxy, NoProxy};

use super::{
    tls::{BOTH, Files, acceptor, authority, client_tls},
    *,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

fn proxy_at(upstream: &Upstream) -> ForwardProxy {
    ForwardProxy {
        secure: false,
        name: "127.0.0.1".to_owned(),
        port: upstream.address.port(),
        credentials: None,
    }
}

fn through(proxy: &ForwardProxy) -> ClientSettings {
    ClientSettings { proxies: Proxies::all(proxy), ..settings() }
}

fn secure_through(proxy: &ForwardProxy, tls: ClientTls) -> ClientSettings {
    ClientSettings { tls: Some(tls), ..through(proxy) }
}

fn peer(settings: &ClientSettings, scheme: &str, name: &str) -> Arc<Peer> {
    let client = Client::shared(&Resources::default(), settings).unwrap();
    client.peer(&host(scheme, name, 8080)).unwrap()
}

#[tokio::test]
async fn a_proxy_reads_requests_in_absolute_form() {
    let proxy = Upstream::new().await;
    let credentials = Some(b"user:pass".to_vec());
    let settings = through(&ForwardProxy { credentials, ..proxy_at(&proxy) });
    // The name is never looked up: only the proxy may know it.
    let peer = peer(&settings, "http", "users.invalid");
    let serve = async {
        let mut wire = proxy.accept().await;
        let mut heads = Vec::new();
        for _ in 0..2 {
            heads.push(wire.request().await);
            wire.send(OK).await;
        }
        heads
    };
    let ask = async {
        for _ in 0..2 {
            let mut request = with_header(get("/a"), "proxy-authorization", "Basic clients");
            request.query = "b=c".into();
            assert_eq!(text(call(&peer, request).await.unwrap()).await.unwrap(), "hi");
        }
    };
    let (heads, ()) = tokio::join!(serve, ask);
    let expected = "GET http://users.invalid:8080/a?b=c HTTP/1.1\r\nhost: users.invalid:8080\r\n\
                    proxy-authorization: Basic dXNlcjpwYXNz\r\n\r\n";
    assert_eq!(heads, [expected, expected]);
    assert!(!proxy.has_caller(), "the connection is kept");
}

#[tokio::test]
async fn exceptions_and_other_schemes_are_called_directly() {
    let (proxy, upstream) = (Upstream::new().await, Upstream::new().await);
    let proxies =
        Proxies { http: Some(proxy_at(&proxy)), https: None, exceptions: Some(NoProxy::default()) };
    // This machine is an exception.
    let peer = upstream.peer_with(&ClientSettings { proxies, ..settings() });
    let (answer, wire) = tokio::join!(call(&peer, get("/a")), upstream.answer(OK));
    assert!(answer.is_ok());
    drop(wire);
    assert!(!proxy.has_caller());
}

#[tokio::test]
async fn redirects_go_through_the_proxy_too() {
    let proxy = Upstream::new().await;
    let peer = peer(&through(&proxy_at(&proxy)), "http", "first.invalid");
    let serve = async {
        proxy
            .answer(
                b"HTTP/1.1 302 Found\r\nLocation: http://second.invalid/x\r\n\
                      Content-Length: 0\r\nConnection: close\r\n\r\n",
            )
            .await;
        let mut wire = proxy.accept().await;
        let head = wire.request().await;
        wire.send(OK).await;
        head
    };
    let options = CallOptions::default();
    let (answer, head) = tokio::join!(peer.send(get("/"), &options), serve);
    assert_eq!(text(answer.unwrap()).await.unwrap(), "hi");
    assert!(head.starts_with("GET http://second.invalid/x HTTP/1.1\r\nhost: second.invalid\r\n"));
}

#[tokio::test]
async fn a_tunnel_carries_tls_to_the_peer() {
    let files = Files::new();
    let ours = authority("ours");
    let server = acceptor(&ours, None, BOTH);
    let proxy = Upstream::new().await;
    let credentials = Some(b"user:pass".to_vec());
    let tls = client_tls(vec![files.write("ca.pem", &ours.pem())]);
    let settings = secure_through(&ForwardProxy { credentials, ..proxy_at(&proxy) }, tls);
    let peer = peer(&settings, "https", "localhost");
    let serve = async {
        let mut wire = proxy.accept().await;
        let connect = wire.request().await;
        // What a tunnel's answer says of a body counts for nothing (RFC 9110 9.3.6).
        wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
            .await;
        let mut wire = Wire::new(server.accept(wire.stream).await.unwrap());
        let mut heads = vec![connect];
        for _ in 0..2 {
            heads.push(wire.request().await);
            wire.send(OK).await;
        }
        heads
    };
    let ask = async {
        for _ in 0..2 {
            assert_eq!(text(call(&peer, get("/a")).await.unwrap()).await.unwrap(), "hi");
        }
    };
    let (heads, ()) = tokio::join!(serve, ask);
    // The credentials stay with the proxy.
    let request = "GET /a HTTP/1.1\r\nhost: localhost:8080\r\n\r\n";
    assert_eq!(
        heads,
        [
            "CONNECT localhost:8080 HTTP/1.1\r\nhost: localhost:8080\r\n\
             proxy-authorization: Basic dXNlcjpwYXNz\r\n\r\n",
            request,
            request
        ]
    );
    assert!(!proxy.has_caller(), "the tunnel is kept");
}

#[tokio::test]
async fn a_proxy_may_speak_tls_itself() {
    let files = Files::new();
    let ours = authority("ours");
    let server = acceptor(&ours, None, BOTH);
    let tls = client_tls(vec![files.write("ca.pem", &ours.pem())]);
    for scheme in ["http", "https"] {
        let proxy = Upstream::new().await;
        let secure =
            ForwardProxy { secure: true, name: "localhost".to_owned(), ..proxy_at(&proxy) };
        let peer = peer(&secure_through(&secure, tls.clone()), scheme, "localhost");
        let serve = async {
            let wire = proxy.accept().await;
            let mut wire = Wire::new(server.accept(wire.stream).await.unwrap());
            let first = wire.request().await;
            if scheme == "http" {
                wire.send(OK).await;
                return first;
            }
            wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let mut wire = Wire::new(server.accept(wire.stream).await.unwrap());
            let second = wire.request().await;
            wire.send(OK).await;
            first + &second
        };
        let ask = async { text(call(&peer, get("/a")).await.unwrap()).await.unwrap() };
        let (heads, body) = tokio::join!(serve, ask);
        assert_eq!(body, "hi");
        let expected = match scheme {
            "http" => "GET http://localhost:8080/a HTTP/1.1\r\nhost: localhost:8080\r\n\r\n",
            _ => {
                "CONNECT localhost:8080 HTTP/1.1\r\nhost: localhost:8080\r\n\r\n\
                 GET /a HTTP/1.1\r\nhost: localhost:8080\r\n\r\n"
            }
        };
        assert_eq!(heads, expected);
    }
}

#[tokio::test]
async fn a_tunnel_that_is_refused_is_no_connection() {
    let insecure = ClientTls { allow_insecure_connections: true, ..client_tls(Vec::new()) };
    for (answer, reason) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nhello"[..],
            "407",
        ),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"SSH-2.0-x\r\n\r\n", "malformed head"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurprise", "more than its answer"),
        (b"HTTP/1.1 200 OK\r\n", "closed the connection"),
    ] {
        let proxy = Upstream::new().await;
        let peer = peer(&secure_through(&proxy_at(&proxy), insecure.clone()), "https", "localhost");
        let serve = async { drop(proxy.answer(answer).await) };
        let (outcome, ()) = tokio::join!(call(&peer, get("/")), serve);
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        let place = "https://localhost:8080: no tunnel through the proxy http://127.0.0.1";
        let text = error.to_string();
        assert!(text.starts_with(place) && text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_away_is_named() {
    let gone = Upstream::new().await;
    let proxy = proxy_at(&gone);
    drop(gone);
    let error = call(&peer(&through(&proxy), "http", "a.invalid"), get("/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    let expected =
        format!("http://a.invalid:8080: connection to the proxy {} refused", proxy.url());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn other_proxies_make_another_client() {
    let resources = Resources::default();
    let proxy = |name: &str| ForwardProxy {
        secure: false,
        name: name.to_owned(),
        port: 80,
        credentials: None,
    };
    let client = |settings: &ClientSettings| Client::shared(&resources, settings).unwrap();
    let first = client(&through(&proxy("a")));
    assert!(Arc::ptr_eq(&first, &client(&through(&proxy("a")))));
    assert!(!Arc::ptr_eq(&first, &client(&through(&proxy("b")))));
    assert!(!Arc::ptr_eq(&first, &client(&settings())));
}
