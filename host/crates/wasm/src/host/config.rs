//! `torana:plugin/config`.

use crate::{bindings::torana::plugin::config::Host, state::State};

impl Host for State {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.config.clone())
    }

    fn env(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        let variable = self.facts.environment.iter().find(|(granted, _)| *granted == name);
        Ok(variable.map(|(_, value)| value.clone()))
    }
}
