//! [`Gateway`]: what a plugin meets beside its message.

use std::{
    cell::{RefCell, RefMut},
    fmt::Display,
    rc::Rc,
    time::Duration,
};

use super::{
    instance::Instance,
    state::{LogLine, Metric, State, Value},
};
use crate::{Plugin, Result, http};

/// A double of the gateway. Clones are the same gateway. Without settings it is the first of January 2026, 00:00 UTC;
/// random numbers come in the same order in each test; the environment and the store are empty, and no other service may
/// be called.
#[derive(Clone)]
pub struct Gateway(pub(super) Rc<RefCell<State>>);

impl Default for Gateway {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway without any settings.
    #[must_use]
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(State::new())))
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// Grants and sets a variable of the environment.
    #[must_use]
    pub fn with_env(self, name: &str, value: &str) -> Self {
        self.state().environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the wall clock, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn with_time(self, now_ms: u64) -> Self {
        self.state().now_ms = now_ms;
        self
    }

    /// The next random bytes. A number takes eight, the lowest first. Afterwards they come from a fixed sequence again.
    #[must_use]
    pub fn with_random(self, bytes: impl IntoIterator<Item = u8>) -> Self {
        self.state().random.extend(bytes);
        self
    }

    /// Answers in the place of another service, for URLs that begin with `prefix`. The latest one that fits answers;
    /// where none fits, the plugin has no grant.
    #[must_use]
    pub fn with_http(
        self,
        prefix: &str,
        answer: impl FnMut(&http::Request) -> Result<http::Response, http::Error> + 'static,
    ) -> Self {
        self.state().services.push((prefix.to_owned(), Box::new(answer)));
        self
    }

    /// Limits the keys and values of the store, in bytes. There is no limit without.
    #[must_use]
    pub fn with_kv_quota(self, bytes: usize) -> Self {
        self.state().quota = bytes;
        self
    }

    /// Makes an instance of a plugin with its `config`, as JSON text or anything that shows itself as such. `null` is
    /// none.
    ///
    /// # Errors
    /// The plugin refuses the configuration.
    pub fn start<P: Plugin>(&self, config: impl Display) -> Result<Instance<P>> {
        Instance::new(self.clone(), config.to_string())
    }

    /// Moves both clocks on.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state();
        state.now_ms += u64::try_from(time.as_millis()).expect("a time that a test waits for");
        state.monotonic_ns += u64::try_from(time.as_nanos()).expect("a time that a test waits for");
    }

    /// What the plugin has logged.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        self.state().log.clone()
    }

    /// What the plugin has measured, call by call.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        self.state().metrics.clone()
    }

    /// The requests to other services, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<http::Request> {
        self.state().calls.clone()
    }

    /// The value of a key of the store; that of a counter in decimal digits.
    #[must_use]
    pub fn kv(&self, key: &str) -> Option<Vec<u8>> {
        self.state().live(key).map(Value::bytes)
    }

    /// What the hooks of the request with this number keep in `context` under a key.
    #[must_use]
    pub fn context(&self, request_id: u64, key: &str) -> Option<Vec<u8>> {
        self.state().contexts.get(&request_id)?.get(key).cloned()
    }
}
