//! Calls against upstreams that are scripted byte by byte, so that they can lie.

mod body;
mod connection;
mod decompression;
mod framing;
mod proxied;
mod redirection;
mod reuse;
mod tls;
mod uploading;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use torana_config::{
    Pointer,
    valid::{ClientSettings, Host, Proxies},
};
use torana_core::{Body, Data, Error, ErrorKind, Request, Resources, Response};

use super::{CallOptions, Client, Peer, Redirect};

/// KrakenD's defaults.
fn settings() -> ClientSettings {
    ClientSettings {
        disable_keep_alives: false,
        disable_compression: false,
        max_idle_connections: None,
        max_idle_connections_per_host: 250,
        idle_connection_timeout: None,
        response_header_timeout: None,
        expect_continue_timeout: None,
        dialer_timeout: None,
        dialer_keep_alive: Duration::from_secs(15),
        dialer_fallback_delay: Duration::from_millis(300),
        tls: None,
        proxies: Proxies::default(),
    }
}

fn host(scheme: &str, name: &str, port: u16) -> Host {
    Host {
        url: format!("{scheme}://{name}:{port}"),
        scheme: scheme.to_owned(),
        name: name.to_owned(),
        port: Some(port),
        base_path: String::new(),
        at: Pointer::root(),
    }
}

/// An upstream that does only what a test writes.
struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
}

impl Upstream {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    fn peer(&self) -> Arc<Peer> {
        self.peer_with(&settings())
    }

    fn peer_with(&self, settings: &ClientSettings) -> Arc<Peer> {
        let client = Client::shared(&Resources::default(), settings).unwrap();
        client.peer(&host("http", "127.0.0.1", self.address.port())).unwrap()
    }

    async fn accept(&self) -> Wire<TcpStream> {
        Wire::new(self.listener.accept().await.unwrap().0)
    }

    /// Accepts a connection and answers one request with these bytes.
    async fn answer(&self, response: &[u8]) -> Wire<TcpStream> {
        let mut wire = self.accept().await;
        wire.request().await;
        wire.send(response).await;
        wire
    }

    /// Whether a connection is waiting to be accepted.
    fn has_caller(&self) -> bool {
        let listener = self.listener.accept();
        let mut listener = std::pin::pin!(listener);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        listener.as_mut().poll(&mut cx).is_ready()
    }
}

/// The upstream's end of a connection.
struct Wire<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads up to and with `end`.
    async fn until(&mut self, end: &str) -> String {
        loop {
            let found = memchr::memmem::find(&self.unread, end.as_bytes());
            if let Some(at) = found {
                let rest = self.unread.split_off(at + end.len());
                return String::from_utf8(std::mem::replace(&mut self.unread, rest)).unwrap();
            }
            let read = self.stream.read_buf(&mut self.unread).await.unwrap();
            assert_ne!(read, 0, "closed before {end:?}, after {:?}", self.unread);
        }
    }

    /// Reads the head of a request.
    async fn request(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Reads until the caller closes: what came before.
    async fn rest(&mut self) -> String {
        // A reset is an end too.
        while matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..)) {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }
}

fn get(path: &str) -> Request {
    Request::new(Method::GET, path)
}

fn post(body: impl Into<Bytes>) -> Request {
    let mut request = Request::new(Method::POST, "/");
    request.body = Body::Full(body.into());
    request
}

fn with_header(mut request: Request, name: &'static str, value: &'static str) -> Request {
    request.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    request
}

/// Bytes as they come: nothing decoded, redirects passed on.
fn raw() -> CallOptions {
    CallOptions { decompress: false, redirect: Redirect::Pass, ..CallOptions::default() }
}

async fn call(peer: &Peer, request: Request) -> Result<Response, Error> {
    peer.send(request, &raw()).await
}

fn body_of(response: Response) -> Body {
    match response.into_parts().data {
        Data::Body(body) => body,
        Data::Entity(_) => panic!("the client decodes nothing"),
    }
}

async fn text(response: Response) -> Result<String, Error> {
    let bytes = body_of(response).collect(usize::MAX).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Sends a request, has it answered with `answer` and the connection closed, and gives the body, or the error of the
/// head or the body.
async fn outcome(request: Request, answer: &[u8]) -> Result<String, Error> {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let ask = async { text(call(&peer, request).await?).await };
    let (outcome, ()) = tokio::join!(ask, async { drop(upstream.answer(answer).await) });
    outcome
}

/// Lets the runtime notice what has happened on sockets.
async fn settle() {
    // A yield of this runtime looks at its sockets before it comes back.
    tokio::task::yield_now().await;
}

#[test]
fn the_future_of_a_call_is_small() {
    let client = Client::shared(&Resources::default(), &settings()).unwrap();
    let peer = client.peer(&host("http", "127.0.0.1", 1)).unwrap();
    let options = CallOptions::default();
    let future = peer.send(get("/"), &options);
    fn is_send<T: Send>(_: &T) {}
    is_send(&future);
    let size = size_of_val(&future);
    assert!(size < 1024, "{size} bytes");
}

#[test]
fn equal_settings_share_pools() {
    let resources = Resources::default();
    let client = Client::shared(&resources, &settings()).unwrap();
    let peer = client.peer(&host("http", "a", 80)).unwrap();
    drop(client);
    let again = Client::shared(&resources, &settings()).unwrap();
    assert!(Arc::ptr_eq(&peer, &again.peer(&host("http", "a", 80)).unwrap()));
    assert!(!Arc::ptr_eq(&peer, &again.peer(&host("http", "a", 81)).unwrap()));
    let other = ClientSettings { disable_keep_alives: true, ..settings() };
    let other = Client::shared(&resources, &other).unwrap();
    assert!(!Arc::ptr_eq(&peer, &other.peer(&host("http", "a", 80)).unwrap()));
}

#[test]
fn hosts_that_cannot_be_called_are_refused() {
    let client = Client::shared(&Resources::default(), &settings()).unwrap();
    for (scheme, name) in [("ftp", "a"), ("amqp", "a"), ("http", "a\r\nx: y"), ("http", "")] {
        let error = client.peer(&host(scheme, name, 80)).unwrap_err();
        assert_eq!(error.into_diagnostic().code, "invalid-host", "{scheme}://{name:?}");
    }
}
