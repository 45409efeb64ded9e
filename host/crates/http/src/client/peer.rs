//! One upstream that speaks HTTP/1.1, with its pool of connections.

use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Method, header};
use tokio::net::TcpStream;
use torana_core::{Body, Error, ErrorKind, Request, Response};

use super::{
    Client,
    connect::connect,
    connection::{Connection, Transport},
    decompress::decompress,
    exchange::{Exchange, Failure},
    handshake::TlsServer,
    incoming::Incoming,
    options::{CallOptions, Redirect},
    pool::Pool,
    proxy::Proxy,
    redirect,
    request_head::{self, HeadOptions},
    resolve::Addresses,
    response_head::{Framing, Head},
    tls::PeerError,
    upload::{Delimiter, Upload},
};

/// Bodies of a known length up to this many bytes are handed out whole: the connection is free early, and what goes on
/// to the client leaves in one write.
const SMALL_BODY: u64 = 64 * 1024;

/// Who a peer is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    /// Whether TLS is spoken.
    pub(super) secure: bool,
    /// Name or address, IPv6 without brackets.
    pub(super) name: String,
    /// Port, when written.
    pub(super) port: Option<u16>,
}

impl Origin {
    /// `name:port` as it was written, for `Host`.
    pub(super) fn authority(&self) -> String {
        let name =
            if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() };
        match self.port {
            Some(port) => format!("{name}:{port}"),
            None => name,
        }
    }

    /// Scheme and authority.
    pub(super) fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }

    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }
}

/// One upstream. Cheap to share; calls of all workers may run at once, each on its worker's own connections.
pub struct Peer {
    pub(super) client: Arc<Client>,
    pub(super) origin: Origin,
    pub(super) url: Arc<str>,
    /// See [`request_head::host_line`].
    host_line: String,
    /// Whom connections are opened to: the proxy, if there is one.
    addresses: Addresses,
    tls: Option<TlsServer>,
    proxy: Option<Box<Proxy>>,
    /// Scheme and authority in front of each path, where a proxy reads the requests; else empty.
    target_prefix: Box<str>,
    /// Field lines for such a proxy; else empty.
    proxy_fields: Box<str>,
    pool: Arc<Pool>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peer({})", self.url)
    }
}

impl Peer {
    pub(super) fn new(
        client: Arc<Client>,
        origin: Origin,
        at: &torana_config::Pointer,
    ) -> Result<Self, PeerError> {
        let tls = origin.secure.then(|| TlsServer::new(&client, &origin.name, at)).transpose()?;
        let proxy = client.settings.proxies.find(origin.secure, &origin.name, origin.port());
        let proxy = proxy.map(|proxy| Proxy::new(&client, proxy, &origin, at)).transpose()?;
        let (target_prefix, proxy_fields) = match &proxy {
            Some(proxy) if !origin.secure => (origin.url(), proxy.fields.clone()),
            _ => <(String, String)>::default(),
        };
        let addresses = match &proxy {
            Some(proxy) => Addresses::new(&proxy.name, proxy.port),
            None => Addresses::new(&origin.name, origin.port()),
        };
        let pool = Pool::new(
            client.settings.max_idle_per_host,
            client.settings.idle_timeout,
            client.budget.clone(),
        );
        Ok(Self {
            url: origin.url().into(),
            host_line: request_head::host_line(&origin.authority()),
            addresses,
            origin,
            client,
            tls,
            proxy: proxy.map(Box::new),
            target_prefix: target_prefix.into(),
            proxy_fields: proxy_fields.into(),
            pool,
        })
    }

    /// `http://users:8080`: scheme and authority as configured.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Scheme, name and port of the forward proxy through which it is called, if there is one.
    #[must_use]
    pub fn proxy_url(&self) -> Option<&str> {
        self.proxy.as_ref().map(|proxy| proxy.url.as_str())
    }

