//! What must be right about a plugin before it starts.

use std::sync::Arc;

use torana_config::{Diagnostic, Severity};
use torana_core::pipeline::{BuildContext, Level};

use super::plan::{Checked, Findings, Plan};
use crate::{
    cache::Cache,
    component::{Hook, Loaded},
    config::OnError,
    plugin::Limits,
    step::LevelHooks,
};

impl Plan {
    /// What can be known without starting it.
    pub(super) fn check(
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
    pub(super) fn is_wrong(&self, key: &str, cx: &BuildContext<'_>) -> bool {
        let at = self.at.key(key);
        cx.diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error && found.at.is_within(&at))
    }

    /// The hooks that exist at this level, that the component exports, and that the configuration does not leave out.
    pub(super) fn level_hooks(&self, loaded: &Loaded, level: Level<'_>) -> Checked<LevelHooks> {
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

    /// Refuses hooks that are never called: they may be thought to guard something.
    pub(super) fn check_backend_hooks(&self, cx: &mut BuildContext<'_>) -> Checked<()> {
        if self.config.on_error == OnError::Pass {
            let message = "a backend cannot be passed over: it fails with the plugin";
            cx.report(Diagnostic::warning("not-supported", self.at.key("on_error"), message));
        }
        let mut hooks = self.config.hooks.iter().flatten();
        let Some(index) = hooks.position(|hook| *hook != Hook::Handle) else { return Ok(()) };
        let at = self.at.key("hooks").index(index);
        let message = "in a backend's place only `handle` is called".to_owned();
        let help =
            "attach the plugin a second time, to the backend or endpoint, for its other hooks";
        Err(Box::new(Diagnostic::error("plugin-hook", at, message).help(help)))
    }
}
