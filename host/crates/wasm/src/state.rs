//! What a store holds: the facts of its plugin, and the exchange that the running hook is about.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use http::Method;
use torana_core::{EndpointInfo, Request, RequestContext, Response, SharedState};
use wasmtime::bail;

use crate::{limits::Memory, output::Output, plugin::Facts};

/// The data of a store.
pub(crate) struct State {
    pub(crate) facts: Arc<Facts>,
    pub(crate) exchange: Exchange,
    pub(crate) memory: Memory,
    pub(crate) output: Output,
}

/// The exchange that the running hook is about.
///
/// A store cannot borrow from the request's future, so request and response move in for the time of a call and out
/// again: two words for a request, which is boxed.
pub(crate) struct Exchange {
    phase: Phase,
    /// The request during a request hook, else a spare that makes place for it: swapping allocates nothing.
    request: Request,
    response: Option<Response>,
    pub(crate) request_id: u64,
    pub(crate) client_ip: IpAddr,
    pub(crate) endpoint: Option<Arc<EndpointInfo>>,
    pub(crate) shared: Option<Arc<Mutex<SharedState>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Request,
    Response,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            request: Request::new(Method::GET, String::new()),
            response: None,
            request_id: 0,
            client_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            endpoint: None,
            shared: None,
        }
    }

    fn enter(&mut self, cx: &RequestContext, phase: Phase) {
        self.phase = phase;
        self.request_id = cx.id;
        self.client_ip = cx.client_ip;
        self.endpoint = cx.endpoint.get().cloned();
        self.shared = Some(Arc::clone(cx.shared.get_or_init(Arc::default)));
    }

    fn leave(&mut self) {
        self.phase = Phase::Idle;
        self.endpoint = None;
        self.shared = None;
    }

    /// Takes the request in. [`Exchange::leave_request`] must follow, whatever happened in between.
    pub(crate) fn enter_request(&mut self, cx: &RequestContext, request: &mut Request) {
        self.enter(cx, Phase::Request);
        std::mem::swap(&mut self.request, request);
    }

    /// Gives the request back.
    pub(crate) fn leave_request(&mut self, request: &mut Request) {
        std::mem::swap(&mut self.request, request);
        self.leave();
    }

    /// Takes the response in.
    pub(crate) fn enter_response(&mut self, cx: &RequestContext, response: Response) {
        self.enter(cx, Phase::Response);
        self.response = Some(response);
    }

    /// Gives the response back.
    pub(crate) fn leave_response(&mut self) -> Option<Response> {
        self.leave();
        self.response.take()
    }

    /// The request; traps outside of request hooks.
    pub(crate) fn request(&mut self) -> wasmtime::Result<&mut Request> {
        match self.phase {
            Phase::Request => Ok(&mut self.request),
            Phase::Response => bail!(
                "a response hook asked for the request: keep what it needs with `context` in a request hook"
            ),
            Phase::Idle => bail!("there is no request in `init`"),
        }
    }

    /// The response; traps outside of response hooks.
    pub(crate) fn response(&mut self) -> wasmtime::Result<&mut Response> {
        match (self.phase, &mut self.response) {
            (Phase::Response, Some(response)) => Ok(response),
            (Phase::Request, _) => bail!("a request hook asked for the response"),
            _ => bail!("there is no response in `init`"),
        }
    }

    /// Whether the hook is about a request.
    pub(crate) fn is_request(&self) -> bool {
        self.phase == Phase::Request
    }

    /// Traps in `init`, which is about no exchange.
    pub(crate) fn check_running(&self) -> wasmtime::Result<()> {
        if self.phase == Phase::Idle {
            bail!("there is no exchange in `init`");
        }
        Ok(())
    }
}
