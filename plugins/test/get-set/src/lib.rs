//! Gets one header and sets one: what the benches measure.

use torana_plugin::{Action, Plugin, Request, Result, export};

struct GetSet;

impl Plugin for GetSet {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        if request.header("authorization").is_some() {
            request.set_header("x-plugin", "1")?;
        }
        Ok(Action::Continue)
    }
}

export!(GetSet: on_request);
