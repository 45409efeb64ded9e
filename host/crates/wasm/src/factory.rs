//! From `plugin/wasm` in the configuration to steps of a pipeline.

use std::{io, sync::Arc};

use torana_config::{
    Diagnostic, Pointer, Severity, Value, read,
    valid::{Component, Encoding},
    wrong_type,
};
use torana_core::pipeline::{Backend, BuildContext, Built, Level, Step, StepFactory};

use crate::{
    attached::{self, is_remote},
    backend::PluginBackend,
    bindings::torana::plugin::types::Hooks,
    bodies::BodyLimit,
    budget::Pace,
    cache::Cache,
    call::Caller,
    component::{Hook, LoadError, Loaded},
    config::{Isolation, PluginConfig},
    digest::Digest,
    engine::Engine,
    grants::Granted,
    instance::{CallError, Exports, Instance},
    jsonpath::Queries,
    kv::{Quota, Shelf},
    metrics::Registry,
    outbound::Upstreams,
    plugin::{Facts, Limits, Plugin},
    pool::Pool,
    rate::LogRate,
    source::{MAX_FILE, Source},
    step::{LevelHooks, PluginStep},
    trip::Trip,
    wasi_http::{self, WasiHttpBackend},
};

/// The namespace of plugins.
pub const NAMESPACE: &str = "plugin/wasm";

/// Plugins around the router: they see requests first and answers last.
pub struct ServiceHooks;
/// Plugins around an endpoint: in front of its header filter, and behind its merge.
pub struct EndpointHooks;
/// Plugins around one backend.
pub struct BackendHooks;

macro_rules! factories {
    ($($factory:ident),*) => {$(
        impl StepFactory for $factory {
            fn name(&self) -> &'static str {
                NAMESPACE
            }

            fn namespaces(&self) -> &'static [&'static str] {
                &[NAMESPACE]
            }

            /// The first plugin only: there may be several, see [`StepFactory::build_all`].
            fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
                self.build_all(cx).into_iter().next()
            }

            fn build_all(&self, cx: &mut BuildContext<'_>) -> Vec<Built> {
                build_all(cx, &Cache::from_environment())
            }
        }
    )*};
}
factories!(ServiceHooks, EndpointHooks, BackendHooks);

/// Builds the plugins of a level, with compiled code kept in `cache`.
pub(crate) fn build_all(cx: &mut BuildContext<'_>, cache: &Cache) -> Vec<Built> {
    let Some((value, at)) = cx.component(NAMESPACE).map(|c| (c.value.clone(), c.at.clone())) else {
        return Vec::new();
    };
    let Value::Array(plugins) = &value else {
        let expected = "an array of plugins";
        cx.report(wrong_type(expected, &value, torana_config::At::Root(&at)));
        return Vec::new();
    };
    let build = |(index, plugin)| build(plugin, at.index(index), cx, cache);
    plugins.iter().enumerate().filter_map(build).collect()
}

/// A plugin that is being built: its configuration and where that stands.
struct Plan {
    config: PluginConfig,
    at: Pointer,
    upstreams: Upstreams,
}

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

fn build(value: &Value, at: Pointer, cx: &mut BuildContext<'_>, cache: &Cache) -> Option<Built> {
    let config = read::<PluginConfig>(value, &at, cx.diagnostics)?;
    let plan = Plan::new(config, at, cx)?;
    match plan.build(cx, cache) {
        Ok(built) => built,
        Err(Findings(found)) => {
            found.into_iter().for_each(|diagnostic| cx.report(diagnostic));
            None
        }
    }
}

type Checked<T> = Result<T, Box<Diagnostic>>;

/// What keeps a plugin from being built.
#[derive(Debug)]
struct Findings(Vec<Diagnostic>);

impl From<Box<Diagnostic>> for Findings {
    fn from(one: Box<Diagnostic>) -> Self {
        Self(vec![*one])
    }
}

