//! Counts calls of its instance in `x-calls`; the second call of an instance panics.

use std::cell::Cell;

use torana_plugin::{Action, Plugin, Request, Result, export};

struct PanicOnce {
    calls: Cell<u32>,
}

impl Plugin for PanicOnce {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self { calls: Cell::new(0) })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        self.calls.set(self.calls.get() + 1);
        request.set_header("x-calls", &self.calls.get().to_string())?;
        assert_ne!(self.calls.get(), 2, "second call");
        Ok(Action::Continue)
    }
}

export!(PanicOnce: on_request);
