//! `torana:plugin/config`.

use crate::{bindings::torana::plugin::config::Host, state::State};

impl Host for State {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.config.clone())
    }

    fn env(&mut self, _name: String) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}