    /// How many connections of all workers are idle.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.pool.idle()
    }

    /// Sends a request and waits for the head of the answer, and for its body if that is small.
    ///
    /// Method, path, query, header fields and body are taken as they are; `Host`, the fields that delimit the body and
    /// `Accept-Encoding` (see [`CallOptions::decompress`]) are written here, and fields that concern a single
    /// connection (RFC 9110 7.6.1) stay behind, in both directions. The answer's data is always a
    /// [`Data::Body`](torana_core::Data::Body).
    ///
    /// Dropping the future or the body at any point closes the connection. A request is sent a second time only if a
    /// pooled connection ended before the first byte of an answer, and either nothing of the request had been taken
    /// from us, or its method is idempotent and its body whole (RFC 9110 9.2.2).
    ///
    /// # Errors
    /// [`ErrorKind::Connect`], [`ErrorKind::Protocol`], [`ErrorKind::Timeout`], [`ErrorKind::TooLarge`],
    /// [`ErrorKind::BadRequest`] for a path that cannot stand in a request line, and what a streamed request body
    /// reports. An error in the middle of a streamed answer means that it is not complete.
    pub async fn send(
        &self,
        mut request: Request,
        options: &CallOptions,
    ) -> Result<Response, Error> {
        let Redirect::Follow(follow) = &options.redirect else {
            return decompress(self.exchange(&mut request, options).await?, options);
        };
        if follow.send_body && matches!(request.body, Body::Stream(_)) {
            Box::pin(redirect::keep_body(&mut request)).await?;
        }
        let streamed = !request.body.is_empty() && matches!(request.body, Body::Stream(_));
        let mut response = self.exchange(&mut request, options).await?;
        if redirect::is_redirect(response.status) {
            let steps = redirect::follow(self, request, response, follow, options, streamed);
            response = Box::pin(steps).await?;
        }
        decompress(response, options)
    }

    /// One request and its response, whatever its status. Takes the body out of the request, unless it is whole.
    pub(super) async fn exchange(
        &self,
        request: &mut Request,
        options: &CallOptions,
    ) -> Result<Response, Error> {
        let upload = self.upload(request, options)?;
        // A reference into the request would make the future need `Sync` of its body.
        let method = request.method.clone();
        let pooled = if self.client.settings.keep_alive { self.pool.take() } else { None };
        let reused = pooled.is_some();
        let connection = match pooled {
            Some(connection) => connection,
            // Boxed: rare, and its future is large.
            None => Box::pin(self.open()).await?,
        };
        let limit = self.client.settings.response_header_timeout;
        let mut exchange = Exchange::new(connection, upload, limit);
        let mut head = poll_fn(|cx| exchange.poll(cx, &method)).await;
        if let Err(Failure::Silent(_)) = head
            && reused
            && may_repeat(&method, &exchange.upload)
            && exchange.upload.rewind()
        {
            let connection = Box::pin(self.open()).await?;
            exchange = Exchange::new(connection, exchange.upload, limit);
            head = poll_fn(|cx| exchange.poll(cx, &method)).await;
        }
        match head {
            Ok(head) => self.receive(exchange, head),
            Err(failure) => Err(self.error(failure, &exchange.upload)),
        }
    }

    fn upload(&self, request: &mut Request, options: &CallOptions) -> Result<Upload, Error> {
        let delimiter = match &request.body {
            Body::Empty => Delimiter::None,
            Body::Full(bytes) => Delimiter::Length(bytes.len() as u64),
            Body::Stream(stream) => match stream.size_hint().exact() {
                Some(length) => Delimiter::Length(length),
                None => Delimiter::Chunked,
            },
        };
        let settings = &self.client.settings;
        let head = request_head::encode(
            request,
            delimiter,
            HeadOptions {
                host_line: &self.host_line,
                target_prefix: &self.target_prefix,
                proxy_fields: &self.proxy_fields,
                close: !settings.keep_alive,
                accept_encoding: accept_encoding(request, options, settings.compression),
            },
        )?;
        Ok(match &mut request.body {
            Body::Empty => Upload::whole(head, Bytes::new()),
            // Another handle on the same bytes stays in the request, for redirects.
            Body::Full(bytes) => Upload::whole(head, bytes.clone()),
            stream @ Body::Stream(_) => match std::mem::take(stream) {
                Body::Stream(stream) if delimiter != Delimiter::Length(0) => {
                    Upload::streamed(head, stream, delimiter)
                }
                _ => Upload::whole(head, Bytes::new()),
            },
        })
    }

    /// Reads the body as far as it is small, and decides what becomes of the connection.
    fn receive(&self, exchange: Exchange, head: Head) -> Result<Response, Error> {
        let Exchange { connection, upload, sent, refused, .. } = exchange;
        let mut keep_alive = head.keep_alive && self.client.settings.keep_alive && !refused;
        let upload = if sent {
            None
        } else if refused || !head.status.is_success() {
            // Who answers early with a failure does not want the rest (RFC 9112 9.3).
            keep_alive = false;
            None
        } else {
            Some(upload)
        };
        let Head { status, headers, framing, body, .. } = head;
        let body = match (body, framing) {
            (None, Framing::Length(_) | Framing::Chunked | Framing::Close) => {
                let (pool, url) = (Arc::clone(&self.pool), Arc::clone(&self.url));
                let incoming = Incoming::new(connection, framing, upload, keep_alive, pool, url);
                receive_body(incoming, framing)?
            }
            (body, _) => {
                if keep_alive && upload.is_none() && connection.buffer.is_empty() {
                    self.pool.put(connection);
                }
                Body::from_bytes(body.unwrap_or_default())
            }
        };
        Ok(Response::from_body(status, headers, body))
    }

    /// A new connection.
    async fn open(&self) -> Result<Connection, Error> {
        let dial = self.dial();
        let stream = match self.client.settings.dialer_timeout {
            None => dial.await,
            Some(limit) => match tokio::time::timeout(limit, dial).await {
                Ok(stream) => stream,
                Err(_) => {
                    let message = format!("{}: no connection within {limit:?}", self.url);
                    return Err(Error::new(ErrorKind::Timeout, message).retryable());
                }
            },
        };
        let stream = stream.map_err(|error| self.connect_error(error))?;
        let transport = match (&self.proxy, &self.tls) {
            (None, None) => Transport::Tcp(stream),
            (None, Some(tls)) => Transport::Tls(Box::new(tls.handshake(stream, &self.url).await?)),
            (Some(proxy), tls) => proxy.pass(stream, tls.as_ref(), &self.url).await?,
        };
        Ok(Connection::new(transport))
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        let settings = &self.client.settings;
        let addresses = self.addresses.get().await?;
        connect(&addresses, settings.dialer_fallback_delay, settings.dialer_keep_alive).await
    }

    fn connect_error(&self, error: io::Error) -> Error {
        let to = self.proxy.as_ref().map(|proxy| format!(" to the proxy {}", proxy.url));
        let (url, to) = (&self.url, to.unwrap_or_default());
        let message = match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("{url}: connection{to} refused"),
            _ => format!("{url}: cannot connect{to}: {error}"),
        };
        Error::new(ErrorKind::Connect, message).with_source(error).retryable()
    }

    fn error(&self, failure: Failure, upload: &Upload) -> Error {
        let url = &self.url;
        let protocol = |reason: String| Error::new(ErrorKind::Protocol, format!("{url}: {reason}"));
        match failure {
            Failure::Body(error) => error,
            Failure::Silent(error) => {
                let failed = protocol(format!("no response: {error}")).with_source(error);
                if upload.is_untouched() { failed.retryable() } else { failed }
            }
            Failure::Cut(error) => {
                protocol(format!("broken off inside the response's head: {error}"))
                    .with_source(error)
            }
            Failure::Protocol(error) => protocol(error.to_string()),
            Failure::Interim => protocol("too many interim responses".to_owned()),
            Failure::Timeout => {
                let limit = self.client.settings.response_header_timeout.unwrap_or_default();
                Error::new(ErrorKind::Timeout, format!("{url}: no response within {limit:?}"))
            }
        }
    }
}

