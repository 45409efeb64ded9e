//! A plugin that runs: an equal one that does already, or a new one.

use std::sync::Arc;

use torana_core::pipeline::{BuildContext, Level};

use super::plan::{Checked, Plan};
use crate::{
    attached,
    bindings::torana::plugin::types::Hooks,
    budget::Pace,
    component::{Hook, Loaded},
    config::Isolation,
    digest::Digest,
    grants::Granted,
    instance::{CallError, Exports, Instance},
    jsonpath::Queries,
    kv::{Quota, Shelf},
    metrics::Registry,
    outbound::Upstreams,
    plugin::{Facts, Limits, Plugin},
    pool::Pool,
    rate::LogRate,
    trip::Trip,
    wasi_http,
};

/// What makes two attachments share compiled code and warm instances, also across reloads.
#[derive(Hash)]
struct PoolKey<'a> {
    digest: Digest,
    name: &'a str,
    config: &'a str,
    grants: &'a Granted,
    upstreams: &'a Upstreams,
    quota: Option<Quota>,
    environment: &'a [(String, String)],
    limits: Limits,
    isolation: Isolation,
    pins: bool,
    hooks: &'a [Hook],
}

impl Plan {
    /// An equal plugin that runs already, or a new one after a trial start.
    pub(super) fn plugin(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
        hooks: &[Hook],
        cx: &BuildContext<'_>,
    ) -> Checked<Arc<Plugin>> {
        let text = self.config.config.to_string();
        let pins = matches!(cx.level, Level::Endpoint(_));
        let store = self.shelf(cx)?;
        let environment = self.environment(cx);
        let granted = &self.config.grants.0;
        let metrics = granted.metrics.then(|| Registry::of(cx.resources, &self.config.name));
        let log_rate = LogRate::of(cx.resources, &self.config.name);
        let key = PoolKey {
            digest: loaded.digest,
            name: &self.config.name,
            config: &text,
            grants: granted,
            quota: store.as_ref().map(|shelf| shelf.quota),
            environment: &environment,
            upstreams: &self.upstreams,
            limits,
            isolation: self.config.isolation,
            pins,
            hooks,
        };
        let facts = || Facts {
            name: (*self.config.name).into(),
            config: text.clone(),
            grants: granted.clone(),
            upstreams: self.upstreams.clone(),
            limits,
            pins,
            queries: Queries::default(),
            environment: environment.clone(),
            store,
            metrics,
            log_rate,
            pace: Pace::default(),
            ticks: loaded.engine.ticks().clone(),
        };
        let exports = exports(loaded, hooks);
        let mut is_new = false;
        let make = || {
            is_new = true;
            let facts = Arc::new(facts());
            let pool = |keep| Pool::new(Arc::clone(loaded), Arc::clone(&facts), exports, keep);
            let (pool, wants) = if let Some(pre) = loaded.wasi_http() {
                wasi_http::try_start(loaded, pre, &facts)?;
                (pool(false), Hooks::all())
            } else {
                let (first, wants) = Instance::new(loaded, &facts, exports)?;
                let pool = pool(self.config.isolation == Isolation::Pooled);
                pool.give(first);
                (pool, wants)
            };
            Ok(Plugin { facts, pool, trip: Trip::default(), wants })
        };
        let plugin = cx.resources.get_or_try_make(&key, make).map_err(|error: CallError| {
            let message = format!("`{}` refuses its configuration: {error}", self.config.name);
            let key = if self.config.config.is_null() { "source" } else { "config" };
            self.error("plugin-config", key, message)
        })?;
        if is_new {
            loaded.engine.register(&plugin);
        }
        Ok(plugin)
    }

    /// The store that it may use.
    fn shelf(&self, cx: &BuildContext<'_>) -> Checked<Option<Shelf>> {
        let Some(grant) = &self.config.grants.0.kv else { return Ok(None) };
        let quota = attached::quota(cx.gateway, &grant.store)?;
        Ok(Some(Shelf::of(cx.resources, &grant.store, quota)))
    }

    /// The variables that it may read and that are set.
    fn environment(&self, cx: &BuildContext<'_>) -> Vec<(String, String)> {
        let value =
            |name: &String| Some((name.clone(), cx.gateway.environment.get(name)?.to_owned()));
        self.config.grants.0.env.iter().filter_map(value).collect()
    }
}

/// The functions of these hooks.
fn exports(loaded: &Loaded, hooks: &[Hook]) -> Exports {
    let mut exports = Exports::default();
    for hook in hooks {
        let at = loaded.hook(*hook).copied();
        match hook {
            Hook::OnRequest | Hook::OnBackendRequest => exports.request = at,
            Hook::OnResponse | Hook::OnBackendResponse => exports.response = at,
            Hook::OnRequestBody => exports.request_body = at,
            Hook::OnResponseBody => exports.response_body = at,
            Hook::Handle => exports.handle = at,
        }
    }
    exports
}
