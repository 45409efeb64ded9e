//! A plugin in the place of a backend: it makes the answer itself.

use torana_core::{
    Request, RequestContext,
    pipeline::{Backend, BoxFuture, Outcome},
};

use crate::{
    call::{self, Caller},
    component::Hook,
    instance::CallError,
    invocation::Handle,
};

/// The leaf of a backend that is a plugin.
pub(crate) struct PluginBackend {
    caller: Caller,
    /// Bodies are collected for it, up to this number of bytes.
    collects: Option<usize>,
}

impl PluginBackend {
    pub(crate) fn new(caller: Caller, collects: Option<usize>) -> Self {
        Self { caller, collects }
    }

    async fn run(&self, cx: &RequestContext, mut request: Request) -> Outcome {
        call::collect_request(&mut request, self.collects).await?;
        let outcome = self.handle(cx, request).await;
        outcome.map_err(|error| self.caller.backend_failed(cx, &error))
    }

    async fn handle(
        &self,
        cx: &RequestContext,
        request: Request,
    ) -> Result<torana_core::Response, CallError> {
        if self.caller.plugin.trip.is_off() {
            return Err(CallError::Tripped);
        }
        let (_, outcome) = self.caller.on_fiber::<Handle>(cx, Hook::Handle, request).await;
        // Decoded, if it is, by the backend's own steps.
        outcome.and_then(|answer| call::response(answer, false))
    }
}

impl Backend for PluginBackend {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request))
    }
}
