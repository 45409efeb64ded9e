//! Calls to upstreams over HTTP/1.1: connection pools, TLS, strict reading of answers, redirects, decompression.
//!
//! [`Client`] holds what all upstreams share, [`Peer`] is one upstream, [`Peer::send`] is one call. It is written by
//! hand instead of taken from hyper because a gateway's calls are known in advance: an upstream is resolved when the
//! configuration is built, its pool is found by index, and a small answer is one buffer. HTTP/2 to upstreams does not
//! exist, as in KrakenD (reference 2.2).

pub mod chunked;
mod connect;
mod connection;
mod decompress;
mod exchange;
mod handshake;
mod incoming;
mod options;
mod peer;
mod pool;
mod proxy;
mod redirect;
mod request_head;
mod resolve;
pub mod response_head;
mod spare;
#[cfg(test)]
mod tests;
mod tls;
mod upload;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

pub use options::{CallOptions, DECOMPRESSED_LIMIT, Follow, Redirect};
use peer::Origin;
pub use peer::Peer;
use pool::IdleBudget;
pub use tls::PeerError;
use tls::{Tls, TlsFiles};
use torana_config::{
    Pointer,
    valid::{ClientSettings, ClientTls, Host, Proxies},
};
use torana_core::Resources;

/// The parts of [`ClientSettings`] that calls look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Settings {
    keep_alive: bool,
    compression: bool,
    max_idle: Option<usize>,
    max_idle_per_host: usize,
    idle_timeout: Option<Duration>,
    response_header_timeout: Option<Duration>,
    dialer_timeout: Option<Duration>,
    dialer_keep_alive: Duration,
    dialer_fallback_delay: Duration,
    proxies: Proxies,
}

impl Settings {
    fn new(settings: &ClientSettings) -> Self {
        Self {
            keep_alive: !settings.disable_keep_alives,
            compression: !settings.disable_compression,
            max_idle: settings.max_idle_connections,
            max_idle_per_host: settings.max_idle_connections_per_host,
            idle_timeout: settings.idle_connection_timeout,
            response_header_timeout: settings.response_header_timeout,
            dialer_timeout: settings.dialer_timeout,
            dialer_keep_alive: settings.dialer_keep_alive,
            dialer_fallback_delay: settings.dialer_fallback_delay,
            proxies: settings.proxies.clone(),
        }
    }
}

/// What all upstreams with equal settings share: limits, TLS, and the list of upstreams. Lives as long as one of its
/// peers, so pools outlive a reload that does not change their settings or the files that these name.
pub struct Client {
    settings: Settings,
    tls: Tls,
    budget: Option<Arc<IdleBudget>>,
    /// Looked at when a configuration is built and when a redirect leads to another host.
    peers: Mutex<HashMap<Origin, Weak<Peer>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.settings.fmt(f)
    }
}

impl Client {
    /// The client for these settings: the one in use if there is one with the same settings and the same contents of
    /// TLS files, else a new one. Reads those files.
    ///
    /// # Errors
    /// Files that cannot be read or used, and TLS settings that leave nothing to choose from.
    pub fn shared(
        resources: &Resources,
        settings: &ClientSettings,
    ) -> Result<Arc<Self>, PeerError> {
        let files = settings.tls.as_ref().map(TlsFiles::read).transpose()?;
        let key = (Settings::new(settings), tls_key(settings.tls.as_ref(), files.as_ref()));
        resources.get_or_try_make(&key, || {
            let settings_only = Settings::new(settings);
            Ok(Self {
                budget: settings_only.max_idle.map(IdleBudget::new),
                settings: settings_only,
                tls: Tls::new(settings.tls.as_ref(), files)?,
                peers: Mutex::default(),
            })
        })
    }

    /// The upstream at a host. Equal scheme, name and port give the same upstream and so the same pool. The host's
    /// base path is the caller's business.
    ///
    /// # Errors
    /// A scheme other than `http` and `https`, a name that cannot stand in a request, and for HTTPS the lack of
    /// authorities to trust.
    pub fn peer(self: &Arc<Self>, host: &Host) -> Result<Arc<Peer>, PeerError> {
        let secure = match host.scheme.as_str() {
            "http" => false,
            "https" => true,
            other => {
                let message = format!("scheme `{other}` is not one of `http` and `https`");
                return Err(PeerError::new("invalid-host", &host.at, message));
            }
        };
        let origin = Origin { secure, name: host.name.clone(), port: host.port };
        self.peer_at(origin, &host.at)
    }

    fn peer_at(self: &Arc<Self>, origin: Origin, at: &Pointer) -> Result<Arc<Peer>, PeerError> {
        let valid = |byte: u8| byte.is_ascii_graphic() && !b"/?#@\\[]".contains(&byte);
        if origin.name.is_empty() || !origin.name.bytes().all(valid) {
            let message = format!("`{}` is not the name of a host", origin.name.escape_debug());
            return Err(PeerError::new("invalid-host", at, message));
        }
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get(&origin).and_then(Weak::upgrade) {
            return Ok(peer);
        }
        let peer = Arc::new(Peer::new(Arc::clone(self), origin.clone(), at)?);
        if peers.len() == peers.capacity() {
            peers.retain(|_, peer| peer.strong_count() > 0);
        }
        peers.insert(origin, Arc::downgrade(&peer));
        Ok(peer)
    }
}

/// All that TLS depends on, except where it stands in the file.
fn tls_key(settings: Option<&ClientTls>, files: Option<&TlsFiles>) -> Option<impl Hash + use<>> {
    let settings = settings?;
    let mut contents = DefaultHasher::new();
    if let Some(files) = files {
        files.hash(&mut contents);
    }
    Some((
        settings.allow_insecure_connections,
        settings.system_ca_pool,
        settings.min_version,
        settings.max_version,
        settings.cipher_suites.clone(),
        settings.curve_preferences.clone(),
        contents.finish(),
    ))
}
