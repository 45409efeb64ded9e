//! One component, measured through the gateway's own pipeline.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
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

/// Instances at the same time, of which the memory of one is derived.
const INSTANCES: usize = 32;
/// Calls in one measured batch. Instances live for more calls than that.
const BATCH: u32 = 100;
const BATCHES: usize = 200;
/// Measurements of loads and of new instances.
const LOADS: usize = 7;
const FRESH: usize = 200;
/// Calls over which memory must not grow.
const MANY: u32 = 1_000_000;

/// What a component costs. Times are in nanoseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Bytes of the component.
    pub(crate) size: u64,
    /// To compile it, once.
    pub(crate) compile: u64,
    /// To load what was compiled before: read, check the digest, map the code.
    pub(crate) load: u64,
    /// To make an instance, with its `init`, and to drop it.
    pub(crate) instance: u64,
    /// A call in a warm instance, host side included.
    pub(crate) call: u64,
    /// The same over a million calls, with the instances that are replaced after 1,000 calls.
    pub(crate) call_of_many: u64,
    /// Resident bytes of an instance that was called.
    pub(crate) memory: u64,
    /// Resident bytes that a million calls added.
    pub(crate) growth: i64,
}

/// Measures the component in `file`. `anchor` is another one that keeps the engine alive meanwhile.
pub(crate) fn measure(file: &Path, anchor: &Path) -> Measured {
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
    let again = median((0..LOADS).map(|_| load()).collect());

    let empty = Pipeline::new(Vec::new(), Box::new(Answering));
    let base = batch(&empty);
    let fresh = pipeline(&resources, file, "request", &config);
    call(&fresh);
    let fresh = median((0..FRESH).map(|_| timed(&fresh)).collect());

    let warm = pipeline(&resources, file, "pooled", &config);
    let before = resident();
    for index in 0..INSTANCES {
        worker::enter(index);
        call(&warm);
    }
    let memory = resident().saturating_sub(before) / INSTANCES as u64;
    worker::enter(0);
    let one = batch(&warm);
    let before = resident();
    let begun = Instant::now();
    (0..MANY).for_each(|_| call(&warm));
    let many = begun.elapsed() / MANY;
    let growth = resident().cast_signed() - before.cast_signed();

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
        growth,
    }
}

fn pipeline(resources: &Resources, file: &Path, isolation: &str, config: &Value) -> Pipeline {
    let plugin = json!({"name": "measured", "source": file, "config": config, "isolation": isolation,
        "limits": {"timeout": "1s", "memory": "64MiB"}, "grants": {"log": true}});
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

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Waits for a future on this thread: a call that lasts moves to another one.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    thread_local! {
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    let mut future = pin!(future);
    WAKER.with(|waker| {
        loop {
            match future.as_mut().poll(&mut Context::from_waker(waker)) {
                Poll::Ready(done) => return done,
                Poll::Pending => thread::park(),
            }
        }
    })
}
