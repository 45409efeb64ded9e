//! CFG-16: HTTP/2 by prior knowledge, and by ALPN over TLS.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Frame, Incoming},
    client::conn::http2,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{pki_types::ServerName, version::TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use torana_tests::{
    certs::Authority,
    gateway::Gateway,
    upstream::{Gate, Reply, Script, Step, Upstream},
};

use crate::common::{config, config_with};

type Sender = http2::SendRequest<Full<Bytes>>;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn connect(address: SocketAddr) -> Result<Sender, hyper::Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    handshake(stream).await
}

async fn handshake<S>(stream: S) -> Result<Sender, hyper::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.ready().await?;
    Ok(sender)
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://gateway.test{path}")).body(Full::default()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

#[test]
fn cfg_16_prior_knowledge() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json(r#"{"x":1}"#)));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let response = sender.send_request(get("/json")).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
        assert_eq!(response.headers()["x-krakend-completed"], "true");
        assert_eq!(text(response).await, r#"{"x":1}"#);

        // The gateway's own answers have bodies, which answers to HEAD must not have.
        for (path, status) in [("/json", 405), ("/nowhere", 404)] {
            let request = Request::head(format!("http://gateway.test{path}"));
            let request = request.body(Full::default()).unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert_ne!(response.headers()["content-length"], "0", "{path}");
            assert_eq!(text(response).await, "", "{path}");
        }

        let request = Request::post("http://gateway.test/no-op")
            .header("x-a", "1")
            .body(Full::from("the body"))
            .unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    });
    let received = upstream.requests();
    assert_eq!(received[0].values("x-forwarded-host"), ["gateway.test"]);
    assert_eq!(received[1].values("x-a"), ["1"]);
    assert_eq!(received[1].body, b"the body");
    // HTTP/1.1 on the same port.
    assert_eq!(gateway.connect().get("/json").status, 200);
}

#[test]
fn cfg_16_only_when_asked_for() {
    let upstream = Upstream::start(Script::new());
    let gateway = Gateway::start(config(&upstream));
    run(async {
        let response = match connect(gateway.address()).await {
            Ok(mut sender) => sender.send_request(get("/__health")).await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(response.is_err());
    });
}

#[test]
fn streams_of_one_connection_do_not_wait_for_each_other() {
    let gate = Gate::new();
    let upstream = Upstream::start(
        Script::new().on("GET", "/b", Reply::json(r#"{"slow":1}"#).after(&gate)).on(
            "GET",
            "/b",
            Reply::json(r#"{"fast":1}"#),
        ),
    );
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let slow = tokio::spawn(sender.send_request(get("/json")));
        let upstream = tokio::task::spawn_blocking(move || {
            let _ = upstream.wait_for(1);
            upstream
        });
        let _upstream = upstream.await.unwrap();
        // The second request is answered while the first one waits.
        let health = sender.send_request(get("/__health")).await.unwrap();
        assert_eq!(health.status(), 200);
        gate.open();
        assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    });
}

#[test]
fn no_op_streams() {
    let gate = Gate::new();
    let upstream = Upstream::start(Script::new().on(
        "GET",
        "/b",
        Reply::steps(vec![
            Step::Send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x-hop\r\nX-Hop: 1\r\n\
                  \r\n5\r\nfirst\r\n"
                    .to_vec(),
            ),
            Step::Wait(gate.clone()),
            Step::Send(b"4\r\nlast\r\n0\r\n\r\n".to_vec()),
        ]),
    ));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let mut response = sender.send_request(get("/no-op")).await.unwrap();
        // Connection-specific fields make an HTTP/2 message malformed (RFC 9113 8.2.2).
        for name in ["connection", "transfer-encoding", "x-hop"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
        let first = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "first");
        gate.open();
        assert_eq!(text(response).await, "last");
    });
}

#[test]
fn a_broken_stream_is_reset_and_the_others_live() {
    let upstream = Upstream::start(
        Script::new().on("GET", "/b", Reply::status(200).body("0123456789").cut(5)).on(
            "GET",
            "/b",
            Reply::status(200).body("whole"),
        ),
    );
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let broken = sender.send_request(get("/no-op")).await;
        let whole = match broken {
            Ok(response) if response.status() == 200 => {
                response.into_body().collect().await.is_ok()
            }
            _ => false,
        };
        assert!(!whole);
        let response = sender.send_request(get("/no-op")).await.unwrap();
        assert_eq!(text(response).await, "whole");
    });
}

/// A body that fails after its first part.
struct GivesUp(bool);

impl Body for GivesUp {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(Some(Err(std::io::Error::other("the client gives up"))));
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from("some")))))
    }
}

