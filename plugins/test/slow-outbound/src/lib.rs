//! Asks another service before a request with the header `x-ask` goes on, and fails if no answer comes; or loops for
//! ever, if it is configured so.

use std::time::Duration;

use serde::Deserialize;
use torana_plugin::{Action, Plugin, Request, Result, export, http};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowOutbound {
    url: String,
    timeout_ms: u64,
    #[serde(default)]
    loops: bool,
}

impl Plugin for SlowOutbound {
    type Config = Self;

    fn new(config: Self) -> Result<Self> {
        Ok(config)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        if request.header("x-ask").is_some() {
            let timeout = Duration::from_millis(self.timeout_ms);
            let answer = http::Request::get(&self.url).timeout(timeout).send();
            while std::hint::black_box(self.loops) {}
            let answer = answer?;
            request.set_header("x-asked", &answer.status.to_string())?;
        }
        Ok(Action::Continue)
    }
}

export!(SlowOutbound: on_request);
