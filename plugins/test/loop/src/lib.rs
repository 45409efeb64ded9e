//! Loops for ever when a request has the header `x-loop`.

use torana_plugin::{Action, Plugin, Request, Result, export};

struct Loop;

impl Plugin for Loop {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let mut rounds = u64::from(request.header("x-loop").is_some());
        while std::hint::black_box(rounds) > 0 {
            rounds = rounds.wrapping_add(1);
        }
        Ok(Action::Continue)
    }
}

export!(Loop: on_request);
