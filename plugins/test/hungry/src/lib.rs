//! Allocates and keeps as many MiB as the header `x-eat` says.

use std::cell::RefCell;

use torana_plugin::{Action, Plugin, Request, Result, export};

struct Hungry {
    eaten: RefCell<Vec<Vec<u8>>>,
}

impl Plugin for Hungry {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self { eaten: RefCell::default() })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let portions: usize =
            request.header("x-eat").and_then(|text| text.parse().ok()).unwrap_or_default();
        for _ in 0..portions {
            self.eaten.borrow_mut().push(vec![1; 1 << 20]);
        }
        request.set_header("x-eaten", &self.eaten.borrow().len().to_string())?;
        Ok(Action::Continue)
    }
}

export!(Hungry: on_request);
