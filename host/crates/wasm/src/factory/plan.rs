//! A plugin that is being built.

use std::sync::Arc;

use torana_config::{Diagnostic, Pointer, valid::Encoding};
use torana_core::pipeline::{Backend, BuildContext, Built, Level, Step};

use crate::{
    backend::PluginBackend,
    bindings::torana::plugin::types::Hooks,
    bodies::BodyLimit,
    cache::Cache,
    call::Caller,
    component::{Hook, Loaded},
    config::{Isolation, OnError, PluginConfig},
    outbound::Upstreams,
    plugin::{Limits, Plugin},
    step::{LevelHooks, PluginStep},
    wasi_http::WasiHttpBackend,
};

/// A plugin that is being built: its configuration and where that stands.
pub(super) struct Plan {
    pub(super) config: PluginConfig,
    pub(super) at: Pointer,
    pub(super) upstreams: Upstreams,
}

pub(super) type Checked<T> = Result<T, Box<Diagnostic>>;

/// What keeps a plugin from being built.
#[derive(Debug)]
pub(super) struct Findings(pub(super) Vec<Diagnostic>);

impl From<Box<Diagnostic>> for Findings {
    fn from(one: Box<Diagnostic>) -> Self {
        Self(vec![*one])
    }
}

impl Plan {
    pub(super) fn new(
        config: PluginConfig,
        at: Pointer,
        cx: &mut BuildContext<'_>,
    ) -> Option<Self> {
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
    pub(super) fn start(
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

    pub(super) fn build(
        self,
        cx: &mut BuildContext<'_>,
        cache: &Cache,
    ) -> Result<Option<Built>, Findings> {
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

    pub(super) fn build_backend(
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
        self.check_backend_hooks(cx)?;
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
        self.check_backend_hooks(cx)?;
        let plugin = self.plugin(loaded, limits, &[Hook::Handle], cx)?;
        let collects = collects(&plugin).request;
        let detail = self.detail("wasi:http", loaded);
        let caller = Caller { plugin, on_error: self.config.on_error };
        Ok((Box::new(WasiHttpBackend::new(caller, collects)), detail))
    }

    /// What plans say of it: hooks, and what it asks for against what it is granted.
    fn detail(&self, hooks: &str, loaded: &Loaded) -> String {
        let asks = self.config.grants.0.describe(&loaded.asks);
        let colon = if asks.is_empty() { "" } else { ": " };
        let pass = if self.config.on_error == OnError::Pass { "; on_error: pass" } else { "" };
        let fresh =
            if self.config.isolation == Isolation::Request { "; isolation: request" } else { "" };
        format!("{} ({hooks}){pass}{fresh}{colon}{asks}", self.config.name)
    }

    pub(super) fn error(
        &self,
        code: &'static str,
        key: &str,
        message: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(code, self.at.key(key), message))
    }
}

/// Hooks by their names.
fn words(hooks: &[Hook]) -> String {
    hooks.iter().map(|hook| hook.word()).collect::<Vec<_>>().join(", ")
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
