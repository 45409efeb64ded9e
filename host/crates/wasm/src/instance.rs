//! One instance of a plugin: a store with the functions of its hooks.

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;
use torana_core::RequestContext;
use wasmtime::{
    Store, Trap, bail,
    component::{
        ComponentExportIndex, ComponentNamedList, Instance as Component, Lift, Lower, TypedFunc,
    },
};

use crate::{
    bindings::torana::plugin::types::{Action, Answer, Hooks},
    budget::Budget,
    component::{Loaded, Pre},
    fiber,
    figures::{Served, Took, weight},
    frames::Frames,
    host::{HostCalls, Names},
    invocation::{Called, Function, Invocation},
    kv::Claims,
    limits::Memory,
    output::Output,
    plugin::{Facts, Limits, Plugin},
    state::{Exchange, State},
};

/// Time for instantiation and `init`, which may have more to do than a hook.
pub(crate) const START_LIMIT: Duration = Duration::from_millis(100);
/// Calls after which an instance is worn.
const USES: u32 = 10_000;
/// The same if it has grown by half of what it may grow: what leaks is then replaced before it fails a call.
const USES_WHEN_GROWN: u32 = 1_000;
/// Bytes beside the body that may cross in one call.
pub(crate) const CALL_BYTES: usize = 64 << 10;
/// Bytes that may cross when no body limit says more.
const DEFAULT_BODY: usize = 1 << 20;

type BodyHook = TypedFunc<(Vec<u8>, bool), (Result<Vec<u8>, String>,)>;

/// The hooks that are called at the level of an attachment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exports {
    pub(crate) request: Option<ComponentExportIndex>,
    pub(crate) response: Option<ComponentExportIndex>,
    pub(crate) request_body: Option<ComponentExportIndex>,
    pub(crate) response_body: Option<ComponentExportIndex>,
    pub(crate) handle: Option<ComponentExportIndex>,
}

/// The functions of [`Exports`].
pub(crate) struct Functions {
    pub(crate) request: Option<Function<Action>>,
    pub(crate) response: Option<Function<()>>,
    pub(crate) handle: Option<Function<Answer>>,
    request_body: Option<BodyHook>,
    response_body: Option<BodyHook>,
}

/// An instance.
pub(crate) struct Instance {
    store: Store<State>,
    /// Boxed, as an instance moves from its pool and back in every call.
    functions: Box<Functions>,
    uses: u32,
    /// Memory with which it has grown by half of what it may grow.
    much: usize,
    timed: Option<(Instant, u32)>,
}

/// Why a call of a guest failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The hook said so.
    #[error("{0}")]
    Hook(String),
    /// The guest ran for too long.
    #[error("time limit of {0:?} exceeded")]
    Time(Duration, Frames),
    /// The guest wanted more memory than it may have.
    #[error("memory limit of {0} bytes exceeded")]
    Memory(usize, Frames),
    /// Anything else that ends an instance.
    #[error("{0}")]
    Trap(String, Frames),
    /// There is no place for another instance.
    #[error("all instances are busy")]
    Busy,
    /// The guest's answer is none.
    #[error("{0}")]
    Answer(String),
    /// It keeps failing and is switched off for a while.
    #[error("it is switched off for a while, as it kept failing")]
    Tripped,
}

impl CallError {
    /// What the runtime's error means for a guest with this time limit, memory and these last words.
    pub(crate) fn of(
        error: &wasmtime::Error,
        time: Duration,
        memory: &Memory,
        limits: &Limits,
        last_words: &str,
    ) -> Self {
        if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
            return Self::Time(time, Frames::of(error));
        }
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::Busy;
        }
        if memory.was_refused() {
            return Self::Memory(limits.memory, Frames::of(error));
        }
        let cause = error.root_cause();
        let message = if last_words.is_empty() {
            cause.to_string()
        } else {
            format!("{last_words} ({cause:#})")
        };
        Self::Trap(message, Frames::of(error))
    }

    /// Where the guest was, if it was running.
    pub(crate) fn backtrace(&self) -> Option<&str> {
        match self {
            Self::Time(_, at) | Self::Memory(_, at) | Self::Trap(_, at) => at.text(),
            _ => None,
        }
    }
}

/// Which body a chunk belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

