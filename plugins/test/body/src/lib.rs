//! Reads the body of a request and writes it back: what the benches measure.

use torana_plugin::{Action, Plugin, Request, Result, export};

struct Body;

impl Plugin for Body {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        if let Some(body) = request.body() {
            request.set_body(&body)?;
        }
        Ok(Action::Continue)
    }
}

export!(Body: on_request);
