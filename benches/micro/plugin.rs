//! What a plugin costs per call, with everything that the host does around it: `test-get-set` reads one header and sets
//! one, `header-edit` sets one on the response.

mod allocations;
mod config;

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    process::ExitCode,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use divan::Bencher;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use torana_config::{ComponentLevel, Diagnostics, Supported, valid::Gateway};
use torana_core::{
    Body, Request, RequestContext, Resources, Response,
    pipeline::{Backend, BoxFuture, BuildContext, Level, Outcome, Pipeline, StepFactory},
};
use torana_wasm::{EndpointHooks, NAMESPACE};

/// Kept over all benches, as by a gateway: one engine.
static RESOURCES: LazyLock<Resources> = LazyLock::new(Resources::default);

fn main() -> ExitCode {
    allocations::main()
}

fn gateway(plugins: &Value) -> Gateway {
    let endpoints = json!([{
        "endpoint": "/user",
        "backend": [{"url_pattern": "/"}],
        "extra_config": { NAMESPACE: plugins }
    }]);
    let supported = vec![Supported { namespace: NAMESPACE, level: ComponentLevel::Endpoint }];
    config::gateway(&endpoints, supported)
}

/// So many times this plugin in front of a backend that answers at once.
fn pipeline(plugin: Value, count: usize) -> Pipeline {
    let gateway = gateway(&Value::Array(vec![plugin; count]));
    let mut diagnostics = Diagnostics::default();
    let mut cx = BuildContext {
        gateway: &gateway,
        level: Level::Endpoint(&gateway.endpoints[0]),
        resources: &RESOURCES,
        upstream: |_, _| None,
        diagnostics: &mut diagnostics,
    };
    let built = EndpointHooks.build_all(&mut cx);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let steps = built.into_iter().map(|built| built.step).collect();
    Pipeline::new(steps, Box::new(Answering))
}

/// One allocation for its future, and those of its response.
struct Answering;

impl Backend for Answering {
    fn call<'a>(&'a self, _: &'a RequestContext, _: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(Ok(response())))
    }
}

fn plugin(name: &str, isolation: &str, config: Value) -> Value {
    json!({"name": name, "source": torana_plugins_build::plugin(name), "config": config,
           "isolation": isolation, "grants": {"log": true}})
}

fn context() -> RequestContext {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    RequestContext::new(1, peer, HeaderValue::from_static("127.0.0.1"), false)
}

fn request() -> Request {
    let mut request = Request::new(Method::GET, "/user");
    for (name, value) in [
        ("host", "gateway.example"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        (
            "authorization",
            "Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        ),
        ("cookie", "session=8f2c1e7a-9b1d-4c57-9b0a-1f6f4f3d2e11"),
        ("x-request-id", "6f1b0a52-3c4d-4c8e-9d52-0c9a5a1f7c10"),
    ] {
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

fn run(bencher: Bencher<'_, '_>, case: impl Into<String>, limit: u64, pipeline: &Pipeline) {
    let cx = context();
    allocations::bench(bencher, case, limit, request, |request| {
        let mut call = pin!(pipeline.run(&cx, request));
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome.expect("the plugin works"),
            Poll::Pending => panic!("these plugins do not wait"),
        }
    });
}

/// What all the others include: the pipeline, and a backend that answers.
#[divan::bench]
fn no_plugin(bencher: Bencher<'_, '_>) {
    run(bencher, "no_plugin", 2, &Pipeline::new(Vec::new(), Box::new(Answering)));
}

/// A hook that gets one header and sets one, warm.
#[divan::bench(args = [1, 16])]
fn get_and_set(bencher: Bencher<'_, '_>, plugins: usize) {
    let plugin = plugin("test-get-set", "pooled", Value::Null);
    let limit = if plugins == 1 { 8 } else { 83 };
    run(bencher, format!("get_and_set {plugins}"), limit, &pipeline(plugin, plugins));
}

/// The same in a new instance for each call.
#[divan::bench]
fn get_and_set_fresh(bencher: Bencher<'_, '_>) {
    let plugin = plugin("test-get-set", "request", Value::Null);
    run(bencher, "get_and_set_fresh", 39, &pipeline(plugin, 1));
}

/// `header-edit` sets one header on the response: the load benchmark's `plugin`.
#[divan::bench(args = ["pooled", "request"])]
fn header_edit_response(bencher: Bencher<'_, '_>, isolation: &str) {
    let config = json!({"response": {"set": {"x-wasm": "1"}}});
    let pipeline = pipeline(plugin("header-edit", isolation, config), 1);
    let limit = if isolation == "pooled" { 6 } else { 37 };
    run(bencher, format!("header_edit_response {isolation}"), limit, &pipeline);
}

fn response() -> Response {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("date", HeaderValue::from_static("Sat, 21 Nov 2026 12:00:00 GMT"));
    Response::from_body(StatusCode::OK, headers, Body::Empty)
}
