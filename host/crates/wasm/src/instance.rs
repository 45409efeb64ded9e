//! One instance of a plugin: a store with the functions of its hooks.

use std::{sync::Arc, time::Duration};

use torana_core::{Request, RequestContext, Response};
use wasmtime::{
    Store, Trap,
    component::{ComponentExportIndex, Instance as Component, TypedFunc},
};

use crate::{
    bindings::torana::plugin::types::{Action, Hooks},
    component::Loaded,
    engine::TICK,
    limits::Memory,
    output::Output,
    plugin::Facts,
    state::{Exchange, State},
};

/// Time for instantiation and `init`, which may have more to do than a hook.
const START_LIMIT: Duration = Duration::from_millis(100);
/// Bytes beside the body that may cross in one call.
const CALL_BYTES: usize = 64 << 10;
/// Bytes that may cross when no body limit says more.
const DEFAULT_BODY: usize = 1 << 20;

type RequestHook = TypedFunc<(), (Result<Action, String>,)>;
type ResponseHook = TypedFunc<(), (Result<(), String>,)>;

/// The hooks that are called at the level of an attachment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exports {
    pub(crate) request: Option<ComponentExportIndex>,
    pub(crate) response: Option<ComponentExportIndex>,
}

/// An instance.
pub(crate) struct Instance {
    store: Store<State>,
    request: Option<RequestHook>,
    response: Option<ResponseHook>,
    ticks: u64,
    uses: u32,
}

/// Why a call of a guest failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The hook said so.
    #[error("{0}")]
    Hook(String),
    /// The guest ran for too long.
    #[error("time limit of {0:?} exceeded")]
    Time(Duration),
    /// The guest wanted more memory than it may have.
    #[error("memory limit of {0} bytes exceeded")]
    Memory(usize),
    /// Anything else that ends an instance.
    #[error("{0}")]
    Trap(String),
    /// There is no place for another instance.
    #[error("all instances are busy")]
    Busy,
    /// The guest's answer is none.
    #[error("{0}")]
    Answer(String),
}

/// How many ticks make a time limit: at least as long, at most a tick longer.
pub(crate) fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).saturating_add(1)
}

impl Instance {
    /// Makes an instance and runs its `init`. Gives the hooks that it wants to be called for.
    pub(crate) fn new(
        loaded: &Loaded,
        facts: &Arc<Facts>,
        exports: Exports,
    ) -> Result<(Self, Hooks), CallError> {
        let limits = facts.limits;
        let state = State {
            facts: Arc::clone(facts),
            exchange: Exchange::new(),
            memory: Memory::new(limits.memory),
            output: Output::default(),
        };
        let mut store = Store::new(loaded.engine.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.body.unwrap_or(DEFAULT_BODY).saturating_add(CALL_BYTES));
        let start_limit = limits.timeout.max(START_LIMIT);
        store.set_epoch_deadline(ticks(start_limit));
        loaded.engine.wake();
        let made = start(&mut store, loaded, exports);
        let (request, response, hooks) =
            made.map_err(|error| call_error(&store, &error, start_limit))?;
        let hooks = hooks.map_err(CallError::Hook)?;
        Ok((Self { store, request, response, ticks: ticks(limits.timeout), uses: 0 }, hooks))
    }

    /// How many calls it has served.
    pub(crate) fn uses(&self) -> u32 {
        self.uses
    }

    fn start_call(&mut self, loaded: &Loaded) {
        loaded.engine.wake();
        self.uses = self.uses.saturating_add(1);
        // Ticks, not a clock: reading one costs more than all the rest of the entry.
        self.store.set_epoch_deadline(self.ticks);
        self.store.data_mut().output.start();
    }

    /// Runs the request hook. After any error but [`CallError::Hook`] the instance must not be used again.
    pub(crate) fn on_request(
        &mut self,
        loaded: &Loaded,
        cx: &RequestContext,
        request: &mut Request,
    ) -> Result<Action, CallError> {
        let Some(hook) = self.request else { return Ok(Action::Continue) };
        self.start_call(loaded);
        self.store.data_mut().exchange.enter_request(cx, request);
        let outcome = hook.call(&mut self.store, ());
        self.store.data_mut().exchange.leave_request(request);
        self.outcome(outcome)
    }

    /// Runs the response hook. The response comes back in any case; errors as with [`Instance::on_request`].
    pub(crate) fn on_response(
        &mut self,
        loaded: &Loaded,
        cx: &RequestContext,
        response: Response,
    ) -> (Response, Result<(), CallError>) {
        let Some(hook) = self.response else { return (response, Ok(())) };
        self.start_call(loaded);
        self.store.data_mut().exchange.enter_response(cx, response);
        let outcome = hook.call(&mut self.store, ());
        let response = self.store.data_mut().exchange.leave_response();
        let response = response.expect("hooks edit the response in place, none takes it out");
        (response, self.outcome(outcome))
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

type Started = (Option<RequestHook>, Option<ResponseHook>, Result<Hooks, String>);

fn start(store: &mut Store<State>, loaded: &Loaded, exports: Exports) -> wasmtime::Result<Started> {
    let instance: Component = loaded.pre.instantiate(&mut *store)?;
    let request = exports.request.map(|at| instance.get_typed_func(&mut *store, at)).transpose()?;
    let response =
        exports.response.map(|at| instance.get_typed_func(&mut *store, at)).transpose()?;
    let hooks = match loaded.init {
        Some(at) => {
            let init: TypedFunc<(), (Result<Hooks, String>,)> =
                instance.get_typed_func(&mut *store, at)?;
            init.call(&mut *store, ())?.0
        }
        None => Ok(Hooks::all()),
    };
    Ok((request, response, hooks))
}

fn call_error(store: &Store<State>, error: &wasmtime::Error, limit: Duration) -> CallError {
    let state = store.data();
    if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        return CallError::Time(limit);
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return CallError::Busy;
    }
    if state.memory.was_refused() {
        return CallError::Memory(state.facts.limits.memory);
    }
    let last_words = state.output.last_words();
    CallError::Trap(if last_words.is_empty() {
        format!("{error:#}")
    } else {
        format!("{last_words} ({:#})", error.root_cause())
    })
}
