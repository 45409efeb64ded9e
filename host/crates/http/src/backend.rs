//! The plain HTTP backend: the leaf of most pipelines.

use std::{borrow::Cow, convert::Infallible, path::PathBuf, sync::Arc};

use torana_config::{
    Diagnostic, Diagnostics, Pointer, config, read,
    valid::{
        Backend as Config, ClientSettings, ClientTls, Encoding, Endpoint, ForwardProxy, Gateway,
        Host, Proxies,
    },
};
use torana_core::{
    Error, ErrorKind, Request, RequestContext, Resources,
    pipeline::{Backend, BoxFuture, BuildContext, Built, Filter, Flow, Level, Outcome, Step},
};

use crate::{
    balance::{self, Balancer},
    client::{CallOptions, Client, Peer, Redirect},
};

/// Namespace of [`HttpClientConfig`].
pub const NAMESPACE: &str = "backend/http/client";

config! {
    /// `backend/http/client`: how one backend is called.
    pub struct HttpClientConfig {
        /// Give redirects to the client instead of following them.
        "no_redirect" no_redirect: bool = false,
        /// Send the body again when a redirect (307, 308) is followed.
        "send_body_on_redirect" send_body_on_redirect: bool = false,
        /// TLS towards this backend. It takes the place of the root's `client_tls`; nothing of that is inherited.
        "client_tls" client_tls: Option<ClientTls> = None,
        /// A forward proxy through which this backend is called, such as `http://user:password@proxy.example:3128`.
        /// It takes the place of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment.
        "proxy_address" proxy_address: Option<ForwardProxy> = None,
    }
}

/// An HTTP backend and the step that chooses its host.
pub struct HttpBackend {
    /// The leaf.
    pub leaf: Box<dyn Backend>,
    /// Chooses the host; `None` with a single one.
    pub balancing: Option<Built>,
    /// What `explain` says of the leaf.
    pub detail: String,
}

/// Builds the HTTP backend of the context's level; problems go to its diagnostics.
pub fn build(cx: &mut BuildContext<'_>) -> Option<HttpBackend> {
    let Level::Backend(_, backend) = cx.level else { return None };
    let config = client_config(backend, cx.diagnostics);
    if backend.hosts.is_empty() {
        // Hosts that are there but wrong were reported when they were read.
        if cx.diagnostics.has_errors() {
            return None;
        }
        cx.report(
            Diagnostic::error("no-host", backend.at.clone(), "the backend has no host")
                .help("add `host` to the backend or to the root of the file"),
        );
        return None;
    }
    let settings = client_settings(&cx.gateway.client, config.as_ref());
    let client = match Client::shared(cx.resources, &settings) {
        Ok(client) => client,
        Err(error) => {
            cx.report(error.into_diagnostic());
            return None;
        }
    };
    let mut peers = Vec::new();
    for host in &backend.hosts {
        match client.peer(host) {
            Ok(peer) => peers.push(Upstream { peer, base_path: host.base_path.clone() }),
            Err(error) => cx.report(error.into_diagnostic()),
        }
    }
    if peers.len() < backend.hosts.len() {
        return None;
    }
    let places: Vec<_> = peers.iter().map(|upstream| place(&upstream.peer)).collect();
    let detail = places.join(", ");
    let balancing_config =
        Balancer::configure(cx.component(balance::NAMESPACE).cloned().as_ref(), cx.diagnostics);
    let balancer =
        (peers.len() > 1).then(|| Arc::new(Balancer::new(&balancing_config, peers.len())));
    let balancing = balancer.clone().map(|balancer| Built {
        step: Step::Filter(Box::new(Choose(balancer))),
        detail: format!("{} over {detail}", balancing_config.strategy.word()),
        at: Some(host_pointer(backend)),
    });
    let options = call_options(backend, config.as_ref());
    let leaf = Box::new(Leaf { peers: peers.into(), balancer, options });
    Some(HttpBackend { leaf, balancing, detail })
}

/// The call to a host that is no backend's: one that a plugin may ask, with the service's settings. Redirects are
/// answers like others. Equal upstreams are one as long as one is in use.
pub fn upstream(cx: &mut BuildContext<'_>, host: &Host) -> Option<Arc<dyn Backend>> {
    let client = Client::shared(cx.resources, &cx.gateway.client);
    match client.and_then(|client| client.peer(host)) {
        Ok(peer) => Some(single(cx.resources, peer, &host.base_path)),
        Err(error) => {
            cx.report(error.into_diagnostic());
            None
        }
    }
}

