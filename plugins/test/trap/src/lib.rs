//! Traps when a request has the header `x-trap`.

use torana_plugin::{Action, Plugin, Request, Result, export};

struct Trap;

impl Plugin for Trap {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        request.set_header("x-seen", "yes")?;
        check(request);
        Ok(Action::Continue)
    }
}

/// A function of its own, which a backtrace can name.
#[inline(never)]
fn check(request: &Request) {
    assert!(request.header("x-trap").is_none(), "the request asked for it");
}

export!(Trap: on_request);
