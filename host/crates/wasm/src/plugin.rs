//! A plugin of a configuration: a component with its settings, counters and instances.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{bindings::torana::plugin::types::Hooks, jsonpath::Queries, pool::Pool};

/// A plugin that runs: shared by attachments that are configured alike, and kept over reloads that do not change it.
pub(crate) struct Plugin {
    pub(crate) facts: Arc<Facts>,
    pub(crate) pool: Pool,
    pub(crate) counters: Counters,
    /// The hooks that its configuration needs.
    pub(crate) wants: Hooks,
}

/// What all instances of a plugin know.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Its name in the configuration.
    pub(crate) name: Arc<str>,
    /// Its `config` as JSON text.
    pub(crate) config: String,
    /// What it may do.
    pub(crate) grants: Granted,
    /// Its limits.
    pub(crate) limits: Limits,
    /// Request headers that it sets pass the endpoint's header filter.
    pub(crate) pins: bool,
    /// The JSONPath queries that it has used.
    pub(crate) queries: Queries,
}

/// What a plugin may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Granted {
    /// Write to the gateway's log.
    pub(crate) log: bool,
}

/// How much a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    /// Time of one hook call.
    pub(crate) timeout: Duration,
    /// Bytes of memory of one instance.
    pub(crate) memory: usize,
    /// Bytes of a body that is collected for the plugin; `None` collects nothing.
    pub(crate) body: Option<usize>,
}

/// What has gone wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Calls that failed.
    pub(crate) failures: AtomicU64,
    /// Of these, requests that went on without the plugin.
    pub(crate) bypasses: AtomicU64,
}

impl Counters {
    /// Adds one.
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
