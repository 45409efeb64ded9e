//! A plugin of a configuration: a component with its settings, figures and instances.

use std::{sync::Arc, time::Duration};

use crate::{
    bindings::torana::plugin::types::Hooks, bodies::BodyLimit, budget::Pace, grants::Granted,
    jsonpath::Queries, kv::Shelf, metrics::Registry, outbound::Upstreams, pool::Pool,
    rate::LogRate, ticker::Ticks, trip::Trip,
};

/// A plugin that runs: shared by attachments that are configured alike, and kept over reloads that do not change it.
pub(crate) struct Plugin {
    pub(crate) facts: Arc<Facts>,
    pub(crate) pool: Pool,
    /// Switches it off for a while when it keeps failing.
    pub(crate) trip: Trip,
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
    /// The services that it may call.
    pub(crate) upstreams: Upstreams,
    /// Its limits.
    pub(crate) limits: Limits,
    /// Request headers that it sets pass the endpoint's header filter.
    pub(crate) pins: bool,
    /// The JSONPath queries that it has used.
    pub(crate) queries: Queries,
    /// The variables that it may read and that are set.
    pub(crate) environment: Vec<(String, String)>,
    /// The store that it may use.
    pub(crate) store: Option<Shelf>,
    /// Its metrics, if it may keep any.
    pub(crate) metrics: Option<Arc<Registry>>,
    /// How many lines it may log; shared by all plugins of its name.
    pub(crate) log_rate: Arc<LogRate>,
    /// Whether it has long calls.
    pub(crate) pace: Pace,
    /// What limits their time.
    pub(crate) ticks: Ticks,
}

/// How much a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    /// Time of one hook call.
    pub(crate) timeout: Duration,
    /// Bytes of memory of one instance.
    pub(crate) memory: usize,
    /// Up to how many bytes bodies are collected for the plugin.
    pub(crate) body: BodyLimit,
    /// Instances that one worker may have in use.
    pub(crate) instances: usize,
    /// Requests that may wait for an instance of one worker.
    pub(crate) queue: usize,
    /// Outbound calls that one hook call may make.
    pub(crate) calls: u32,
}