#[test]
fn an_upload_that_is_reset_never_becomes_a_complete_request() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let stream = TcpStream::connect(gateway.address()).await.unwrap();
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post("http://gateway.test/no-op").body(GivesUp(false)).unwrap();
        assert!(sender.send_request(request).await.is_err());
    });
    upstream.wait_for_hang_up();
    assert!(upstream.take().iter().all(|received| !received.complete));
}

#[test]
fn by_alpn_over_tls() {
    let authority = Authority::new();
    let identity = authority.issue(&["gateway.test"]);
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#)));
    let builder = Gateway::builder()
        .file("cert.pem", &identity.certificate_pem)
        .file("key.pem", &identity.key_pem);
    let tls = format!(
        r#", "tls": {{ "keys": [{{ "public_key": "{}", "private_key": "{}" }}] }}"#,
        builder.path("cert.pem"),
        builder.path("key.pem")
    );
    let gateway = builder.start(config_with(&upstream, &tls));
    let settings = authority.client(&[&TLS13], &["h2", "http/1.1"], None);
    run(async {
        let stream = TcpStream::connect(gateway.address()).await.unwrap();
        let name = ServerName::try_from("gateway.test").unwrap();
        let stream = TlsConnector::from(settings).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let mut sender = handshake(stream).await.unwrap();
        let response = sender.send_request(get("/json")).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    });
}

#[test]
fn graceful_shutdown_finishes_streams() {
    let gate = Gate::new();
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).after(&gate)));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let waiting = tokio::spawn(sender.send_request(get("/json")));
        let upstream = tokio::task::spawn_blocking(move || {
            let _ = upstream.wait_for(1);
            upstream
        });
        let _upstream = upstream.await.unwrap();
        let stopping = tokio::task::spawn_blocking(move || gateway.shutdown());
        gate.open();
        assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
        stopping.await.unwrap();
    });
}

#[test]
fn cookies_are_joined_for_backends() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let mut request = get("/no-op");
        for cookie in ["a=1", "b=2", "c=3"] {
            request.headers_mut().append("cookie", cookie.parse().unwrap());
        }
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    });
    assert_eq!(upstream.requests()[0].values("cookie"), ["a=1; b=2; c=3"]);
}

#[test]
fn an_authority_names_no_user() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let request = Request::get("http://user:secret@gateway.test/no-op");
        let request = request.body(Full::default()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 400);
    });
    assert!(upstream.requests().is_empty());
}

/// A frame of HTTP/2 (RFC 9113 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream][..], payload].concat()
}

/// A literal field without Huffman coding (RFC 7541 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn head(method: &str, path: &str) -> Vec<u8> {
    [
        field(":method", method),
        field(":scheme", "http"),
        field(":authority", "h"),
        field(":path", path),
    ]
    .concat()
}

#[test]
fn a_body_where_none_was_announced_is_no_complete_request() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config_with(&upstream, r#", "use_h2c": true"#));
    let mut client = gateway.connect();
    let head = [head("POST", "/no-op"), field("content-length", "0")].concat();
    client.send([PREFACE, &frame(4, 0, 0, b""), &frame(1, 4, 1, &head)].concat());
    client.send(frame(0, 1, 1, b"a body"));
    // RST_STREAM with PROTOCOL_ERROR.
    let _ = client.until("\0\0\x04\x03\0\0\0\0\x01\0\0\0\x01");
    // Whatever the first request did, it did before this one.
    assert_eq!(gateway.connect().get("/json").status, 200);
    let complete = upstream.take().into_iter().filter(|request| request.complete);
    assert_eq!(complete.map(|request| request.method().to_owned()).collect::<Vec<_>>(), ["GET"]);
}

#[test]
fn cfg_12_idle_means_that_no_stream_is_open() {
    let gate = Gate::new();
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).after(&gate)));
    let limits = r#", "use_h2c": true, "idle_timeout": "100ms", "read_header_timeout": "50ms""#;
    let gateway = Gateway::start(config_with(&upstream, limits));
    run(async {
        let mut sender = connect(gateway.address()).await.unwrap();
        let slow = tokio::spawn(sender.send_request(get("/json")));
        tokio::task::spawn_blocking({
            let address = gateway.address();
            move || {
                let _ = upstream.wait_for(1);
                // As long as the limit, and again: what is idle is closed meanwhile.
                for _ in 0..2 {
                    let mut idle = torana_tests::client::Client::connect(address);
                    assert_eq!(idle.get("/__health").status, 200);
                    idle.expect_close();
                }
            }
        });
        // A stream that ends while the other is open.
        assert_eq!(sender.send_request(get("/__health")).await.unwrap().status(), 200);
        let mut idle = connect(gateway.address()).await.unwrap();
        assert_eq!(idle.send_request(get("/__health")).await.unwrap().status(), 200);
        while idle.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
        gate.open();
        assert_eq!(text(slow.await.unwrap().unwrap()).await, r#"{"x":1}"#);
    });
}
