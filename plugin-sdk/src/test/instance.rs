//! A running plugin.

use std::{
    fmt::{self, Display},
    ops::Deref,
};

use super::{
    gateway::Gateway,
    message::{Request, Response},
    state::{Entered, Exchange},
};
use crate::{Action, Answer, Chunk, Hooks, Plugin, Result, config, header};

/// An instance of a plugin in a double of the gateway. It derefs to the plugin.
pub struct Instance<P> {
    gateway: Gateway,
    plugin: P,
    hooks: Hooks,
}

/// Makes an instance in a [`Gateway`] of its own, as [`Gateway::start`] does.
///
/// # Errors
/// The plugin refuses the configuration.
pub fn start<P: Plugin>(config: impl Display) -> Result<Instance<P>> {
    Gateway::new().start(config)
}

impl<P> fmt::Debug for Instance<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

impl<P> Deref for Instance<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.plugin
    }
}

impl<P: Plugin> Instance<P> {
    pub(super) fn new(gateway: Gateway, text: String) -> Result<Self> {
        gateway.0.borrow_mut().config = text;
        let plugin = {
            let _entered = Entered::new(&gateway.0);
            P::new(config::read()?)?
        };
        let hooks = plugin.hooks();
        Ok(Self { gateway, plugin, hooks })
    }

    /// The gateway that it runs in.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    fn run<T>(&self, exchange: Exchange, hook: impl FnOnce(&P) -> T) -> (T, Exchange) {
        let _entered = Entered::new(&self.gateway.0);
        {
            let mut state = self.gateway.0.borrow_mut();
            state.exchange = exchange;
            (state.lines_in_call, state.calls_in_hook, state.claims_in_hook) = (0, 0, 0);
            state.claims.clear();
        }
        let result = hook(&self.plugin);
        (result, std::mem::replace(&mut self.gateway.0.borrow_mut().exchange, Exchange::Idle))
    }

    fn request<T>(&self, request: &mut Request, hook: impl FnOnce(&P) -> T) -> T {
        let (result, exchange) = self.run(Exchange::Request(std::mem::take(request)), hook);
        if let Exchange::Request(edited) = exchange {
            *request = edited;
        }
        result
    }

    fn response<T>(&self, response: &mut Response, hook: impl FnOnce(&P) -> T) -> T {
        let (result, exchange) = self.run(Exchange::Response(std::mem::take(response)), hook);
        if let Exchange::Response(edited) = exchange {
            *response = edited;
        }
        result
    }

    fn wants(&self, hook: Hooks) -> bool {
        self.hooks.contains(hook)
    }

    /// Runs `on_request`, which edits the request. Without effect if [`Plugin::hooks`] leaves it out.
    ///
    /// # Errors
    /// That of the hook, or its answer is none for HTTP. Edits made before stay.
    pub fn on_request(&self, request: &mut Request) -> Result<Action> {
        if !self.wants(Hooks::ON_REQUEST) {
            return Ok(Action::Continue);
        }
        self.request(request, |plugin| plugin.on_request(&mut crate::Request::current()))
            .and_then(checked)
    }

    /// Runs `on_backend_request`, otherwise as [`Instance::on_request`].
    ///
    /// # Errors
    /// As [`Instance::on_request`].
    pub fn on_backend_request(&self, request: &mut Request) -> Result<Action> {
        if !self.wants(Hooks::ON_BACKEND_REQUEST) {
            return Ok(Action::Continue);
        }
        self.request(request, |plugin| plugin.on_backend_request(&mut crate::Request::current()))
            .and_then(checked)
    }

    /// Runs `on_backend_response`, which edits the response. Without effect if [`Plugin::hooks`] leaves it out.
    ///
    /// # Errors
    /// That of the hook. Edits made before stay.
    pub fn on_backend_response(&self, response: &mut Response) -> Result<()> {
        if !self.wants(Hooks::ON_BACKEND_RESPONSE) {
            return Ok(());
        }
        self.response(response, |plugin| {
            plugin.on_backend_response(&mut crate::Response::current())
        })
    }

    /// Runs `on_response`, otherwise as [`Instance::on_backend_response`].
    ///
    /// # Errors
    /// As [`Instance::on_backend_response`].
    pub fn on_response(&self, response: &mut Response) -> Result<()> {
        if !self.wants(Hooks::ON_RESPONSE) {
            return Ok(());
        }
        self.response(response, |plugin| plugin.on_response(&mut crate::Response::current()))
    }

    /// Runs `handle`.
    ///
    /// # Errors
    /// That of the plugin, or its answer is none for HTTP.
    pub fn handle(&self, request: &mut Request) -> Result<Answer> {
        let answer = self.request(request, |plugin| plugin.handle(&crate::Request::current()))?;
        check_answer(&answer)?;
        Ok(answer)
    }

    /// Streams the body of request number 1 through `on_request_body` and gives the chunks that come out. The last chunk
    /// that goes in is the end of the body.
    ///
    /// # Errors
    /// That of the hook.
    pub fn on_request_body<C: AsRef<[u8]>>(
        &self,
        chunks: impl IntoIterator<Item = C>,
    ) -> Result<Vec<Vec<u8>>> {
        self.body(chunks, P::on_request_body)
    }

    /// Streams the body of response number 1 through `on_response_body`, otherwise as [`Instance::on_request_body`].
    ///
    /// # Errors
    /// That of the hook.
    pub fn on_response_body<C: AsRef<[u8]>>(
        &self,
        chunks: impl IntoIterator<Item = C>,
    ) -> Result<Vec<Vec<u8>>> {
        self.body(chunks, P::on_response_body)
    }

    fn body<C: AsRef<[u8]>>(
        &self,
        chunks: impl IntoIterator<Item = C>,
        hook: impl Fn(&P, Chunk) -> Result<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>> {
        let mut chunks = chunks.into_iter().peekable();
        let mut out = Vec::new();
        while let Some(bytes) = chunks.next() {
            let chunk = Chunk { bytes: bytes.as_ref().to_vec(), last: chunks.peek().is_none() };
            out.push(self.run(Exchange::Body(1), |plugin| hook(plugin, chunk)).0?);
        }
        Ok(out)
    }
}

fn checked(action: Action) -> Result<Action> {
    if let Action::Respond(answer) = &action {
        check_answer(answer)?;
    }
    Ok(action)
}

fn check_answer(answer: &Answer) -> Result<()> {
    check_status(answer.status)?;
    answer.headers.iter().try_for_each(|(name, value)| header::check(name, value))
}

/// A status that ends an exchange: the 1xx ones do not (RFC 9110 15.2).
pub(super) fn check_status(status: u16) -> Result<()> {
    if (200..=599).contains(&status) {
        return Ok(());
    }
    Err(format!("{status} is not a status between 200 and 599").into())
}