impl Instance {
    /// Makes an instance and runs its `init`. Gives the hooks that it wants to be called for.
    pub(crate) fn new(
        loaded: &Loaded,
        facts: &Arc<Facts>,
        exports: Exports,
    ) -> Result<(Self, Hooks), CallError> {
        let limits = facts.limits;
        let start_limit = limits.timeout.max(START_LIMIT);
        let state = State {
            facts: Arc::clone(facts),
            exchange: Exchange::new(loaded.shares),
            names: Names::default(),
            memory: Memory::new(limits.memory),
            output: Output::default(),
            budget: Budget::new(start_limit),
            claims: Claims::default(),
            host_calls: HostCalls::default(),
        };
        let mut store = Store::new(loaded.engine.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut store| {
            let State { budget, facts, .. } = store.data_mut();
            facts.ticks.hurry();
            Ok(budget.tick(Instant::now(), &facts.pace))
        });
        store.set_hostcall_fuel(
            limits.body.largest().unwrap_or(DEFAULT_BODY).saturating_add(CALL_BYTES),
        );
        arm(&mut store);
        let made = start(&mut store, loaded, exports);
        let (functions, hooks) = made.map_err(|error| call_error(&store, &error, start_limit))?;
        let hooks = hooks.map_err(CallError::Hook)?;
        let functions = Box::new(functions);
        let much = store.data().memory.used().midpoint(limits.memory);
        Ok((Self { store, functions, uses: 0, much, timed: None }, hooks))
    }

    /// Whether another one should serve in its place: what leaks in a guest costs memory for a while, but no request.
    pub(crate) fn is_worn(&self) -> bool {
        let has_grown = || self.store.data().memory.used() > self.much;
        self.uses >= USES || self.uses >= USES_WHEN_GROWN && has_grown()
    }

    /// What is to be counted of the last call.
    pub(crate) fn served(&mut self) -> Served {
        let State { budget, memory, host_calls, .. } = self.store.data_mut();
        let took = match (self.timed.take(), budget.long()) {
            (_, Some((wall, cpu))) => Took { wall, cpu },
            (Some((started, weight)), None) => {
                let wall = started.elapsed();
                let cpu = wall.saturating_sub(budget.waiting());
                Took { wall: wall * weight, cpu: cpu * weight }
            }
            (None, None) => Took::default(),
        };
        Served { took, memory: memory.used(), host_calls: std::mem::take(host_calls) }
    }

    /// What is told when a call on a fiber has run for a tick.
    pub(crate) fn alarm(&self) -> Arc<AtomicBool> {
        self.store.data().budget.alarm()
    }

    /// Takes a message in, for a call to be about it. It must come out again.
    pub(crate) fn enter<I: Invocation>(&mut self, cx: &RequestContext, message: I::Message) {
        I::enter(&mut self.store.data_mut().exchange, cx, message);
    }

    /// Gives the message back.
    pub(crate) fn leave<I: Invocation>(&mut self) -> I::Message {
        let message = I::leave(&mut self.store.data_mut().exchange);
        message.expect("hooks edit the message in place, none takes it out")
    }

    /// Begins a body: the calls that follow are about its chunks.
    pub(crate) fn enter_body(&mut self, cx: &RequestContext) {
        self.store.data_mut().exchange.enter_body(cx);
    }

    /// Ends a body: nothing of its request stays with the instance.
    pub(crate) fn leave_body(&mut self) {
        self.store.data_mut().exchange.leave_body();
    }

    /// Calls a hook on this thread, with its message in and out. After any error but [`CallError::Hook`] an instance
    /// must not be used again; this holds for all calls.
    pub(crate) fn invoke<I: Invocation>(
        &mut self,
        loaded: &Loaded,
        cx: &RequestContext,
        message: I::Message,
    ) -> Called<I> {
        let Some(function) = I::function(&self.functions) else {
            return (message, Err(not_exported()));
        };
        self.enter::<I>(cx, message);
        self.begin_call(loaded, false);
        let outcome = function.call(&mut self.store, ());
        let outcome = self.outcome(outcome);
        (self.leave::<I>(), outcome)
    }

    /// Calls a hook on a fiber, about the message that has been taken in.
    pub(crate) async fn invoke_on_fiber<I: Invocation>(
        &mut self,
        plugin: &Plugin,
    ) -> Result<I::Answer, CallError> {
        let function = I::function(&self.functions).ok_or_else(not_exported)?;
        self.call_fiber(plugin, function, ()).await
    }

