//! From a plugin's file to its code.

use std::{io, sync::Arc};

use torana_config::Diagnostic;
use torana_core::pipeline::BuildContext;

use super::{
    NAMESPACE,
    plan::{Checked, Plan},
};
use crate::{
    attached::is_remote,
    cache::Cache,
    component::{LoadError, Loaded},
    digest::Digest,
    engine::Engine,
    source::{MAX_FILE, Source},
};

impl Plan {
    pub(super) fn load(&self, cx: &BuildContext<'_>, cache: &Cache) -> Checked<Arc<Loaded>> {
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
}
