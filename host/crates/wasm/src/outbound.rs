//! Requests of plugins to other services, through the gateway's own client.

use std::{
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Uri};
use tokio::runtime::Handle;
use torana_core::{
    Body, Data, Error, ErrorKind, Request, RequestContext, Response, pipeline::Backend,
};

use crate::{fiber::Task, grants::Origin, output, plugin::Facts};

/// Longest time that a plugin may wait for the head of an answer, or the next piece of it.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// The services that a plugin may call.
#[derive(Default, Clone)]
pub(crate) struct Upstreams(Vec<(Origin, Arc<dyn Backend>)>);

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(origin, _)| origin)).finish()
    }
}

/// Equal if the very same upstreams are called: these change with the client's settings.
impl Hash for Upstreams {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (origin, upstream) in &self.0 {
            origin.hash(state);
            Arc::as_ptr(upstream).cast::<()>().hash(state);
        }
    }
}

impl Upstreams {
    /// Adds one.
    pub(crate) fn add(&mut self, origin: Origin, upstream: Arc<dyn Backend>) {
        self.0.push((origin, upstream));
    }

    /// The one for a URL.
    ///
    /// # Errors
    /// If its origin is not granted.
    pub(crate) fn find(&self, uri: &Uri) -> Result<&Arc<dyn Backend>, Refused> {
        let origin = Origin::of(uri).map_err(|error| Refused::Invalid(error.to_string()))?;
        let found = self.0.iter().find(|(granted, _)| *granted == origin);
        found.map(|(_, upstream)| upstream).ok_or(Refused::Denied(origin))
    }
}

/// What the request of a plugin is about: no client asks.
pub(crate) fn nobody(request_id: u64) -> RequestContext {
    let peer = SocketAddr::from(([0, 0, 0, 0], 0));
    RequestContext::new(request_id, peer, HeaderValue::from_static("0.0.0.0"), false)
}

/// Why a request is not sent at all.
pub(crate) enum Refused {
    Invalid(String),
    Denied(Origin),
}

/// Says in the log where a plugin may not send a request to: what a guest's own library makes of the refusal, such as
/// "network error", helps nobody.
pub(crate) fn log_denied(facts: &Facts, request_id: u64, origin: &Origin) {
    if output::may_log(facts) {
        tracing::warn!(
            plugin = %facts.name,
            request_id,
            "the plugin may not send requests to {}: `grants.http` does not name it", origin.as_str()
        );
    }
}

/// A request with what bounds it.
pub(crate) struct Outgoing {
    pub(crate) request: Request,
    pub(crate) timeout: Duration,
    /// Largest body of the answer, in bytes.
    pub(crate) limit: usize,
}

impl Outgoing {
    /// A request without headers and body.
    pub(crate) fn new(method: Method, uri: &Uri, timeout: Duration, limit: usize) -> Self {
        let mut request = Request::new(method, uri.path());
        request.query = uri.query().unwrap_or_default().to_owned();
        Self { request, timeout, limit }
    }

    /// Sends it from the worker's runtime, wherever the guest runs. The answer's body is whole.
    pub(crate) fn send(
        self,
        runtime: &Handle,
        request_id: u64,
        upstream: Arc<dyn Backend>,
    ) -> Task<Result<(Response, Bytes), Error>> {
        Task::spawn(runtime, async move {
            let cx = nobody(request_id);
            let exchange = async {
                let mut response = upstream.call(&cx, self.request).await?;
                let body = match std::mem::replace(&mut response.data, Data::Body(Body::Empty)) {
                    Data::Body(body) => body.collect(self.limit).await?,
                    Data::Entity(object) => object.map_or(Bytes::new(), |object| object.to_bytes()),
                };
                Ok((response, body))
            };
            tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Timeout, "no answer within the request's time"))
            })
        })
    }
}