impl Plan {
    fn new(config: PluginConfig, at: Pointer, cx: &mut BuildContext<'_>) -> Option<Self> {
        let mut upstreams = Upstreams::default();
        for (index, origin) in config.grants.0.http.iter().enumerate() {
            let at = at.key("grants").key("http").index(index);
            let host = origin.host(at.clone());
            let Some(upstream) = host.and_then(|host| (cx.upstream)(cx, &host)) else {
                // A plugin must not vanish without a word: what it guards would be open.
                if !cx.diagnostics.has_errors() {
                    let message = format!("`{}` cannot be called", origin.as_str());
                    cx.report(Diagnostic::error("plugin-grant", at, message));
                }
                return None;
            };
            upstreams.add(origin.clone(), upstream);
        }
        Some(Self { config, at, upstreams })
    }

    /// The plugin, running, with the hooks that this level has for it.
    fn start(
        &self,
        cx: &mut BuildContext<'_>,
        cache: &Cache,
    ) -> Result<(Arc<Plugin>, LevelHooks), Findings> {
        let (loaded, limits) = self.check(cx, cache)?;
        if self.is_wrong("hooks", cx) {
            return Err(Findings(Vec::new()));
        }
        let hooks = self.level_hooks(&loaded, cx.level)?;
        let called: Vec<_> = hooks.iter().collect();
        Ok((self.plugin(&loaded, limits, &called, cx)?, hooks))
    }

    /// What can be known without starting it.
    fn check(
        &self,
        cx: &mut BuildContext<'_>,
        cache: &Cache,
    ) -> Result<(Arc<Loaded>, Limits), Findings> {
        let limits = self.config.limits.check().map_err(|found| {
            let error = |(key, message): (&str, &str)| {
                Diagnostic::error("plugin-limit", self.at.key("limits").key(key), message)
            };
            Findings(found.into_iter().map(error).collect())
        })?;
        let loaded = self.load(cx, cache)?;
        self.check_memory(&loaded, &limits, cx)?;
        self.check_schema(&loaded)?;
        self.check_grants(&loaded, cx)?;
        loaded.engine.ticks().announce(limits.timeout);
        Ok((loaded, limits))
    }

    fn build(self, cx: &mut BuildContext<'_>, cache: &Cache) -> Result<Option<Built>, Findings> {
        let (plugin, hooks) = self.start(cx, cache)?;
        // What the plugin's own configuration does not ask for is not called.
        let wanted = |hook: &Hook| flag(*hook).is_none_or(|flag| plugin.wants.contains(flag));
        let hooks = LevelHooks {
            request: hooks.request.filter(wanted),
            response: hooks.response.filter(wanted),
            ..hooks
        };
        if hooks.iter().next().is_none() {
            return Ok(None);
        }
        let decodes =
            matches!(cx.level, Level::Backend(_, backend) if backend.encoding != Encoding::NoOp);
        let collects = collects(&plugin);
        let called: Vec<_> = hooks.iter().collect();
        let detail = self.detail(&words(&called), plugin.pool.loaded());
        let caller = Caller { plugin, on_error: self.config.on_error };
        let step = Step::Around(Box::new(PluginStep::new(caller, hooks, decodes, collects)));
        Ok(Some(Built { step, detail, at: Some(self.at) }))
    }

    fn build_backend(
        self,
        cx: &mut BuildContext<'_>,
        cache: &Cache,
    ) -> Result<(Box<dyn Backend>, String), Findings> {
        let (loaded, limits) = self.check(cx, cache)?;
        if loaded.wasi_http().is_some() {
            return self.build_wasi_http(&loaded, limits, cx);
        }
        if loaded.hook(Hook::Handle).is_none() {
            let message = format!(
                "`{}` is no backend: it does not export `handle`, it exports {}",
                self.config.source,
                loaded.words()
            );
            return Err(self.error("plugin-hook", "source", message).into());
        }
        self.check_backend_hooks()?;
        let plugin = self.plugin(&loaded, limits, &[Hook::Handle], cx)?;
        let collects = collects(&plugin);
        let detail = self.detail(Hook::Handle.word(), plugin.pool.loaded());
        let caller = Caller { plugin, on_error: self.config.on_error };
        Ok((Box::new(PluginBackend::new(caller, collects.request)), detail))
    }

