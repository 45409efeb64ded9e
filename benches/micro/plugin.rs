//! What a plugin costs per call, with everything that the host does around it: `test-get-set` reads one header and sets
//! one, `header-edit` sets one on the response, `test-body` reads a body and writes it back, `test-stream` upper-cases
//! chunks, `test-function` and `test-wasi-http` are backends.

mod allocations;
mod config;
mod instructions;
#[path = "../wait.rs"]
mod wait;

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    process::ExitCode,
    sync::{Barrier, LazyLock},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use divan::Bencher;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use torana_config::{ComponentLevel, Diagnostics, Supported, valid::Gateway};
use torana_core::{
    Body, Error, Request, RequestContext, Resources, Response,
    pipeline::{Backend, BoxFuture, BuildContext, Level, Outcome, Pipeline, StepFactory},
    worker,
};
use torana_wasm::{EndpointHooks, NAMESPACE};

use crate::wait::wait;

/// Kept over all benches, as by a gateway: one engine.
static RESOURCES: LazyLock<Resources> = LazyLock::new(Resources::default);

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, case] = &arguments[..]
        && word == instructions::COUNTED
    {
        count(case);
        return ExitCode::SUCCESS;
    }
    // Cargo's own; not there with `cargo test`, which only looks at limits.
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    if arguments == [instructions::COUNT] {
        return instructions_of_cases();
    }
    let exit = allocations::main();
    // Not for whoever names benches.
    if is_bench && arguments.is_empty() {
        scaling();
    }
    exit
}

/// Cases whose instructions are counted, and the most that a call may take beyond one without a plugin: in an optimised
/// build with LTO, and in an unoptimised one, which is quick to build and shows just as well when a call does more.
const COUNTED_CASES: [(&str, u64, u64); 2] =
    [("get_and_set", 9_000, 75_000), ("header_edit_response", 6_100, 45_000)];

/// Makes the calls of a case.
fn count(case: &str) {
    let pipeline = match case {
        "get_and_set" => pipeline(plugin("test-get-set", "pooled", Value::Null), 1),
        "header_edit_response" => pipeline(header_edit("pooled"), 1),
        _ => Pipeline::new(Vec::new(), Box::new(Answering)),
    };
    let cx = context();
    instructions::counted(request, |request| answer(&pipeline, &cx, request));
}

