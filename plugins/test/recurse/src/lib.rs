//! Recurses until its stack is used up when a request has the header `x-recurse`.

use std::hint::black_box;

use torana_plugin::{Action, Plugin, Request, Result, export};

struct Recurse;

/// Comes back only for a depth of zero; what stands behind the call keeps it from being a loop.
fn deeper(depth: u64) -> u64 {
    if black_box(depth) == 0 {
        return 0;
    }
    deeper(depth.wrapping_add(1)) ^ black_box(depth)
}

impl Plugin for Recurse {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        black_box(deeper(u64::from(request.header("x-recurse").is_some())));
        Ok(Action::Continue)
    }
}

export!(Recurse: on_request);
