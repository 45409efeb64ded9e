//! Panics in every hundredth call of an instance, or as often as its configuration says.

use std::cell::Cell;

use serde::Deserialize;
use torana_plugin::{Action, Plugin, Request, Result, export};

struct PanicSometimes {
    every: u32,
    calls: Cell<u32>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    every: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { every: 100 }
    }
}

impl Plugin for PanicSometimes {
    type Config = Config;

    fn new(Config { every }: Config) -> Result<Self> {
        Ok(Self { every, calls: Cell::new(0) })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        self.calls.set(self.calls.get() + 1);
        assert!(self.calls.get() < self.every, "one of {} calls", self.every);
        request.set_header("x-calls", &self.calls.get().to_string())?;
        Ok(Action::Continue)
    }
}

export!(PanicSometimes: on_request);