    /// Runs a body hook on a fiber.
    pub(crate) async fn on_chunk(
        &mut self,
        plugin: &Plugin,
        side: Side,
        chunk: Vec<u8>,
        last: bool,
    ) -> Result<Vec<u8>, CallError> {
        let hook = match side {
            Side::Request => self.functions.request_body,
            Side::Response => self.functions.response_body,
        };
        let Some(hook) = hook else { return Ok(chunk) };
        self.store.set_hostcall_fuel(chunk.len().saturating_mul(2).max(DEFAULT_BODY) + CALL_BYTES);
        self.call_fiber(plugin, hook, (chunk, last)).await
    }

    fn begin_call(&mut self, loaded: &Loaded, on_fiber: bool) {
        self.timed = weight(self.uses).map(|weight| (Instant::now(), weight));
        self.uses = self.uses.saturating_add(1);
        arm(&mut self.store);
        let state = self.store.data_mut();
        state.budget.begin(state.facts.limits.timeout, on_fiber.then(Instant::now));
        state.output.start();
        state.memory.begin_call();
        if loaded.waits {
            // A call may go on elsewhere; what it waits for stays with the worker.
            state.exchange.runtime = Handle::try_current().ok();
        }
    }

    async fn call_fiber<P, T>(
        &mut self,
        plugin: &Plugin,
        hook: TypedFunc<P, (Result<T, String>,)>,
        parameters: P,
    ) -> Result<T, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        (Result<T, String>,): ComponentNamedList + Lift + Send + Sync + 'static,
    {
        self.begin_call(plugin.pool.loaded(), true);
        let outcome = {
            let mut call = pin!(hook.call_async(&mut self.store, parameters));
            // Each time it goes on: the clock may have gone to sleep while the guest waited.
            poll_fn(|task| {
                plugin.facts.ticks.wake_at(&plugin.facts.pace);
                call.as_mut().poll(task)
            })
            .await
        };
        self.store.data_mut().claims.end_all();
        self.outcome(outcome)
    }

    fn outcome<T>(&self, outcome: wasmtime::Result<(Result<T, String>,)>) -> Result<T, CallError> {
        match outcome {
            Ok((result,)) => result.map_err(CallError::Hook),
            Err(error) => {
                let limit = self.store.data().facts.limits.timeout;
                Err(call_error(&self.store, &error, limit))
            }
        }
    }
}

fn not_exported() -> CallError {
    CallError::Trap("it does not export this hook".to_owned(), Frames::default())
}

/// Starts the clock for what comes next.
fn arm(store: &mut Store<State>) {
    store.data().facts.ticks.wake();
    store.set_epoch_deadline(1);
}

type Started = (Functions, Result<Hooks, String>);

fn start(store: &mut Store<State>, loaded: &Loaded, exports: Exports) -> wasmtime::Result<Started> {
    let Pre::Plugin(pre) = &loaded.pre else { bail!("it is no plugin") };
    // Components with imports that wait can only be called on fibers.
    let instance: Component = if loaded.waits {
        fiber::ready(pre.instantiate_async(&mut *store))?
    } else {
        pre.instantiate(&mut *store)?
    };
    let functions = Functions {
        request: function(store, instance, exports.request)?,
        response: function(store, instance, exports.response)?,
        request_body: function(store, instance, exports.request_body)?,
        response_body: function(store, instance, exports.response_body)?,
        handle: function(store, instance, exports.handle)?,
    };
    let Some(init) = loaded.init else { return Ok((functions, Ok(Hooks::all()))) };
    let init: TypedFunc<(), (Result<Hooks, String>,)> =
        instance.get_typed_func(&mut *store, init)?;
    let (hooks,) = if loaded.waits {
        fiber::ready(init.call_async(&mut *store, ()))?
    } else {
        init.call(&mut *store, ())?
    };
    Ok((functions, hooks))
}

fn function<P, R>(
    store: &mut Store<State>,
    instance: Component,
    at: Option<ComponentExportIndex>,
) -> wasmtime::Result<Option<TypedFunc<P, R>>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    at.map(|at| instance.get_typed_func(&mut *store, at)).transpose()
}

fn call_error(store: &Store<State>, error: &wasmtime::Error, limit: Duration) -> CallError {
    let State { memory, facts, output, .. } = store.data();
    CallError::of(error, limit, memory, &facts.limits, &output.last_words())
}