/// Fails if a plugin takes more than its limit.
fn instructions_of_cases() -> ExitCode {
    match print_instructions() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all are within their limits.
#[expect(clippy::print_stdout, reason = "what the program is for")]
fn print_instructions() -> Result<bool, String> {
    let base = instructions::of("no_plugin")?;
    println!("no_plugin: {base} instructions");
    let mut within = true;
    for (case, optimised, unoptimised) in COUNTED_CASES {
        let limit = if cfg!(debug_assertions) { unoptimised } else { optimised };
        let more = instructions::of(case)?.saturating_sub(base);
        let word = if more > limit { ", ABOVE ITS LIMIT" } else { "" };
        println!("{case}: {more} instructions more, at most {limit}{word}");
        within &= more <= limit;
    }
    Ok(within)
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
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
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
    run_with(bencher, case, limit, pipeline, request);
}

fn run_with(
    bencher: Bencher<'_, '_>,
    case: impl Into<String>,
    limit: u64,
    pipeline: &Pipeline,
    request: impl FnMut() -> Request,
) {
    let cx = context();
    allocations::bench(bencher, case, limit, request, |request| answer(pipeline, &cx, request));
}

fn answer(pipeline: &Pipeline, cx: &RequestContext, request: Request) -> Response {
    wait(pipeline.run(cx, request)).expect("the plugin works")
}

/// What a call allocates more on a fiber, where calls go on a machine so busy that one seemed long.
const FIBER: u64 = 3;
/// What a call of a slow plugin allocates more when it meets a tick, and so moves to another thread.
const MOVE: u64 = 40;

/// What all the others include: the pipeline, and a backend that answers.
#[divan::bench]
fn no_plugin(bencher: Bencher<'_, '_>) {
    run(bencher, "no_plugin", 4, &Pipeline::new(Vec::new(), Box::new(Answering)));
}

/// A hook that gets one header and sets one, warm.
#[divan::bench(args = [1, 16])]
fn get_and_set(bencher: Bencher<'_, '_>, plugins: usize) {
    let plugin = plugin("test-get-set", "pooled", Value::Null);
    let limit = if plugins == 1 { 8 + FIBER } else { 68 + 16 * FIBER };
    run(bencher, format!("get_and_set {plugins}"), limit, &pipeline(plugin, plugins));
}

/// The same in a new instance for each call.
#[divan::bench]
fn get_and_set_fresh(bencher: Bencher<'_, '_>) {
    let plugin = plugin("test-get-set", "request", Value::Null);
    run(bencher, "get_and_set_fresh", 41 + FIBER, &pipeline(plugin, 1));
}

/// A plugin that sets a header of the response.
fn header_edit(isolation: &str) -> Value {
    plugin("header-edit", isolation, json!({"response": {"set": {"x-wasm": "1"}}}))
}

/// `header-edit` sets one header on the response: the load benchmark's `plugin`.
#[divan::bench(args = ["pooled", "request"])]
fn header_edit_response(bencher: Bencher<'_, '_>, isolation: &str) {
    let pipeline = pipeline(header_edit(isolation), 1);
    let limit = FIBER + if isolation == "pooled" { 7 } else { 41 };
    run(bencher, format!("header_edit_response {isolation}"), limit, &pipeline);
}

/// A body of 64 KB, whole, read and written back.
#[divan::bench]
fn body_64k(bencher: Bencher<'_, '_>) {
    let pipeline = pipeline(plugin("test-body", "pooled", Value::Null), 1);
    let body = Bytes::from(vec![b'x'; BODY]);
    run_with(bencher, "body_64k", 6 + FIBER, &pipeline, || {
        let mut request = request();
        request.body = Body::from_bytes(body.clone());
        request
    });
}

/// A body in four chunks of 16 KB through a body hook, with the bytes that it changes.
#[divan::bench]
fn body_hook_four_chunks(bencher: Bencher<'_, '_>) {
    let pipeline = pipeline(plugin("test-stream", "pooled", json!({})), 1);
    let cx = context();
    let chunk = Bytes::from(vec![b'x'; BODY / 4]);
    let request = || {
        let mut request = request();
        request.body = Body::Stream(Box::pin(Chunks(vec![chunk.clone(); 4].into())));
        request
    };
    allocations::bench(bencher, "body_hook_four_chunks", 40, request, |request| {
        answer(&pipeline, &cx, request)
    });
}

/// The hook of [`get`] on a fiber, as plugins run that may wait or have been slow.
#[divan::bench]
fn get_on_a_fiber(bencher: Bencher<'_, '_>) {
    let plugin = json!({"name": "fiber", "source": torana_plugins_build::plugin("test-loop"),
                        "limits": {"timeout": "200ms"}});
    let pipeline = pipeline(plugin, 1);
    slow_down(&pipeline);
    run(bencher, "get_on_a_fiber", 8 + MOVE, &pipeline);
}

/// A hook that gets one header, warm.
#[divan::bench]
fn get(bencher: Bencher<'_, '_>) {
    let plugin = plugin("test-loop", "pooled", Value::Null);
    run(bencher, "get", 6, &pipeline(plugin, 1));
}

/// A plugin in the place of a backend: the request as JSON.
#[divan::bench]
fn function(bencher: Bencher<'_, '_>) {
    backend(bencher, "function", 6, &plugin("test-function", "pooled", json!({"body": "{}"})));
}

/// The same by the standard of WASI: a new instance, and a body of a few bytes.
#[divan::bench]
fn wasi_http(bencher: Bencher<'_, '_>) {
    let source = torana_plugins_build::plugin("test-wasi-http");
    let component = json!({"name": "standard", "source": source,
                           "grants": {"http": ["http://nowhere.invalid"]}});
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    // 103, and room for an answer that streams, as it does on a machine so busy that the guest seems slow.
    backend(bencher, "wasi_http", 130, &component);
}

/// A plugin in the place of a backend whose path is `/hello`.
fn backend(bencher: Bencher<'_, '_>, case: &str, limit: u64, component: &Value) {
    let gateway = function_gateway(component);
    let mut diagnostics = Diagnostics::default();
    let endpoint = &gateway.endpoints[0];
    let mut cx = BuildContext {
        gateway: &gateway,
        level: Level::Backend(endpoint, &endpoint.backends[0]),
        resources: &RESOURCES,
        upstream: |_, _| Some(std::sync::Arc::new(Answering)),
        diagnostics: &mut diagnostics,
    };
    let component = endpoint.backends[0].plugin.as_ref().expect("a plugin");
    let (leaf, _) = torana_wasm::backend(component, &mut cx).expect("it is a backend");
    let pipeline = Pipeline::new(Vec::new(), leaf);
    let hello = || {
        let mut request = request();
        request.path = "/hello".to_owned();
        request
    };
    run_with(bencher, case, limit, &pipeline, hello);
}

/// Bytes of a body. Unoptimised (which looks at allocations only) 64 KB would take 1 ms, and long calls move to threads of
/// their own.
const BODY: usize = if cfg!(debug_assertions) { 8 << 10 } else { 64 << 10 };

/// Chunks that are there already.
struct Chunks(VecDeque<Bytes>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(http_body::Frame::data(chunk))))
    }
}

