//! One instance, which serves one request and may go on while its answer leaves.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{Uri, header, uri::Scheme};
use http_body::Body as _;
use tokio::{runtime::Handle, sync::oneshot};
use torana_core::{Request, RequestContext};
use tracing::Instrument;
use wasmtime::{Store, UpdateDeadline, component::Resource};
use wasmtime_wasi_http::{
    WasiHttpView,
    p2::{
        bindings::http::types::{ErrorCode, Scheme as WasiScheme},
        body::HyperOutgoingBody,
        types::{HostIncomingRequest, HostResponseOutparam},
    },
};

use super::{
    Pre,
    body::Incoming,
    console::Console,
    meter::{Meter, Metered},
    outbound::{Outbound, clean},
    state::State,
};
use crate::{
    call::Caller,
    component::{Hook, Loaded},
    fiber,
    figures::{Served, Took},
    frames::Frames,
    instance::{CALL_BYTES, CallError, START_LIMIT},
    plugin::{Facts, Plugin},
    pool::Lease,
};

/// How long a guest may go on when its answer is complete.
const GRACE: Duration = Duration::from_secs(1);

/// What a guest says with `response-outparam.set`.
pub(super) type Head = Result<http::Response<HyperOutgoingBody>, ErrorCode>;

/// A guest at work, which runs when it is polled and ends when it is dropped.
pub(super) struct Guest {
    stage: Stage,
    meter: Arc<Meter>,
    started: Instant,
    caller: Caller,
    cx: RequestContext,
}

enum Stage {
    Running(Pin<Box<dyn Future<Output = Ended> + Send>>),
    Ended,
    Failed(CallError),
}

/// A call that has come to its end. The store is still there: were it dropped first, a body that broke off would look
/// whole to whoever reads it on another thread.
struct Ended {
    store: Store<State>,
    lease: Lease<Arc<Plugin>>,
    outcome: Result<(), CallError>,
}

impl Guest {
    /// Hands a request to a new instance, which begins when it is polled. What it answers comes out of the receiver.
    ///
    /// # Errors
    /// The request is none that can be handed in.
    pub(super) fn start(
        caller: &Caller,
        cx: &RequestContext,
        mut request: Request,
        lease: Lease<Arc<Plugin>>,
    ) -> Result<(Self, oneshot::Receiver<Head>), CallError> {
        let plugin = Arc::clone(lease.plugin());
        let facts = &plugin.facts;
        let runtime = Handle::try_current().map_err(|error| trap(&error))?;
        let meter = Arc::new(Meter::new(facts.limits.timeout));
        let incoming = Incoming::new(std::mem::take(&mut request.body), &runtime, None);
        let incoming = incoming.renewing(Arc::clone(&meter));
        let request = message(cx, &mut request, incoming)?;
        let outbound = Outbound::new(Arc::clone(facts), cx.id, Some(runtime));
        let mut store = store(plugin.pool.loaded(), facts, Arc::clone(&meter), cx.id, outbound);
        let (sender, head) = oneshot::channel();
        let mut http = store.data_mut().http();
        let scheme = if cx.tls { WasiScheme::Https } else { WasiScheme::Http };
        let request = http.new_incoming_request(scheme, request).map_err(|error| trap(&error))?;
        let outparam = http.new_response_outparam(sender).map_err(|error| trap(&error))?;
        let call = call(store, lease, request, outparam).instrument(caller.span(cx, Hook::Handle));
        let call = Box::pin(Metered::new(call, Arc::clone(&meter), plugin));
        let alarm = meter.alarm();
        let stage = Stage::Running(Box::pin(async move { fiber::run(&alarm, call).await }));
        let started = Instant::now();
        Ok((Self { stage, meter, started, caller: caller.clone(), cx: cx.clone() }, head))
    }

    /// Lets it run until it waits; ready when it has ended.
    pub(super) fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        if let Stage::Running(run) = &mut self.stage {
            let ended = std::task::ready!(run.as_mut().poll(task));
            self.stage = self.end(ended);
        }
        Poll::Ready(())
    }

    fn end(&self, ended: Ended) -> Stage {
        let Ended { store, lease, outcome } = ended;
        let memory = store.data().memory.used();
        let took = Took { wall: self.started.elapsed(), cpu: self.meter.total() };
        // Its memory goes before another instance takes the place.
        drop(store);
        self.caller.judge(&outcome);
        lease.leave(Hook::Handle, &Served { took, memory, ..Served::default() });
        outcome.map_or_else(Stage::Failed, |()| Stage::Ended)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(self.stage, Stage::Running(_))
    }

    /// Why it failed, once.
    pub(super) fn failure(&mut self) -> Option<CallError> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Failed(error) => Some(error),
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// A piece of its answer has left: its time counts anew.
    pub(super) fn renew(&self) {
        self.meter.renew();
    }

    /// Counts and logs a failure that comes when its answer has begun to leave. Gives the error that breaks it off.
    pub(super) fn failed(&self, error: &CallError) -> torana_core::Error {
        self.caller.backend_failed(&self.cx, error)
    }

    /// Lets it finish what it does beside, for a while: its answer is complete.
    pub(super) fn detach(mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let end = poll_fn(|task| self.poll(task));
            if tokio::time::timeout(GRACE, end).await.is_ok()
                && let Some(error) = self.failure()
            {
                // Logged and counted: nobody waits for it.
                let _ = self.failed(&error);
            }
        });
    }
}

