//! What a store holds: the facts of its plugin, and the exchange that the running hook is about.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use http::HeaderMap;
use tokio::runtime::Handle;
use torana_core::{EndpointInfo, Request, RequestContext, Response, SharedState};
use wasmtime::bail;

use crate::{
    budget::Budget,
    host::{HostCalls, Interface, Names},
    kv::Claims,
    limits::Memory,
    output::Output,
    plugin::Facts,
};

/// The data of a store.
pub(crate) struct State {
    pub(crate) facts: Arc<Facts>,
    pub(crate) exchange: Exchange,
    pub(crate) names: Names,
    pub(crate) memory: Memory,
    pub(crate) output: Output,
    pub(crate) budget: Budget,
    /// What the running hook has claimed.
    pub(crate) claims: Claims,
    /// What the guest has asked of the host since somebody counted it.
    pub(crate) host_calls: HostCalls,
}

impl State {
    /// The guest calls a function of the interface.
    pub(crate) fn ask(&mut self, interface: Interface) -> &mut Self {
        self.host_calls[interface as usize] += 1;
        self
    }
}

/// The exchange that the running hook is about.
///
/// A store cannot borrow from the request's future, so request and response move in for the time of a call and out
/// again: two words for a request, which is boxed.
pub(crate) struct Exchange {
    message: Message,
    pub(crate) request_id: u64,
    pub(crate) client_ip: IpAddr,
    pub(crate) endpoint: Option<Arc<EndpointInfo>>,
    /// What plugins keep for a request, if this one can keep anything.
    pub(crate) shared: Option<Arc<Mutex<SharedState>>>,
    shares: bool,
    /// Outbound calls that the running hook has made.
    pub(crate) calls: u32,
    /// The worker's, for plugins that make such calls.
    pub(crate) runtime: Option<Handle>,
}

/// What a hook is about.
enum Message {
    /// No exchange: `init`.
    None,
    Request(Request),
    Response(Response),
    /// A chunk of a body, whose message is gone.
    Chunk,
}

impl Exchange {
    /// None yet; `shares` says whether the plugin can ask for what is kept for a request.
    pub(crate) fn new(shares: bool) -> Self {
        Self {
            shares,
            message: Message::None,
            request_id: 0,
            client_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            endpoint: None,
            shared: None,
            calls: 0,
            runtime: None,
        }
    }

    fn enter(&mut self, cx: &RequestContext, message: Message) {
        self.message = message;
        self.request_id = cx.id;
        self.client_ip = cx.client_ip;
        self.endpoint = cx.endpoint.get().cloned();
        // An allocation in the first such plugin of a request.
        self.shared = self.shares.then(|| Arc::clone(cx.shared.get_or_init(Arc::default)));
        self.calls = 0;
    }

    fn leave(&mut self) -> Message {
        self.endpoint = None;
        self.shared = None;
        std::mem::replace(&mut self.message, Message::None)
    }

    /// Takes the request in.
    pub(crate) fn enter_request(&mut self, cx: &RequestContext, request: Request) {
        self.enter(cx, Message::Request(request));
    }

    /// Gives the request back: what came in, whatever happened in between.
    pub(crate) fn leave_request(&mut self) -> Option<Request> {
        match self.leave() {
            Message::Request(request) => Some(request),
            _ => None,
        }
    }

    /// Takes the response in.
    pub(crate) fn enter_response(&mut self, cx: &RequestContext, response: Response) {
        self.enter(cx, Message::Response(response));
    }

    /// Gives the response back.
    pub(crate) fn leave_response(&mut self) -> Option<Response> {
        match self.leave() {
            Message::Response(response) => Some(response),
            _ => None,
        }
    }

    /// Begins a body: chunks of one message go to one instance, which serves nobody else until the body ends.
    pub(crate) fn enter_body(&mut self, cx: &RequestContext) {
        self.enter(cx, Message::Chunk);
    }

    /// Ends a body.
    pub(crate) fn leave_body(&mut self) {
        self.leave();
    }

    /// The request; traps outside of request hooks.
    pub(crate) fn request(&mut self) -> wasmtime::Result<&mut Request> {
        match &mut self.message {
            Message::Request(request) => Ok(request),
            Message::Response(_) => bail!(
                "a response hook asked for the request: keep what it needs with `context` in a request hook"
            ),
            Message::Chunk => bail!("a body hook asked for the request, which has left"),
            Message::None => bail!("there is no request in `init`"),
        }
    }

    /// The response; traps outside of response hooks.
    pub(crate) fn response(&mut self) -> wasmtime::Result<&mut Response> {
        match &mut self.message {
            Message::Response(response) => Ok(response),
            Message::Request(_) => bail!("a request hook asked for the response"),
            Message::Chunk => bail!("a body hook asked for the response, which has left"),
            Message::None => bail!("there is no response in `init`"),
        }
    }

    /// The fields of the message; traps in `init` and body hooks.
    pub(crate) fn headers(&mut self) -> wasmtime::Result<&mut HeaderMap> {
        self.check_running()?;
        Ok(if self.is_request() {
            &mut self.request()?.headers
        } else {
            &mut self.response()?.headers
        })
    }

    /// Whether the hook is about a request.
    pub(crate) fn is_request(&self) -> bool {
        matches!(self.message, Message::Request(_))
    }

    /// Traps in `init`, which is about no exchange.
    pub(crate) fn check_running(&self) -> wasmtime::Result<()> {
        if matches!(self.message, Message::None) {
            bail!("there is no exchange in `init`");
        }
        Ok(())
    }
}
