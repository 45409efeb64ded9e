//! Pipelines with real components in them, seen from outside.

mod bodies;
mod chaos;
mod faults;
mod gateway;
mod go;
mod hooks;
mod hostile;
mod inspect;
mod refusals;
mod shared;
mod state;
mod versions;
mod wasi_http;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use torana_config::{Diagnostic, Diagnostics};
use torana_core::{
    Body, EndpointInfo, Request, RequestContext, Resources, Response,
    pipeline::{Backend, BoxFuture, BuildContext, Built, Level, Outcome, Pipeline},
};

use crate::{cache::Cache, factory, plugin::Plugin};

/// Compiled code of this test run.
static CACHE: LazyLock<TempDir> = LazyLock::new(|| {
    // Made with mode 0700, as the cache wants it.
    TempDir::new().expect("a temporary directory")
});

/// Which level a pipeline is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Service,
    Endpoint,
    Backend,
    /// A backend whose answers are not decoded.
    NoOpBackend,
}

/// The configuration of one built plugin, with more keys.
fn plugin(name: &str, more: Value) -> Value {
    // Time enough on a machine that does other things beside.
    let limits = json!({"timeout": "5s"});
    let source = torana_plugins_build::plugin(name);
    let mut value = json!({"name": name, "source": source, "limits": limits});
    for (key, more) in more.as_object().expect("an object") {
        value[key] = more.clone();
    }
    value
}

/// The steps for these plugins, or what is wrong.
fn build(at: At, plugins: Value, resources: &Resources) -> Result<Vec<Built>, Vec<Diagnostic>> {
    with_context(at, plugins, resources, factory::build_all)
}

/// What runs for a plugin at endpoint level.
fn start(value: Value, resources: &Resources) -> Arc<Plugin> {
    with_context(At::Endpoint, json!([]), resources, |cx, cache| factory::start(&value, cx, cache))
        .expect("a valid configuration")
}

fn with_context<T>(
    at: At,
    plugins: Value,
    resources: &Resources,
    work: impl FnOnce(&mut BuildContext<'_>, &Cache) -> T,
) -> Result<T, Vec<Diagnostic>> {
    with_cache(at, plugins, resources, &Cache::at(CACHE.path().to_owned()), work)
}

fn with_cache<T>(
    at: At,
    plugins: Value,
    resources: &Resources,
    cache: &Cache,
    work: impl FnOnce(&mut BuildContext<'_>, &Cache) -> T,
) -> Result<T, Vec<Diagnostic>> {
    let gateway = gateway::gateway(at, plugins);
    let mut diagnostics = Diagnostics::default();
    let endpoint = &gateway.endpoints[0];
    let level = match at {
        At::Service => Level::Service,
        At::Endpoint => Level::Endpoint(endpoint),
        At::Backend | At::NoOpBackend => Level::Backend(endpoint, &endpoint.backends[0]),
    };
    let mut cx = BuildContext {
        gateway: &gateway,
        level,
        resources,
        upstream: |_, _| Some(Arc::new(Nowhere)),
        diagnostics: &mut diagnostics,
    };
    let done = work(&mut cx, cache);
    if diagnostics.is_empty() { Ok(done) } else { Err(diagnostics.iter().cloned().collect()) }
}

/// What is wrong with these plugins, when exactly one thing is.
fn refusal(at: At, plugins: Value) -> Diagnostic {
    match build(at, plugins, &Resources::default()) {
        Ok(_) => panic!("the plugins were accepted"),
        Err(mut diagnostics) if diagnostics.len() == 1 => diagnostics.remove(0),
        Err(diagnostics) => panic!("more than one finding: {diagnostics:?}"),
    }
}

/// A service that nobody reaches.
struct Nowhere;

impl Backend for Nowhere {
    fn call<'a>(&'a self, _: &'a RequestContext, _: Request) -> BoxFuture<'a, Outcome> {
        let error = torana_core::Error::new(torana_core::ErrorKind::Connect, "nowhere");
        Box::pin(std::future::ready(Err(error)))
    }
}

/// Plugins in front of a backend that records requests and gives a fixed answer.
struct Scene {
    pipeline: Pipeline,
    upstream: Arc<Upstream>,
}

struct Upstream {
    seen: Mutex<Vec<Request>>,
    answer: Box<dyn Fn() -> Response + Send + Sync>,
}

struct Leaf(Arc<Upstream>);

impl Backend for Leaf {
    fn call<'a>(&'a self, _: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        self.0.seen.lock().unwrap().push(request);
        let answer = (self.0.answer)();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl Scene {
    fn new(at: At, plugins: Value) -> Self {
        Self::answering(at, plugins, || ok("hello"))
    }

    fn answering(
        at: At,
        plugins: Value,
        answer: impl Fn() -> Response + Send + Sync + 'static,
    ) -> Self {
        let built = build(at, plugins, &Resources::default()).expect("a valid configuration");
        Self::from_steps(built, answer)
    }

    fn from_steps(
        built: Vec<Built>,
        answer: impl Fn() -> Response + Send + Sync + 'static,
    ) -> Self {
        let upstream = Arc::new(Upstream { seen: Mutex::default(), answer: Box::new(answer) });
        let steps = built.into_iter().map(|built| built.step).collect();
        let pipeline = Pipeline::new(steps, Box::new(Leaf(Arc::clone(&upstream))));
        Self { pipeline, upstream }
    }

    fn run(&self, request: Request) -> Outcome {
        block_on(self.pipeline.run(&context(), request))
    }

    /// The only request that has reached the backend since the last look.
    fn seen(&self) -> Request {
        let mut seen = self.upstream.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "requests at the backend");
        seen.remove(0)
    }

    fn reached_backend(&self) -> usize {
        self.upstream.seen.lock().unwrap().len()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

fn context() -> RequestContext {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut cx = RequestContext::new(42, peer, HeaderValue::from_static("192.0.2.7"), false);
    cx.client_ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let info = EndpointInfo {
        path: "/users/{id}".into(),
        method: Method::GET,
        timeout: Duration::from_secs(2),
    };
    cx.endpoint.set(Arc::new(info)).expect("set once");
    cx
}

fn get(headers: &[(&str, &str)]) -> Request {
    let mut request = Request::new(Method::GET, "/users/7");
    request.query = "a=1".into();
    for (name, value) in headers {
        request.headers.append(
            HeaderName::from_bytes(name.as_bytes()).expect("a name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    request
}

fn ok(body: &'static str) -> Response {
    Response::from_body(
        StatusCode::OK,
        HeaderMap::new(),
        Body::from_bytes(Bytes::from_static(body.as_bytes())),
    )
}

/// All values of a header.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().expect("text")).collect()
}