/// The body as a whole if it is small and has arrived, else as a stream: one that is written slowly must pass as it
/// comes.
fn receive_body(mut incoming: Incoming, framing: Framing) -> Result<Body, Error> {
    if let Framing::Length(length) = framing
        && length <= SMALL_BODY
    {
        // Nobody waits here: whoever takes the stream will.
        let mut cx = Context::from_waker(Waker::noop());
        return Ok(match incoming.poll_whole(&mut cx, length as usize) {
            Poll::Ready(whole) => Body::from_bytes(whole?),
            Poll::Pending => Body::Stream(Box::pin(incoming)),
        });
    }
    if framing == Framing::Chunked
        && let Some(whole) = incoming.take_whole()?
    {
        return Ok(Body::from_bytes(whole));
    }
    Ok(Body::Stream(Box::pin(incoming)))
}

/// Go's rule, which KrakenD inherits: ask for gzip unless the request cares itself.
fn accept_encoding(
    request: &Request,
    options: &CallOptions,
    compression: bool,
) -> Option<&'static str> {
    let asks = compression
        && options.decompress
        && request.method != Method::HEAD
        && !request.headers.contains_key(header::ACCEPT_ENCODING)
        && !request.headers.contains_key(header::RANGE);
    asks.then_some("gzip")
}

/// Whether sending the request again cannot do anything twice: nothing of it has left, or its method is idempotent
/// (RFC 9110 9.2.2).
fn may_repeat(method: &Method, upload: &Upload) -> bool {
    upload.is_untouched() || method.is_idempotent()
}