    fn build_wasi_http(
        self,
        loaded: &Arc<Loaded>,
        limits: Limits,
        cx: &mut BuildContext<'_>,
    ) -> Result<(Box<dyn Backend>, String), Findings> {
        if !self.config.config.is_null() {
            let message = format!("`{}` cannot read a `config`", self.config.name);
            let help = "components of `wasi:http` have none: grant it variables with `grants.env`";
            return Err(Box::new(
                Diagnostic::error("plugin-config", self.at.key("config"), message).help(help),
            )
            .into());
        }
        self.check_backend_hooks()?;
        let plugin = self.plugin(loaded, limits, &[Hook::Handle], cx)?;
        let collects = collects(&plugin).request;
        let detail = self.detail("wasi:http", loaded);
        let caller = Caller { plugin, on_error: self.config.on_error };
        Ok((Box::new(WasiHttpBackend::new(caller, collects)), detail))
    }

    /// Refuses hooks that are never called: they may be thought to guard something.
    fn check_backend_hooks(&self) -> Checked<()> {
        let mut hooks = self.config.hooks.iter().flatten();
        let Some(index) = hooks.position(|hook| *hook != Hook::Handle) else { return Ok(()) };
        let at = self.at.key("hooks").index(index);
        let message = "in a backend's place only `handle` is called".to_owned();
        let help =
            "attach the plugin a second time, to the backend or endpoint, for its other hooks";
        Err(Box::new(Diagnostic::error("plugin-hook", at, message).help(help)))
    }

    /// What plans say of it: hooks, and what it asks for against what it is granted.
    fn detail(&self, hooks: &str, loaded: &Loaded) -> String {
        let asks = self.config.grants.0.describe(&loaded.asks);
        let colon = if asks.is_empty() { "" } else { ": " };
        format!("{} ({hooks}){colon}{asks}", self.config.name)
    }

    fn error(&self, code: &'static str, key: &str, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(code, self.at.key(key), message))
    }

    fn source_error(&self, message: String) -> Box<Diagnostic> {
        self.error("plugin-source", "source", message)
    }

    fn unreadable(&self, error: &io::Error) -> Box<Diagnostic> {
        self.source_error(format!("cannot read `{}`: {error}", self.config.source))
    }

    fn open(&self) -> Checked<Source> {
        let source = &self.config.source;
        if is_remote(source) {
            let message = format!("`{source}` is not a path: only files are loaded");
            return Err(self.source_error(message));
        }
        Source::open(source.as_ref()).map_err(|error| self.unreadable(&error))
    }

    fn read(&self, source: Source) -> Checked<Vec<u8>> {
        let bytes = source.read().map_err(|error| self.unreadable(&error))?;
        if bytes.len() as u64 > MAX_FILE {
            let limit = MAX_FILE >> 20;
            let message = format!("`{}` is larger than {limit} MiB", self.config.source);
            return Err(self.source_error(message));
        }
        Ok(bytes)
    }

    fn load(&self, cx: &BuildContext<'_>, cache: &Cache) -> Checked<Arc<Loaded>> {
        let source = self.open()?;
        // The engine is made here, for the first plugin: a gateway without plugins has none.
        let engine = cx.resources.get_or_try_make(&NAMESPACE, Engine::new).map_err(|error| {
            self.error("plugin-engine", "source", format!("plugins cannot run here: {error:#}"))
        })?;
        // A pin is held against the bytes themselves.
        if self.config.sha256.is_none()
            && let Some(mut known) = cache.known(source.stamp())
        {
            let (digest, code) = (known.digest, known.code);
            let load = || Loaded::remembered(Arc::clone(&engine), cache, &mut known).ok_or(());
            if let Ok(loaded) = cx.resources.get_or_try_make(&digest, load) {
                // Not while it is made, which keeps others from their resources.
                if known.code != code {
                    cache.remember(&known);
                }
                return Ok(loaded);
            }
        }
        let settled = source.settled();
        let bytes = self.read(source)?;
        let digest = Digest::of(&bytes);
        if let Some(pin) = &self.config.sha256
            && !pin.eq_ignore_ascii_case(&digest.to_string())
        {
            let message = format!("`{}` has the digest {digest}", self.config.source);
            return Err(self.error("plugin-digest", "sha256", message));
        }
        let load = || Loaded::load(Arc::clone(&engine), cache, digest, &bytes);
        let loaded = cx.resources.get_or_try_make(&digest, load).map_err(|error: LoadError| {
            let code = match error {
                LoadError::Imports(_) | LoadError::StandardImports(_) => "plugin-import",
                _ => "plugin-component",
            };
            let message = format!("`{}` is no plugin: {error}", self.config.source);
            let mut diagnostic = self.error(code, "source", message);
            diagnostic.help = Some(error.help().to_owned());
            diagnostic
        })?;
        // Not judged by the time it is now: compiling takes seconds, in which any file settles.
        if let Some(stamp) = settled {
            cache.remember(&loaded.known(stamp));
        }
        Ok(loaded)
    }