async fn call(
    mut store: Store<State>,
    lease: Lease<Arc<Plugin>>,
    request: Resource<HostIncomingRequest>,
    outparam: Resource<HostResponseOutparam>,
) -> Ended {
    let plugin = Arc::clone(lease.plugin());
    let outcome = match plugin.pool.loaded().wasi_http() {
        Some(pre) => handle(&mut store, pre, request, outparam).await,
        None => Err(wasmtime::Error::msg("it has no `wasi:http/incoming-handler`")),
    };
    let limit = plugin.facts.limits.timeout;
    let outcome = outcome.map_err(|error| failure(&store, &error, limit));
    Ended { store, lease, outcome }
}

async fn handle(
    store: &mut Store<State>,
    pre: &Pre,
    request: Resource<HostIncomingRequest>,
    outparam: Resource<HostResponseOutparam>,
) -> wasmtime::Result<()> {
    store.set_epoch_deadline(1);
    let instance = pre.pre.instantiate_async(&mut *store).await?;
    let handle = instance.get_typed_func::<super::load::Parameters, ()>(&mut *store, pre.handle)?;
    handle.call_async(store, (request, outparam)).await
}

/// Starts an instance for nobody: whether it can be done at all.
///
/// # Errors
/// Why it cannot.
pub(crate) fn try_start(loaded: &Loaded, pre: &Pre, facts: &Arc<Facts>) -> Result<(), CallError> {
    let limit = facts.limits.timeout.max(START_LIMIT);
    let outbound = Outbound::new(Arc::clone(facts), 0, None);
    let meter = Arc::new(Meter::new(limit));
    let mut store = store(loaded, facts, meter, 0, outbound);
    let end = Instant::now() + limit;
    store.epoch_deadline_callback(move |_| {
        let is_over = Instant::now() >= end;
        Ok(if is_over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
    });
    facts.ticks.wake();
    store.set_epoch_deadline(1);
    let started = fiber::ready(pre.pre.instantiate_async(&mut store));
    started.map(drop).map_err(|error| failure(&store, &error, limit))
}

fn store(
    loaded: &Loaded,
    facts: &Arc<Facts>,
    meter: Arc<Meter>,
    request_id: u64,
    outbound: Outbound,
) -> Store<State> {
    let console = Console::new(Arc::clone(facts), request_id);
    let state = State::new(facts, meter, console, outbound);
    let mut store = Store::new(loaded.engine.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.epoch_deadline_callback(|store| {
        let state = store.data();
        state.facts.ticks.hurry();
        Ok(state.meter.tick(&state.facts.pace))
    });
    store.set_hostcall_fuel(CALL_BYTES);
    store
}

/// The request as the standard has it.
fn message(
    cx: &RequestContext,
    request: &mut Request,
    body: Incoming,
) -> Result<http::Request<Incoming>, CallError> {
    let mut headers = std::mem::take(&mut request.headers);
    // Whom the client has asked, if that comes this far.
    let authority =
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    clean(&mut headers);
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    let question = if request.query.is_empty() { "" } else { "?" };
    let uri = Uri::builder()
        .scheme(if cx.tls { Scheme::HTTPS } else { Scheme::HTTP })
        .authority(authority.as_deref().unwrap_or("localhost"))
        .path_and_query(format!("{}{question}{}", request.path, request.query))
        .build()
        .map_err(|error| CallError::Answer(format!("the request cannot be handed in: {error}")))?;
    let mut message = http::Request::new(body);
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri;
    *message.headers_mut() = headers;
    Ok(message)
}

fn failure(store: &Store<State>, error: &wasmtime::Error, limit: Duration) -> CallError {
    let state = store.data();
    CallError::of(error, limit, &state.memory, &state.facts.limits, &state.console.last_words())
}

fn trap(error: &dyn std::fmt::Display) -> CallError {
    CallError::Trap(error.to_string(), Frames::default())
}
