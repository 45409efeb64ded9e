//! The leaf of a backend that is a component of `wasi:http/proxy`.

use std::sync::Arc;

use torana_core::{
    Error, ErrorKind, Request, RequestContext, Response,
    pipeline::{Backend, BoxFuture, Outcome},
};

use super::{answer::answer, guest::Guest};
use crate::{
    call::{self, Caller},
    component::Hook,
    instance::CallError,
    pool::Lease,
};

/// See the module.
pub(crate) struct WasiHttpBackend {
    caller: Caller,
    /// Bodies are collected for it, up to this number of bytes.
    collects: Option<usize>,
}

impl WasiHttpBackend {
    pub(crate) fn new(caller: Caller, collects: Option<usize>) -> Self {
        Self { caller, collects }
    }

    async fn run(&self, cx: &RequestContext, mut request: Request) -> Outcome {
        if let Some(limit) = self.collects {
            let body = std::mem::take(&mut request.body);
            request.body = call::collect_request(body, limit).await?;
        }
        self.answer(cx, request).await.map_err(|error| failed(&self.caller, cx, &error))
    }

    async fn answer(&self, cx: &RequestContext, request: Request) -> Result<Response, CallError> {
        if self.caller.plugin.trip.is_off() {
            return Err(CallError::Tripped);
        }
        let lease = Lease::place(Arc::clone(&self.caller.plugin)).await?;
        let (guest, head) = Guest::start(&self.caller, cx, request, lease)?;
        answer(guest, head).await
    }
}

/// Counts and logs a failed call; gives the error that ends the request.
pub(super) fn failed(caller: &Caller, cx: &RequestContext, error: &CallError) -> Error {
    let passed = |()| Error::new(ErrorKind::Plugin, error.to_string());
    // A backend cannot be passed over, so this is always an error.
    caller.failed(cx, Hook::Handle, error).map_or_else(|error| error, passed)
}

impl Backend for WasiHttpBackend {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request))
    }
}
