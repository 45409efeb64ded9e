//! `wasi:http/outgoing-handler`: requests to granted origins, through the gateway's own client.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, header, request::Parts};
use http_body::{Body as _, Frame, SizeHint};
use tokio::runtime::Handle;
use torana_core::{
    Body, Data, Error as CoreError, ErrorKind, Request, ResponseParts, headers::strip_hop_by_hop,
    pipeline::Backend,
};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::body::{self, Incoming};
use crate::{
    fiber::Task,
    outbound::{LONGEST, Refused, log_denied, nobody},
    plugin::Facts,
};

/// Bytes of one piece of a body that a guest writes. Few pieces are held at a time.
const CHUNK: usize = 32 << 10;

type Answer = Result<http::Response<WasiBody>, Error>;
/// Errors that come once an answer is there: they are in its body.
type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// What a guest may send, and has sent.
pub(super) struct Outbound {
    facts: Arc<Facts>,
    request_id: u64,
    /// The worker's: what a guest waits for stays there. `None` in trials, which send nothing.
    runtime: Option<Handle>,
    calls: u32,
}

impl Outbound {
    /// For the guest of one request.
    pub(super) fn new(facts: Arc<Facts>, request_id: u64, runtime: Option<Handle>) -> Self {
        Self { facts, request_id, runtime, calls: 0 }
    }

    fn begin(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Task<Answer>, Error> {
        let (parts, body) = request.into_parts();
        let upstream = self.facts.upstreams.find(&parts.uri).map_err(|refused| match refused {
            Refused::Invalid(_) => Error::HttpRequestUriInvalid,
            Refused::Denied(origin) => {
                log_denied(&self.facts, self.request_id, &origin);
                Error::HttpRequestDenied
            }
        })?;
        if parts.method == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        if self.calls >= self.facts.limits.calls {
            return Err(Error::ConnectionLimitReached);
        }
        let runtime = self.runtime.clone().ok_or(Error::ConfigurationError)?;
        self.calls += 1;
        let request = outgoing(parts, body);
        let answer = send(
            Arc::clone(upstream),
            request,
            self.request_id,
            options.unwrap_or_default(),
            runtime.clone(),
        );
        Ok(Task::spawn(&runtime, answer))
    }
}

impl WasiHttpHooks for Outbound {
    /// The client names the host.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Rest), Error>> + Send> {
        let task = self.begin(request, options);
        Box::new(async move {
            let answer = task?.end().await?;
            Ok((answer, Box::new(async { Ok(()) }) as Rest))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// The request as the gateway's client takes it.
fn outgoing(parts: Parts, body: WasiBody) -> Request {
    let mut request = Request::new(parts.method, parts.uri.path());
    request.query = parts.uri.query().unwrap_or_default().to_owned();
    let length = length(&parts.headers);
    request.headers = parts.headers;
    clean(&mut request.headers);
    request.body = if body.is_end_stream() {
        Body::Empty
    } else {
        Body::Stream(Box::pin(Upload { body, length }))
    };
    request
}

/// Takes away what the gateway says itself: the connection's fields and framing.
pub(super) fn clean(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::HOST);
}

/// The length that a guest has announced; it is held to it.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn send(
    upstream: Arc<dyn Backend>,
    request: Request,
    request_id: u64,
    options: RequestOptions,
    runtime: Handle,
) -> Answer {
    let limit = options.first_byte_timeout.map_or(LONGEST, |limit| limit.min(LONGEST));
    let cx = nobody(request_id);
    let response = tokio::time::timeout(limit, upstream.call(&cx, request))
        .await
        .map_err(|_| Error::HttpResponseTimeout)?
        .map_err(|error| body::code(&error))?;
    let ResponseParts { status, headers, data, .. } = response.into_parts();
    let body = match data {
        Data::Body(body) => body,
        Data::Entity(object) => object.map_or(Body::Empty, |o| Body::from_bytes(o.to_bytes())),
    };
    let patience = options.between_bytes_timeout.map_or(LONGEST, |limit| limit.min(LONGEST));
    let body = WasiBody::new(Incoming::new(body, &runtime, Some(patience)));
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// The body of a guest's request.
struct Upload {
    body: WasiBody,
    length: Option<u64>,
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = CoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CoreError>>> {
        let broken = |error: Error| {
            CoreError::new(ErrorKind::Plugin, "the plugin broke its request off").with_source(error)
        };
        Pin::new(&mut self.body).poll_frame(task).map_err(broken)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(|| self.body.size_hint(), SizeHint::with_exact)
    }
}
