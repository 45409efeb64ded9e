//! One client connection: from bytes to requests and back, with hyper.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::graceful::GracefulConnection,
};
use tokio::io::{AsyncRead, AsyncWrite};
use torana_core::{
    Body, Error, ErrorKind, Request, RequestContext, RequestParts, ports::AccessEntry,
};

use crate::{
    body::{Counted, IncomingBody, too_large},
    gzip,
    io::{Busy, Phases, Unread, Watched, watch},
    respond::{self, Answer},
    server::Shared,
    service::Service,
};

/// Most bytes of one stream's answer that wait for a client of HTTP/2. hyper's 400 KiB, times 200 streams, would let
/// each connection that does not read take 80 MiB.
const STREAM_BUFFER: usize = 64 << 10;

/// hyper's own floor for its read buffer, in bytes.
const MIN_BUFFER: usize = 8192;

/// Numbers requests. Each worker draws from its own range, so that they share no counter.
static REQUESTS: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];

/// What one connection knows of its client.
#[derive(Debug, Clone)]
pub struct Peer {
    address: SocketAddr,
    ip_value: HeaderValue,
    tls: bool,
}

impl Peer {
    /// A peer at an address. IPv4 clients of an IPv6 socket appear with their IPv4 address.
    #[must_use]
    pub fn new(address: SocketAddr, tls: bool) -> Self {
        let ip = address.ip().to_canonical();
        Self { address: SocketAddr::new(ip, address.port()), ip_value: ip_value(ip), tls }
    }
}

fn ip_value(ip: IpAddr) -> HeaderValue {
    // The text of an address has only visible characters.
    HeaderValue::try_from(ip.to_string()).unwrap_or(HeaderValue::from_static(""))
}

/// Which protocols a connection may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 and 1.0.
    Http1,
    /// HTTP/2, agreed by ALPN.
    Http2,
    /// HTTP/2 if the client starts with its preface, else HTTP/1 (`use_h2c`).
    Either,
}

/// One connection's state, shared by its requests.
struct Connection {
    shared: Arc<Shared>,
    peer: Peer,
    phases: Option<Arc<Phases>>,
    unread: Unread,
    /// Largest head, in bytes, where hyper does not check it: its builder for both protocols cannot.
    max_header: Option<usize>,
}

/// Serves a connection until it ends, is drained or breaks a time limit.
pub async fn serve<T>(io: T, protocol: Protocol, peer: Peer, shared: Arc<Shared>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = shared.current();
    let timeouts = service.settings.timeouts.clone();
    let max_header = service.settings.max_header_bytes;
    drop(service);
    let limited = [timeouts.idle, timeouts.read, timeouts.read_header, timeouts.write]
        .iter()
        .any(Option::is_some);
    let phases = limited.then(Phases::new);
    let unread = Unread::default();
    let io = TokioIo::new(Watched::new(io, phases.clone(), unread.clone()));
    let limit = {
        let phases = phases.clone();
        async move {
            match phases {
                Some(phases) => watch(phases, timeouts).await,
                None => std::future::pending().await,
            }
        }
    };
    let drain = Drain::new(&shared);
    let connection = Arc::new(Connection {
        shared,
        peer,
        phases,
        unread,
        max_header: (protocol != Protocol::Http1).then_some(max_header),
    });
    let handler = service_fn(move |request: http::Request<Incoming>| {
        let connection = connection.clone();
        async move { Ok::<_, Infallible>(connection.handle(request).await) }
    });
    let buffer = max_header.max(MIN_BUFFER);
    if protocol == Protocol::Http1 {
        let mut builder = hyper::server::conn::http1::Builder::new();
        // As KrakenD's clients know them: `X-Krakend-Completed`.
        builder.max_buf_size(buffer).max_header_size(max_header).title_case_headers(true);
        drive(builder.serve_connection(io, handler), drain, limit).await;
        return;
    }
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(buffer).title_case_headers(true);
    builder
        .http2()
        .max_header_list_size(u32::try_from(max_header).unwrap_or(u32::MAX))
        .max_send_buf_size(STREAM_BUFFER);
    let builder = if protocol == Protocol::Http2 { builder.http2_only() } else { builder };
    drive(builder.serve_connection(io, handler).into_owned(), drain, limit).await;
}