    /// Instances would not even start.
    fn check_memory(
        &self,
        loaded: &Loaded,
        limits: &Limits,
        cx: &mut BuildContext<'_>,
    ) -> Checked<()> {
        let body = self.config.limits.body.largest().unwrap_or_default() as u64;
        if loaded.memory <= limits.memory as u64 {
            if loaded.memory.saturating_add(body) > limits.memory as u64 {
                cx.report(self.body_does_not_fit());
            }
            return Ok(());
        }
        let mib = loaded.memory.div_ceil(1 << 20);
        let message =
            format!("`{}` starts with {mib} MiB of memory, more than its limit", self.config.name);
        let at = self.at.key("limits").key("memory");
        let diagnostic = Diagnostic::error("plugin-limit", at, message);
        Err(Box::new(
            diagnostic.help(format!("set `limits.memory` to `{mib}MiB` and what it needs beyond")),
        ))
    }

    fn body_does_not_fit(&self) -> Diagnostic {
        let message = format!(
            "`{}` has less memory than the largest body that it may read: requests with one would fail",
            self.config.name
        );
        let at = self.at.key("limits").key("body");
        Diagnostic::warning("plugin-memory", at, message)
            .help("raise `limits.memory`: a plugin needs some three times the body to change it")
    }

    fn check_schema(&self, loaded: &Loaded) -> Result<(), Findings> {
        let Some(schema) = &loaded.schema else { return Ok(()) };
        let found = schema.check(&self.config.name, &self.config.config, &self.at);
        if found.is_empty() { Ok(()) } else { Err(Findings(found)) }
    }

    /// Refuses what is asked for and not granted; reports what is granted and not asked for.
    fn check_grants(&self, loaded: &Loaded, cx: &mut BuildContext<'_>) -> Result<(), Findings> {
        if self.is_wrong("grants", cx) {
            // What cannot be read may well be what would seem to be missing.
            return Err(Findings(Vec::new()));
        }
        let (name, granted) = (&self.config.name, &self.config.grants.0);
        if let Some((message, help)) = granted.refusal(name, &loaded.asks) {
            let diagnostic = Diagnostic::error("plugin-grant", self.at.clone(), message);
            return Err(Box::new(diagnostic.help(help)).into());
        }
        for unused in granted.unused(&loaded.asks) {
            let at = self.at.key("grants").key(unused.word());
            let message =
                format!("`{name}` is granted `{}`, which it does not ask for", unused.word());
            cx.report(
                Diagnostic::warning("plugin-grant-unused", at, message)
                    .on_key()
                    .help("take the grant away, unless another build of the plugin needs it"),
            );
        }
        Ok(())
    }

    /// Whether something below a key is wrong, which is reported already.
    fn is_wrong(&self, key: &str, cx: &BuildContext<'_>) -> bool {
        let at = self.at.key(key);
        cx.diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error && found.at.is_within(&at))
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

