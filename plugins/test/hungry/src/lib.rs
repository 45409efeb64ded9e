//! Allocates and keeps as many MiB as the header `x-eat` says; gives up with `x-taste` if there is no room. Traps with
//! `x-trap`.

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
        for _ in 0..number(request, "x-eat").unwrap_or_default() {
            self.eaten.borrow_mut().push(vec![1; 1 << 20]);
        }
        if let Some(portions) = number(request, "x-taste") {
            let refused = Vec::<u8>::new().try_reserve_exact(portions << 20).is_err();
            request.set_header("x-refused", &refused.to_string())?;
        }
        assert!(request.header("x-trap").is_none(), "the request asked for it");
        request.set_header("x-eaten", &self.eaten.borrow().len().to_string())?;
        Ok(Action::Continue)
    }
}

fn number(request: &Request, header: &str) -> Option<usize> {
    request.header(header)?.parse().ok()
}

export!(Hungry: on_request);
