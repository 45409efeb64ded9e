//! One component, measured through the gateway's own pipeline.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use torana_config::{
    ComponentLevel, Diagnostics, Document, Format, Options, Supported, resolve, valid::Gateway,
};
use torana_core::{
    Body, Request, RequestContext, Resources, Response,
    pipeline::{Backend, BoxFuture, BuildContext, Level, Outcome, Pipeline, StepFactory},
    worker,
};
use torana_wasm::{EndpointHooks, NAMESPACE};

use crate::wait::wait;

/// Instances at the same time, of which the memory of one is derived.
const INSTANCES: usize = 32;
/// Calls in one measured batch. Instances live for more calls than that.
const BATCH: u32 = 100;
const BATCHES: usize = 200;
/// Measurements of loads and of new instances.
const LOADS: usize = 7;
const FRESH: usize = 200;
/// How old a file must be before the gateway remembers it.
const SETTLED: Duration = Duration::from_secs(1);
/// Which part of all calls is behind a component when its memory is looked at for the first time.
const EARLY: u32 = 100;

/// What a component costs. Times are in nanoseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Bytes of the component.
    pub(crate) size: u64,
    /// To compile it, once.
    pub(crate) compile: u64,
    /// To load what was compiled before: the file is known, and its code is mapped.
    pub(crate) load: u64,
    /// To make an instance, with its `init`, and to drop it.
    pub(crate) instance: u64,
    /// A call in a warm instance, host side included.
    pub(crate) call: u64,
    /// The same over many calls, with the instances that are replaced after 10,000 calls.
    pub(crate) call_of_many: u64,
    /// Resident bytes of an instance that was called.
    pub(crate) memory: u64,
    /// Memory after the first hundredth of these many calls, and after the last one.
    pub(crate) marks: [Mark; 2],
}

/// The most memory up to a call. It must not grow with the calls.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// How many calls there were.
    pub(crate) calls: u32,
    /// Resident bytes of the process.
    pub(crate) resident: u64,
    /// Bytes that an instance has taken.
    pub(crate) instance: u64,
}

/// Measures the component in `file` with so many calls. `anchor` is another one that keeps the engine alive meanwhile.
pub(crate) fn measure(file: &Path, anchor: &Path, calls: u32) -> Measured {
    // Each worker keeps warm instances for itself.
    worker::set_count(INSTANCES);
    let resources = Resources::default();
    let _anchor = pipeline(&resources, anchor, "pooled", &Value::Null);
    let config = json!({"header": "x-tenant"});
    let load = || {
        let begun = Instant::now();
        drop(pipeline(&resources, file, "pooled", &config));
        begun.elapsed()
    };
    let first = load();
    // What has just been written may change again without a trace, so the gateway looks at it each time.
    thread::sleep(SETTLED);
    load();
    let again = median((0..LOADS).map(|_| load()).collect());

    let empty = Pipeline::new(Vec::new(), Box::new(Answering));
    let base = batch(&empty);
    let fresh = pipeline(&resources, file, "request", &config);
    call(&fresh);
    let fresh = median((0..FRESH).map(|_| timed(&fresh)).collect());

    let warm = pipeline(&resources, file, "pooled", &config);
    let before = status("VmRSS:");
    for index in 0..INSTANCES {
        worker::enter(index);
        call(&warm);
    }
    let memory = status("VmRSS:").saturating_sub(before) / INSTANCES as u64;
    worker::enter(0);
    let one = batch(&warm);
    let (many, marks) = many(&warm, calls.max(EARLY), &resources);

    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let instance = fresh.saturating_sub(one);
    Measured {
        size: fs::metadata(file).map_or(0, |metadata| metadata.len()),
        compile: nanoseconds(first.saturating_sub(again)),
        load: nanoseconds(again.saturating_sub(instance)),
        instance: nanoseconds(instance),
        call: nanoseconds(one.saturating_sub(base)),
        call_of_many: nanoseconds(many.saturating_sub(base)),
        memory,
        marks,
    }
}