fn function_gateway(component: &Value) -> Gateway {
    let endpoints = json!([{
        "endpoint": "/user",
        "output_encoding": "no-op",
        "backend": [{"url_pattern": "/", NAMESPACE: component}]
    }]);
    let supported = vec![Supported { namespace: NAMESPACE, level: ComponentLevel::Backend }];
    config::gateway(&endpoints, supported)
}

/// Lets the plugin loop once, so that its calls run on fibers for a while.
fn slow_down(pipeline: &Pipeline) {
    let mut request = request();
    request.headers.insert("x-loop", HeaderValue::from_static("1"));
    assert!(wait(pipeline.run(&context(), request)).is_err(), "it loops");
}

/// Fresh instances on one and two threads at the same time; and the pipeline without a plugin, whose threads share
/// nothing, for what the machine's second processor is worth.
fn scaling() {
    let fresh = pipeline(plugin("test-get-set", "request", Value::Null), 1);
    let bare = Pipeline::new(Vec::new(), Box::new(Answering));
    print_scaling("fresh instances", &fresh, 2_000);
    print_scaling("calls without a plugin", &bare, 100_000);
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn print_scaling(what: &str, pipeline: &Pipeline, calls: u32) {
    const ROUNDS: usize = 40;
    // In turns, as the machine may have other work.
    let rounds: Vec<_> = (0..ROUNDS).map(|_| [1, 2].map(|n| slowest(pipeline, n, calls))).collect();
    let rate = |threads: usize| {
        let mut times: Vec<_> = rounds.iter().map(|round| round[threads - 1]).collect();
        times.sort_unstable();
        f64::from(calls) * threads as f64 / times[ROUNDS / 2].as_secs_f64()
    };
    let (one, two) = (rate(1), rate(2));
    println!(
        "{what} per second: {one:.0} on one thread, {two:.0} on two, {:.2} times as many",
        two / one
    );
}

/// How long the slowest of some threads takes for so many calls.
fn slowest(pipeline: &Pipeline, threads: usize, calls: u32) -> Duration {
    let start = Barrier::new(threads);
    let loaded = |index| {
        worker::enter(index);
        let cx = context();
        (0..calls / 10).for_each(|_| drop(answer(pipeline, &cx, request())));
        start.wait();
        let begun = Instant::now();
        (0..calls).for_each(|_| drop(answer(pipeline, &cx, request())));
        begun.elapsed()
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|index| scope.spawn(move || loaded(index))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).max()
    })
    .unwrap_or_default()
}

fn response() -> Response {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("date", HeaderValue::from_static("Sat, 21 Nov 2026 12:00:00 GMT"));
    Response::from_body(StatusCode::OK, headers, Body::Empty)
}
