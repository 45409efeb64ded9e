//! Writes as many lines of 10 KB into the log as the header `x-flood` says: every second one through `log`, the others on
//! standard error.

use torana_plugin::{Action, Plugin, Request, Result, export, log};

/// Bytes of a line, more than the gateway takes.
const LINE: usize = 10_000;

struct Flood;

impl Plugin for Flood {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let lines: u32 =
            request.header("x-flood").and_then(|text| text.parse().ok()).unwrap_or_default();
        let text = "flood ".repeat(LINE / 6);
        for line in 0..lines {
            if line % 2 == 0 {
                log::warn(&text);
            } else {
                eprintln!("{text}");
            }
        }
        request.set_header("x-flooded", &lines.to_string())?;
        Ok(Action::Continue)
    }
}

export!(Flood: on_request);
