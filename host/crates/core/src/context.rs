//! Everything about a request that does not change while it is served.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use http::HeaderValue;
use tokio::time::Instant;

/// The facts of one request, shared by all steps and all its backends. Owned by the request's task and borrowed below
/// it; what outlives the request (shadow calls) takes a clone.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Number of the request in this process, for logs and plugins.
    pub id: u64,
    /// When its head had arrived.
    pub start: Instant,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// Who asks: the peer, or whom trusted forwarding headers name.
    pub client_ip: IpAddr,
    /// `client_ip` as a header value, made once per connection.
    pub client_ip_value: HeaderValue,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The endpoint, once routed.
    pub endpoint: OnceLock<Arc<EndpointInfo>>,
    /// State that plugins of one request hand from hook to hook: (plugin, key) → value. Made by the first plugin.
    pub shared: OnceLock<Arc<std::sync::Mutex<SharedState>>>,
}

impl RequestContext {
    /// A request that begins now, from a peer that asks for itself; `ip` is the peer's address as a header value.
    #[must_use]
    pub fn new(id: u64, peer: SocketAddr, ip: HeaderValue, tls: bool) -> Self {
        Self {
            id,
            start: Instant::now(),
            peer,
            client_ip: peer.ip(),
            client_ip_value: ip,
            tls,
            endpoint: OnceLock::new(),
            shared: OnceLock::new(),
        }
    }
}

/// See [`RequestContext::shared`].
pub type SharedState = std::collections::HashMap<(Arc<str>, String), Vec<u8>>;

/// What steps and logs may want to know of an endpoint.
#[derive(Debug)]
pub struct EndpointInfo {
    /// Path as configured: `/users/{id}`.
    pub path: String,
    /// Method as configured.
    pub method: http::Method,
    /// Time limit of the whole exchange.
    pub timeout: std::time::Duration,
}