/// Waits for the gateway to drain. Once it has been polled, asking again costs one look at a flag: the task that was
/// polled is woken at the change, whoever asks in between.
struct Drain {
    shared: Arc<Shared>,
    change: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Drain {
    fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), change: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shared.is_draining() {
            return Poll::Ready(());
        }
        match &mut self.change {
            Some(_) => Poll::Pending,
            None => self.change.insert(Box::pin(self.shared.draining())).as_mut().poll(cx),
        }
    }
}

/// Polls a connection; at `drain` it finishes what runs and ends, at `limit` it is dropped.
async fn drive<C>(connection: C, mut drain: Drain, limit: impl Future<Output = ()>)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let (mut connection, mut limit) = (pin!(connection), pin!(limit));
    let mut draining = false;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                if let Err(error) = result {
                    tracing::debug!(%error, "client connection ended");
                }
                return Poll::Ready(());
            }
            if !draining && drain.poll(cx).is_ready() {
                draining = true;
                connection.as_mut().graceful_shutdown();
                continue;
            }
            return limit.as_mut().poll(cx).map(|()| {
                tracing::debug!("client connection broke a time limit");
            });
        }
    })
    .await;
}

impl Connection {
    async fn handle(&self, request: http::Request<Incoming>) -> Answer {
        let service = self.shared.current();
        let (head, body) = request.into_parts();
        let is_http2 = head.version == Version::HTTP_2;
        let mut waits = false;
        if !is_http2 {
            let unread = !http_body::Body::is_end_stream(&body);
            self.unread.set(unread);
            waits = unread && is_not_sent_at_once(&head.headers);
        }
        let is_bodiless = is_http2 && head.method == Method::HEAD;
        let busy = self.phases.as_ref().map(|phases| phases.begin(head.version));
        let entering = Entering::new(self, &service, head, body);
        let (cx, request, close) = match entering {
            Ok(entered) => entered,
            Err(answer) => return *answer,
        };
        let log = self.access_line(&service, &request);
        let gzip = service.settings.gzip && gzip::accepts(&request.headers);
        // A panic anywhere below costs this one request.
        let outcome = AssertUnwindSafe(run(&service, &cx, request)).catch_unwind().await;
        let mut answer = outcome.unwrap_or_else(|panic| {
            self.shared.count_panic();
            panicked(&service, &cx, &*panic)
        });
        if matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
            without_content(&mut answer);
        }
        if gzip {
            gzip::compress(&mut answer);
        }
        if is_bodiless {
            without_body(&mut answer);
        }
        // hyper closes a connection of which it cannot read the next request.
        let close = close || waits && self.unread.get();
        if close || answer.status() == StatusCode::PAYLOAD_TOO_LARGE {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.finish(answer, cx, log, busy)
    }

    fn access_line(&self, service: &Service, request: &Request) -> Option<Line> {
        let settings = &service.settings;
        (settings.access_log && !settings.skip_paths.iter().any(|path| *path == request.path)).then(
            || Line {
                method: request.method.clone(),
                path: request.path.clone(),
                query: request.query.clone(),
            },
        )
    }

    /// Hands the answer to hyper; the access line is written when its last byte is.
    fn finish(
        &self,
        answer: Answer,
        cx: RequestContext,
        line: Option<Line>,
        mut busy: Option<Busy>,
    ) -> Answer {
        if line.is_none() && busy.is_none() && !matches!(answer.body(), Body::Stream(_)) {
            return answer;
        }
        let status = answer.status().as_u16();
        let (parts, body) = answer.into_parts();
        let shared = self.shared.clone();
        let mut end = move |bytes: u64, error: Option<&Error>| {
            drop(busy.take());
            if let Some(line) = &line {
                line.write(&shared, &cx, status, bytes, error);
            }
        };
        let body = match body {
            Body::Stream(stream) => Counted::wrap(stream, end),
            whole => {
                let length = http_body::Body::size_hint(&whole).lower();
                end(length, None);
                whole
            }
        };
        Answer::from_parts(parts, body)
    }
}