/// The time of one of many calls, and memory on the way.
fn many(warm: &Pipeline, calls: u32, resources: &Resources) -> (Duration, [Mark; 2]) {
    // The compiler has taken more than all calls will: the kernel forgets how much the most was (proc(5)).
    let _ = fs::write("/proc/self/clear_refs", "5");
    let mark = |calls| Mark {
        calls,
        resident: status("VmHWM:"),
        instance: most_of_an_instance(resources),
    };
    let begun = Instant::now();
    let early = calls / EARLY;
    (0..early).for_each(|_| call(warm));
    let first = mark(early);
    (early..calls).for_each(|_| call(warm));
    (begun.elapsed() / calls, [first, mark(calls)])
}

/// The most memory that an instance has had, as the gateway's own figures say.
fn most_of_an_instance(resources: &Resources) -> u64 {
    let mut text = String::new();
    torana_wasm::metrics(resources, &mut text).expect("strings can be written to");
    let lines = text.lines().filter(|line| line.contains("memory_high_bytes{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).max().unwrap_or_default()
}

fn pipeline(resources: &Resources, file: &Path, isolation: &str, config: &Value) -> Pipeline {
    let plugin = json!({"name": "measured", "source": file, "config": config, "isolation": isolation,
        "limits": {"timeout": "10ms", "memory": "64MiB"}, "grants": {"log": true}});
    let gateway = gateway(&json!([plugin]));
    let mut diagnostics = Diagnostics::default();
    let mut cx = BuildContext {
        gateway: &gateway,
        level: Level::Endpoint(&gateway.endpoints[0]),
        resources,
        upstream: |_, _| None,
        diagnostics: &mut diagnostics,
    };
    let built = EndpointHooks.build_all(&mut cx);
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    let steps = built.into_iter().map(|built| built.step).collect();
    Pipeline::new(steps, Box::new(Answering))
}

fn gateway(plugins: &Value) -> Gateway {
    let root = json!({"version": 3, "host": ["http://backend"], "endpoints": [{
        "endpoint": "/user",
        "backend": [{"url_pattern": "/"}],
        "extra_config": { NAMESPACE: plugins }
    }]});
    let document = Document::parse("bench.json", root.to_string(), Format::Json).expect("JSON");
    let supported = vec![Supported { namespace: NAMESPACE, level: ComponentLevel::Endpoint }];
    let mut diagnostics = Diagnostics::default();
    let options = Options { supported, ..Options::default() };
    resolve(&document, &options, &mut diagnostics).expect("an object")
}

struct Answering;

impl Backend for Answering {
    fn call<'a>(&'a self, _: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        let mut response = Response::from_body(StatusCode::OK, http::HeaderMap::new(), Body::Empty);
        // What the plugin did, for `call` to see.
        response.headers = request.into_parts().headers;
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// One request.
fn call(pipeline: &Pipeline) {
    let mut request = Request::new(Method::GET, "/user");
    request.headers.insert("accept", HeaderValue::from_static("application/json"));
    request.headers.insert("x-tenant", HeaderValue::from_static("acme"));
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let cx = RequestContext::new(1, peer, HeaderValue::from_static("127.0.0.1"), false);
    let response = wait(pipeline.run(&cx, request)).expect("the plugin works");
    assert_eq!(response.headers["x-tenant"], "acme");
}

fn timed(pipeline: &Pipeline) -> Duration {
    let begun = Instant::now();
    call(pipeline);
    begun.elapsed()
}

/// The median time of a call: batches in which an instance is replaced are few.
fn batch(pipeline: &Pipeline) -> Duration {
    let one = || {
        let begun = Instant::now();
        (0..BATCH).for_each(|_| call(pipeline));
        begun.elapsed() / BATCH
    };
    median((0..BATCHES).map(|_| one()).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A figure of this process, in bytes.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