    /// The hooks that exist at this level, that the component exports, and that the configuration does not leave out.
    fn level_hooks(&self, loaded: &Loaded, level: Level<'_>) -> Checked<LevelHooks> {
        let [request, response] = match level {
            Level::Service | Level::Endpoint(_) => [Hook::OnRequest, Hook::OnResponse],
            Level::Backend(..) => [Hook::OnBackendRequest, Hook::OnBackendResponse],
        };
        if self.config.hooks.as_ref().is_some_and(Vec::is_empty) {
            let message = "no hook would be called";
            let help = "leave `hooks` out, and all that fit the level are";
            return Err(Box::new(self.error("plugin-hook", "hooks", message).help(help)));
        }
        let here = [request, response, Hook::OnRequestBody, Hook::OnResponseBody];
        let words = here.map(Hook::word).join(", ");
        for (index, hook) in self.config.hooks.iter().flatten().enumerate() {
            let reason = if !here.contains(hook) {
                format!("`{}` is no hook of this level, which has {words}", hook.word())
            } else if loaded.hook(*hook).is_none() {
                format!("`{}` does not export the hook `{}`", self.config.source, hook.word())
            } else {
                continue;
            };
            let at = self.at.key("hooks").index(index);
            return Err(Box::new(Diagnostic::error("plugin-hook", at, reason)));
        }
        let wanted = |hook: &Hook| {
            loaded.hook(*hook).is_some()
                && self.config.hooks.as_ref().is_none_or(|hooks| hooks.contains(hook))
        };
        let hooks = LevelHooks {
            request: Some(request).filter(wanted),
            response: Some(response).filter(wanted),
            request_body: wanted(&Hook::OnRequestBody),
            response_body: wanted(&Hook::OnResponseBody),
        };
        if hooks.iter().next().is_none() {
            let message = format!(
                "`{}` has no hook for this level, which has {words}: it exports {}",
                self.config.source,
                loaded.words()
            );
            return Err(self.error("plugin-hook", "source", message));
        }
        Ok(hooks)
    }

    /// An equal plugin that runs already, or a new one after a trial start.
    fn plugin(
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
}

/// Hooks by their names.
fn words(hooks: &[Hook]) -> String {
    hooks.iter().map(|hook| hook.word()).collect::<Vec<_>>().join(", ")
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

/// Up to how many bytes bodies are collected for a plugin: of none, if it cannot read them.
fn collects(plugin: &Plugin) -> BodyLimit {
    if plugin.pool.loaded().reads_body { plugin.facts.limits.body } else { BodyLimit::default() }
}

/// What `init` says about a hook; `None` for hooks that it is not asked about.
fn flag(hook: Hook) -> Option<Hooks> {
    match hook {
        Hook::OnRequest => Some(Hooks::ON_REQUEST),
        Hook::OnBackendRequest => Some(Hooks::ON_BACKEND_REQUEST),
        Hook::OnBackendResponse => Some(Hooks::ON_BACKEND_RESPONSE),
        Hook::OnResponse => Some(Hooks::ON_RESPONSE),
        Hook::OnRequestBody | Hook::OnResponseBody | Hook::Handle => None,
    }
}

/// The leaf of a backend that is a plugin, and what plans say of it; problems go to the context.
pub fn backend(
    component: &Component,
    cx: &mut BuildContext<'_>,
) -> Option<(Box<dyn Backend>, String)> {
    let config = read::<PluginConfig>(&component.value, &component.at, cx.diagnostics)?;
    let plan = Plan::new(config, component.at.clone(), cx)?;
    plan.build_backend(cx, &Cache::from_environment())
        .map_err(|Findings(found)| found.into_iter().for_each(|diagnostic| cx.report(diagnostic)))
        .ok()
}

/// The plugin of one element of the array, for tests that look at what runs.
#[cfg(test)]
pub(crate) fn start(value: &Value, cx: &mut BuildContext<'_>, cache: &Cache) -> Arc<Plugin> {
    let at = Pointer::root();
    let config = read::<PluginConfig>(value, &at, cx.diagnostics).expect("a plugin");
    Plan::new(config, at, cx).expect("valid grants").start(cx, cache).expect("a valid plugin").0
}