/// A plugin may make a 204 or 205 of an answer with a body, which would be taken for the next answer (RFC 9110 8.6, 15.3.5,
/// 15.3.6).
fn without_content(answer: &mut Answer) {
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    *answer.body_mut() = Body::Empty;
}

/// With HTTP/2 hyper would send what an answer to `HEAD` must not have.
fn without_body(answer: &mut Answer) {
    let length = http_body::Body::size_hint(answer.body()).exact();
    if let Some(length) = length
        && !answer.headers().contains_key(header::CONTENT_LENGTH)
    {
        answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    *answer.body_mut() = Body::Empty;
}

/// Whether a body is probably not there yet when its head is: too large for hyper to read it in passing where nobody else
/// has read it, or held back until it is asked for.
fn is_not_sent_at_once(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
        || content_length(headers).is_some_and(|length| length > MIN_BUFFER as u64)
}

async fn run(service: &Service, cx: &RequestContext, mut request: Request) -> Answer {
    let settings = &service.settings;
    if settings.decompress_gzip
        && gzip::is_packed(&request.headers)
        && let Err(error) = gzip::unpack(&mut request, settings.max_payload).await
    {
        return service.failed(&error);
    }
    service.serve(cx, request).await
}

fn panicked(service: &Service, cx: &RequestContext, panic: &(dyn std::any::Any + Send)) -> Answer {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(request_id = cx.id, "a request panicked: {text}");
    service.failed(&Error::new(ErrorKind::Internal, "internal error"))
}

/// What the access line needs after the request is gone.
struct Line {
    method: Method,
    path: String,
    query: String,
}

impl Line {
    fn write(
        &self,
        shared: &Shared,
        cx: &RequestContext,
        status: u16,
        bytes: u64,
        error: Option<&Error>,
    ) {
        let Some(sink) = &shared.access else { return };
        let error = error.map(ToString::to_string);
        sink.record(&AccessEntry {
            time: SystemTime::now(),
            method: self.method.as_str(),
            path: self.path.as_bytes(),
            query: (!self.query.is_empty()).then_some(self.query.as_bytes()),
            status,
            duration: cx.start.elapsed(),
            client_ip: cx.client_ip,
            endpoint: cx.endpoint.get().map(|info| info.path.as_str()),
            bytes,
            request_id: cx.id,
            error: error.as_deref(),
        });
    }
}

/// From hyper's request to ours, with the checks that hyper leaves to its users.
struct Entering;

impl Entering {
    #[expect(clippy::new_ret_no_self, reason = "an entrance, not a value")]
    fn new(
        connection: &Connection,
        service: &Service,
        head: http::request::Parts,
        body: Incoming,
    ) -> Result<(RequestContext, Request, bool), Box<Answer>> {
        let mut headers = head.headers;
        let settings = &service.settings;
        if connection.max_header.is_some_and(|limit| head_size(&head.uri, &headers) > limit) {
            return Err(refused_with(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, ""));
        }
        check_host(&head.uri, head.version, &mut headers).map_err(refused)?;
        if head.version == Version::HTTP_2 {
            join_cookies(&mut headers);
        }
        let chunked = check_framing(&headers).map_err(|()| {
            // RFC 9112 6.1: a coding that is not understood is 501.
            refused_with(StatusCode::NOT_IMPLEMENTED, "error: unknown transfer coding")
        })?;
        let path = head.uri.path();
        if !path.starts_with('/') || head.method == Method::CONNECT {
            return Err(refused("error: malformed request target"));
        }
        if let (Some(limit), Some(length)) = (settings.max_payload, content_length(&headers))
            && length > limit
        {
            let mut answer = service.failed(&too_large());
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return Err(Box::new(answer));
        }
        let peer = &connection.peer;
        let forwarded = service.client_ip.find(peer.address.ip(), &headers);
        let mut cx = RequestContext::new(next_id(), peer.address, peer.ip_value.clone(), peer.tls);
        if let Some(ip) = forwarded {
            cx.client_ip = ip;
            cx.client_ip_value = ip_value(ip);
        }
        let request = Request::from_parts(RequestParts {
            method: head.method,
            path: path.to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            params: torana_core::Params::default(),
            headers,
            pinned: smallvec::SmallVec::new(),
            body: IncomingBody::wrap(
                body,
                settings.max_payload,
                connection.phases.clone(),
                connection.unread.clone(),
            ),
            host: 0,
            written: None,
            rewritten: None,
        });
        Ok((cx, request, chunked))
    }
}

fn next_id() -> u64 {
    let worker = torana_core::worker::index() % REQUESTS.len();
    // The worker's number sits above 2^48 requests: readable as a plain number on the first worker.
    (worker as u64) << 48 | REQUESTS[worker].fetch_add(1, Ordering::Relaxed)
}

fn refused(text: &'static str) -> Box<Answer> {
    refused_with(StatusCode::BAD_REQUEST, text)
}

fn refused_with(status: StatusCode, text: &'static str) -> Box<Answer> {
    let mut answer = respond::plain(status, text);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Box::new(answer)
}

/// RFC 9112 3.2: exactly one valid `Host` with HTTP/1.1. HTTP/2's `:authority` takes its place.
fn check_host(
    uri: &http::Uri,
    version: Version,
    headers: &mut HeaderMap,
) -> Result<(), &'static str> {
    let mut values = headers.get_all(header::HOST).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err("error: more than one Host");
    }
    if let Some(value) = first
        && !is_authority(value.as_bytes())
    {
        return Err("error: malformed Host");
    }
    match (first, uri.authority(), version) {
        (None, None, Version::HTTP_11) => Err("error: no Host"),
        // The target's authority wins over Host (RFC 9112 3.2.2), and HTTP/2 has nothing else.
        (_, Some(authority), _) => {
            // What names a user is no host, and would be passed on as one (RFC 9110 4.2.4, RFC 9113 8.3.1).
            if !is_authority(authority.as_str().as_bytes()) {
                return Err("error: malformed authority");
            }
            let value =
                HeaderValue::try_from(authority.as_str()).map_err(|_| "error: malformed Host")?;
            if version >= Version::HTTP_2 && first.is_some_and(|host| *host != value) {
                return Err("error: Host differs from :authority");
            }
            headers.insert(header::HOST, value);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// RFC 9113 8.2.3: clients of HTTP/2 may send each cookie in a field of its own; where HTTP/1.1 follows they are joined.
fn join_cookies(headers: &mut HeaderMap) {
    let mut fields = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (fields.next(), fields.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for field in std::iter::once(second).chain(fields) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(field.as_bytes());
    }
    // Valid values stay valid when they are joined.
    if let Ok(joined) = HeaderValue::from_maybe_shared(bytes::Bytes::from(joined)) {
        headers.insert(header::COOKIE, joined);
    }
}

/// RFC 9110 7.2: `uri-host [ ":" port ]`; may be empty.
fn is_authority(value: &[u8]) -> bool {
    let (host, port) = match memchr::memrchr(b':', value) {
        // The last colon inside brackets belongs to an IPv6 address.
        Some(colon) if !value.ends_with(b"]") => (&value[..colon], &value[colon + 1..]),
        _ => (value, &b""[..]),
    };
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let valid = match host.strip_prefix(b"[") {
        Some(address) => address.strip_suffix(b"]").is_some_and(|address| {
            !address.is_empty() && address.iter().all(|byte| *byte == b':' || in_name(byte))
        }),
        None => host.iter().all(in_name),
    };
    valid && port.iter().all(u8::is_ascii_digit)
}

/// Whether the body is chunked. hyper has refused bad combinations; stacked and unknown codings are refused here.
/// The caller closes the connection after a chunked request: hyper reads by `Transfer-Encoding` and hides whether a
/// `Content-Length` stood beside it, and in that case nothing after the request can be trusted (RFC 9112 6.1).
fn check_framing(headers: &HeaderMap) -> Result<bool, ()> {
    // Most requests have none: one look at each name is cheaper than a look-up.
    if !headers.keys().any(|name| *name == header::TRANSFER_ENCODING) {
        return Ok(false);
    }
    let mut values = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if value.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(()),
    }
}

/// Bytes of a head as HTTP/1 would write it.
fn head_size(uri: &http::Uri, headers: &HeaderMap) -> usize {
    let target = uri.path_and_query().map_or(1, |target| target.as_str().len());
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
        + target
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
