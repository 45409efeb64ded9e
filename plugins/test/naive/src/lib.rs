//! Believes that every request names its tenant, and that every answer has a number.

use torana_plugin::{Action, Plugin, Request, Response, Result, export};

struct Naive;

impl Plugin for Naive {
    type Config = Option<()>;

    fn new(_: Option<()>) -> Result<Self> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let tenant = request.header("x-tenant").expect("a tenant");
        let initial = tenant.chars().next().expect("a letter");
        request.set_header("x-initial", &initial.to_string())?;
        Ok(Action::Continue)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        let id: i64 = response.data("/id")?.expect("an id");
        response.set_data("/id", &(id + 1))
    }
}

export!(Naive: on_request, on_response);