fn single(resources: &Resources, peer: Arc<Peer>, base_path: &str) -> Arc<dyn Backend> {
    // A peer is one per host and settings, and lives as long as the leaf that is found under its address.
    let key = (Arc::as_ptr(&peer) as usize, base_path);
    let make = || {
        let upstream = Upstream { peer: Arc::clone(&peer), base_path: base_path.to_owned() };
        let options = CallOptions { redirect: Redirect::Pass, ..CallOptions::default() };
        Ok::<_, Infallible>(Leaf { peers: [upstream].into(), balancer: None, options })
    };
    match resources.get_or_try_make(&key, make) {
        Ok(leaf) => leaf,
        Err(never) => match never {},
    }
}

fn place(peer: &Peer) -> Cow<'_, str> {
    match peer.proxy_url() {
        None => Cow::Borrowed(peer.url()),
        Some(proxy) => Cow::Owned(format!("{} through {proxy}", peer.url())),
    }
}

fn host_pointer(backend: &Config) -> Pointer {
    backend.hosts.first().map_or_else(|| backend.at.clone(), |host| host.at.clone())
}

fn client_config(backend: &Config, out: &mut Diagnostics) -> Option<HttpClientConfig> {
    let component = backend.extra.get(NAMESPACE)?;
    read(&component.value, &component.at, out)
}

/// The service's settings with what this backend says otherwise.
fn client_settings<'a>(
    service: &'a ClientSettings,
    config: Option<&HttpClientConfig>,
) -> Cow<'a, ClientSettings> {
    let mut settings = Cow::Borrowed(service);
    let Some(config) = config else { return settings };
    if let Some(tls) = &config.client_tls {
        settings.to_mut().tls = Some(tls.clone());
    }
    if let Some(proxy) = &config.proxy_address {
        settings.to_mut().proxies = Proxies::all(proxy);
    }
    settings
}

fn call_options(backend: &Config, config: Option<&HttpClientConfig>) -> CallOptions {
    let redirect = match config {
        Some(config) if config.no_redirect => Redirect::Pass,
        config => Redirect::follow(config.is_some_and(|config| config.send_body_on_redirect)),
    };
    CallOptions {
        // `no-op` passes bytes on as they come.
        decompress: backend.encoding != Encoding::NoOp,
        redirect,
        ..CallOptions::default()
    }
}

/// The files that `client_tls` of single backends name.
#[must_use]
pub fn watched_files(gateway: &Gateway) -> Vec<PathBuf> {
    let mut files = Vec::new();
    gateway.endpoints.iter().for_each(|endpoint| add_files(endpoint, &mut files));
    files.sort();
    files.dedup();
    files
}

fn add_files(endpoint: &Endpoint, files: &mut Vec<PathBuf>) {
    for backend in &endpoint.backends {
        // Its problems were reported when the configuration was built.
        let config = client_config(backend, &mut Diagnostics::default());
        if let Some(tls) = config.and_then(|config| config.client_tls) {
            files.extend(tls.files().map(PathBuf::from));
        }
        if let Some(workflow) = &backend.workflow {
            add_files(&workflow.endpoint, files);
        }
    }
}

struct Choose(Arc<Balancer>);

impl Filter for Choose {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        request.host = self.0.choose();
        Ok(Flow::Continue)
    }
}

struct Upstream {
    peer: Arc<Peer>,
    base_path: String,
}

struct Leaf {
    peers: Box<[Upstream]>,
    balancer: Option<Arc<Balancer>>,
    options: CallOptions,
}

impl Backend for Leaf {
    fn call<'a>(&'a self, _: &'a RequestContext, mut request: Request) -> BoxFuture<'a, Outcome> {
        // The index comes from this backend's own balancer; a plugin cannot set it.
        let Some(upstream) = self.peers.get(request.host) else {
            let error = Error::new(ErrorKind::Unavailable, "no hosts available");
            return Box::pin(std::future::ready(Err(error)));
        };
        if !upstream.base_path.is_empty() {
            request.path.insert_str(0, &upstream.base_path);
        }
        match &self.balancer {
            // The bare call: one future, no bookkeeping.
            None => Box::pin(upstream.peer.send(request, &self.options)),
            Some(balancer) => {
                let call = balancer.begin(request.host);
                Box::pin(async move {
                    let outcome = upstream.peer.send(request, &self.options).await;
                    call.end(outcome.is_ok());
                    outcome
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
