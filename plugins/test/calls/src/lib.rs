//! Makes the calls that its configuration lists, and fails if one does not return what it should. The cases in
//! `tests/conformance/calls` are configurations of it.

mod arguments;
mod call;
mod interfaces;

use serde::Deserialize;
use torana_plugin::{Action, Answer, Hooks, Plugin, Request, Response, Result, export};

use crate::call::Call;

/// What each hook does. A hook that is not there is not called.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Calls {
    init: Vec<Call>,
    on_request: Option<Work>,
    on_backend_request: Option<Work>,
    on_backend_response: Option<Work>,
    on_response: Option<Work>,
}

/// The calls of a hook, and what it returns then: it lets the message go on, without more.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Work {
    calls: Vec<Call>,
    /// Request hooks: an answer.
    answer: Option<AnswerText>,
    /// An error.
    error: Option<String>,
    /// A trap.
    trap: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

impl Work {
    fn run(&self) -> Result<()> {
        self.calls.iter().try_for_each(Call::make)?;
        assert!(!self.trap, "the case asks for a trap");
        self.error.as_deref().map_or(Ok(()), |error| Err(error.into()))
    }
}

fn request(work: Option<&Work>) -> Result<Action> {
    let Some(work) = work else { return Ok(Action::Continue) };
    work.run()?;
    let Some(answer) = &work.answer else { return Ok(Action::Continue) };
    let fields = answer.headers.iter();
    let made = Answer::new(answer.status).body(answer.body.as_bytes());
    Ok(fields.fold(made, |made, (name, value)| made.header(name, value)).into())
}

fn response(work: Option<&Work>) -> Result<()> {
    work.map_or(Ok(()), Work::run)
}

impl Plugin for Calls {
    type Config = Self;

    fn new(config: Self) -> Result<Self> {
        config.init.iter().try_for_each(Call::make)?;
        Ok(config)
    }

    fn hooks(&self) -> Hooks {
        let wants = |work: &Option<Work>, hook| if work.is_some() { hook } else { Hooks::empty() };
        wants(&self.on_request, Hooks::ON_REQUEST)
            | wants(&self.on_backend_request, Hooks::ON_BACKEND_REQUEST)
            | wants(&self.on_backend_response, Hooks::ON_BACKEND_RESPONSE)
            | wants(&self.on_response, Hooks::ON_RESPONSE)
    }

    fn on_request(&self, _: &mut Request) -> Result<Action> {
        request(self.on_request.as_ref())
    }

    fn on_backend_request(&self, _: &mut Request) -> Result<Action> {
        request(self.on_backend_request.as_ref())
    }

    fn on_backend_response(&self, _: &mut Response) -> Result<()> {
        response(self.on_backend_response.as_ref())
    }

    fn on_response(&self, _: &mut Response) -> Result<()> {
        response(self.on_response.as_ref())
    }
}

export!(Calls: on_request, on_backend_request, on_backend_response, on_response);
