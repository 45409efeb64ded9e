//! `torana:plugin/log`.

use crate::{
    bindings::torana::plugin::log::{Host, Level},
    output,
    state::State,
};

impl Host for State {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => output::Level::Trace,
            Level::Debug => output::Level::Debug,
            Level::Info => output::Level::Info,
            Level::Warn => output::Level::Warn,
            Level::Error => output::Level::Error,
        };
        self.output.log(&self.facts, self.exchange.request_id, level, &message);
        Ok(())
    }
}
