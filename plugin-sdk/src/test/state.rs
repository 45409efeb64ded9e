//! What the double knows, and the message that the running hook is about.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use super::message::{Request, Response};
use crate::{gateway, http};

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For following one request step by step.
    Trace,
    /// For whoever looks for a mistake.
    Debug,
    /// For whoever operates the gateway.
    Info,
    /// Something is odd, and the request went on.
    Warn,
    /// Something failed.
    Error,
}

/// A line that the plugin has logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How loud it is.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// What the plugin has measured, in one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The name, without the gateway's prefix.
    pub name: String,
    /// The labels, in order.
    pub labels: Vec<(String, String)>,
    /// The kind and the value.
    pub measured: Measured,
}

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// Added to a counter.
    Count(u64),
    /// The value of a gauge.
    Gauge(f64),
    /// A value in a histogram.
    Observation(f64),
}

/// Answers in the place of other services.
pub(super) type Service = Box<dyn FnMut(&http::Request) -> Result<http::Response, http::Error>>;

/// A value of the key-value store.
pub(super) struct Entry {
    pub(super) value: Value,
    /// When it goes, in milliseconds since 1970.
    pub(super) until: Option<u64>,
}

pub(super) enum Value {
    Bytes(Vec<u8>),
    Counter(i64),
}

/// The message of the running hook.
pub(super) enum Exchange {
    /// None: `init`.
    Idle,
    /// A request hook, or `handle`.
    Request(Request),
    /// A response hook.
    Response(Response),
    /// A chunk of a body.
    Body(u64),
}

/// The state of a double.
pub(crate) struct State {
    pub(super) exchange: Exchange,
    pub(super) config: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) now_ms: u64,
    pub(super) monotonic_ns: u64,
    pub(super) random: VecDeque<u8>,
    pub(super) seed: u64,
    pub(super) contexts: BTreeMap<u64, BTreeMap<String, Vec<u8>>>,
    pub(super) store: BTreeMap<String, Entry>,
    pub(super) quota: usize,
    /// Keys that the running hook has claimed.
    pub(super) claims: BTreeSet<String>,
    pub(super) claims_in_hook: usize,
    pub(super) services: Vec<(String, Service)>,
    pub(super) calls: Vec<http::Request>,
    pub(super) calls_in_hook: usize,
    pub(super) log: Vec<LogLine>,
    pub(super) lines_in_call: usize,
    pub(super) metrics: Vec<Metric>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            exchange: Exchange::Idle,
            config: "null".to_owned(),
            environment: BTreeMap::new(),
            // 2026-01-01T00:00:00Z
            now_ms: 1_767_225_600_000,
            monotonic_ns: 1,
            random: VecDeque::new(),
            seed: 0,
            contexts: BTreeMap::new(),
            store: BTreeMap::new(),
            quota: usize::MAX,
            claims: BTreeSet::new(),
            claims_in_hook: 0,
            services: Vec::new(),
            calls: Vec::new(),
            calls_in_hook: 0,
            log: Vec::new(),
            lines_in_call: 0,
            metrics: Vec::new(),
        }
    }

    /// The request; panics where the gateway traps.
    pub(super) fn request(&mut self) -> &mut Request {
        match &mut self.exchange {
            Exchange::Request(request) => request,
            Exchange::Response(_) => panic!(
                "a response hook asked for the request: keep what it needs with `context` in a request hook"
            ),
            Exchange::Body(_) => panic!("a body hook asked for the request, whose head has left"),
            Exchange::Idle => panic!("there is no request in `Plugin::new`"),
        }
    }

    /// The response; panics where the gateway traps.
    pub(super) fn response(&mut self) -> &mut Response {
        match &mut self.exchange {
            Exchange::Response(response) => response,
            Exchange::Request(_) => panic!("a request hook asked for the response"),
            Exchange::Body(_) => panic!("a body hook asked for the response, whose head has left"),
            Exchange::Idle => panic!("there is no response in `Plugin::new`"),
        }
    }

    /// The number of the request; zero in `init`.
    pub(super) fn request_id(&self) -> u64 {
        match &self.exchange {
            Exchange::Idle => 0,
            Exchange::Request(request) => request.common.id,
            Exchange::Response(response) => response.common.id,
            Exchange::Body(id) => *id,
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<State>>>> = const { RefCell::new(None) };
}

/// Makes a double the one that the plugin's functions talk to, until the guard goes.
pub(super) struct Entered(Option<Rc<RefCell<State>>>);

impl Entered {
    pub(super) fn new(state: &Rc<RefCell<State>>) -> Self {
        Self(CURRENT.replace(Some(Rc::clone(state))))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The double that runs a hook now.
pub(super) fn with<T>(run: impl FnOnce(&mut State) -> T) -> T {
    let state = CURRENT.with_borrow(Clone::clone);
    let state = state.expect(
        "a function of the gateway was called outside of it: run the hook with `torana_plugin::test`",
    );
    run(&mut state.borrow_mut())
}

impl From<gateway::log::Level> for Level {
    fn from(level: gateway::log::Level) -> Self {
        match level {
            gateway::log::Level::Trace => Self::Trace,
            gateway::log::Level::Debug => Self::Debug,
            gateway::log::Level::Info => Self::Info,
            gateway::log::Level::Warn => Self::Warn,
            gateway::log::Level::Error => Self::Error,
        }
    }
}
