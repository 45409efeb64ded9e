//! What the gateway does with one request between its head and its answer, without a network: router, all steps of the
//! tables that the program uses, merging, rendering. Backends answer from memory, at once.
//!
//! Of the allocations, each backend's answer takes three itself (its future, its header map).

mod allocations;
mod config;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    process::ExitCode,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use divan::Bencher;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use torana::wiring::{self, Row};
use torana_config::{
    Diagnostics,
    valid::{Endpoint as Config, Gateway},
};
use torana_core::{
    Body, EndpointInfo, Request, RequestContext, Resources, Response,
    merge::{Branch, Parallel},
    pipeline::{Backend, BoxFuture, BuildContext, Level, Outcome, Pipeline, Step},
    step,
};
use torana_http::{
    endpoint::Endpoint,
    respond::{Answer, Rendering},
    service::Service,
};

const USER: &[u8] = include_bytes!("../bodies/user.json");
const STOCK: &[u8] = include_bytes!("../bodies/stock.json");
const RATING: &[u8] = include_bytes!("../bodies/rating.json");

fn main() -> ExitCode {
    allocations::main()
}

/// Answers from memory.
struct Memory(Bytes);

impl Backend for Memory {
    fn call<'a>(&'a self, _: &'a RequestContext, _: Request) -> BoxFuture<'a, Outcome> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::SERVER, HeaderValue::from_static("memory"));
        let body = Body::Full(self.0.clone());
        let response = Response::from_body(StatusCode::OK, headers, body);
        Box::pin(std::future::ready(Ok(response)))
    }
}

fn steps(gateway: &Gateway, level: Level<'_>, table: &[Row]) -> Vec<Step> {
    let resources = Resources::default();
    let mut diagnostics = Diagnostics::default();
    let mut cx = BuildContext {
        gateway,
        level,
        resources: &resources,
        upstream: |_, _| None,
        diagnostics: &mut diagnostics,
    };
    let mut steps = Vec::new();
    for row in table {
        if let Row::Step(factory) = row {
            steps.extend(factory.build_all(&mut cx).into_iter().map(|built| built.step));
        }
    }
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    steps
}

fn endpoint(gateway: &Gateway, config: &Config, bodies: &[&'static [u8]]) -> Endpoint {
    let mut pipelines: Vec<Pipeline> = config
        .backends
        .iter()
        .zip(bodies)
        .map(|(backend, body)| {
            let steps = steps(gateway, Level::Backend(config, backend), wiring::BACKEND);
            Pipeline::new(steps, Box::new(Memory(Bytes::from_static(body))))
        })
        .collect();
    let leaf: Box<dyn Backend> = if let [_] = &*pipelines {
        Box::new(pipelines.remove(0))
    } else {
        let branch = |pipeline| Branch { pipeline: Arc::new(pipeline), condition: None };
        Box::new(Parallel::new(pipelines.into_iter().map(branch).collect(), config.timeout))
    };
    Endpoint {
        info: Arc::new(EndpointInfo {
            path: config.path.clone(),
            method: step::method(config.method),
            timeout: config.timeout,
        }),
        pipeline: Pipeline::new(steps(gateway, Level::Endpoint(config), wiring::ENDPOINT), leaf),
        rendering: Rendering::new(config.output_encoding, config.cache_ttl),
    }
}

fn service(config: &Value, bodies: &[&'static [u8]]) -> Service {
    let gateway = config::gateway(&json!([config]), wiring::supported());
    let endpoint = endpoint(&gateway, &gateway.endpoints[0], bodies);
    Service::new(&gateway, Vec::new(), vec![endpoint], Vec::new())
}

fn context() -> RequestContext {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    RequestContext::new(1, peer, HeaderValue::from_static("127.0.0.1"), false)
}

/// What a browser sends.
fn request(path: &str) -> Request {
    let mut request = Request::new(Method::GET, path);
    for (name, value) in [
        ("host", "gateway.example"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("x-request-id", "6f1b0a52-3c4d-4c8e-9d52-0c9a5a1f7c10"),
    ] {
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

/// Nothing waits for anything: one poll is the whole request.
fn answer(service: &Service, cx: &RequestContext, request: Request) -> Answer {
    let future = pin!(service.serve(cx, request));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a backend in memory answers at once"),
    }
}

fn bench(bencher: Bencher<'_, '_>, case: &str, limit: u64, path: &str, service: &Service) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _timers = runtime.enter();
    let answered = answer(service, &context(), request(path));
    assert_eq!(answered.status(), StatusCode::OK, "{answered:?}");
    let input = || (context(), request(path));
    allocations::bench(bencher, case, limit, input, |(cx, request)| {
        let answer = answer(service, &cx, request);
        (cx, answer)
    });
}

/// `no-op` both ways.
#[divan::bench]
fn passthrough(bencher: Bencher<'_, '_>) {
    let config = json!({"endpoint": "/user", "output_encoding": "no-op",
        "backend": [{"url_pattern": "/user", "encoding": "no-op"}]});
    bench(bencher, "passthrough", 7, "/user", &service(&config, &[USER]));
}

/// `no-op` with a parameter from the path and two headers that pass.
#[divan::bench]
fn passthrough_param(bencher: Bencher<'_, '_>) {
    let config = json!({"endpoint": "/users/{id}", "output_encoding": "no-op",
        "input_headers": ["Accept-Language", "X-Request-Id"],
        "backend": [{"url_pattern": "/v1/users/{id}", "encoding": "no-op"}]});
    bench(bencher, "passthrough_param", 9, "/users/10472", &service(&config, &[USER]));
}

/// One backend, decoded and encoded again.
#[divan::bench]
fn one_backend(bencher: Bencher<'_, '_>) {
    let config = json!({"endpoint": "/user", "backend": [{"url_pattern": "/user"}]});
    bench(bencher, "one_backend", 13, "/user", &service(&config, &[USER]));
}

/// Three backends, each with an allow list and a group.
#[divan::bench]
fn three_backends(bencher: Bencher<'_, '_>) {
    let config = json!({"endpoint": "/all", "backend": [
        {"url_pattern": "/user", "group": "user", "allow": ["id", "name", "address.city"]},
        {"url_pattern": "/stock", "group": "stock", "allow": ["sku", "currency", "price.gross"]},
        {"url_pattern": "/rating", "group": "rating", "allow": ["total", "page", "meta.took_ms"]},
    ]});
    bench(bencher, "three_backends", 43, "/all", &service(&config, &[USER, STOCK, RATING]));
}
