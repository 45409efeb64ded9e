//! The leaf of a backend that is a component of `wasi:http/proxy`.

use std::sync::Arc;

use torana_core::{
    Request, RequestContext, Response,
    pipeline::{Backend, BoxFuture, Outcome},
};

use super::{answer::answer, guest::Guest};
use crate::{
    call::{self, Caller},
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
        call::collect_request(&mut request, self.collects).await?;
        let outcome = self.answer(cx, request).await;
        outcome.map_err(|error| self.caller.backend_failed(cx, &error))
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

impl Backend for WasiHttpBackend {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request))
    }
}
