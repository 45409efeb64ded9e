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
        if let Some(limit) = self.collects {
            let body = std::mem::take(&mut request.body);
            request.body = call::collect_request(body, limit).await?;
        }
        let outcome = self.handle(cx, request).await;
        outcome.or_else(|error| {
            // A backend cannot be passed over, so this is always an error.
            self.caller.failed(cx, Hook::Handle, &error)?;
            Err(torana_core::Error::new(torana_core::ErrorKind::Plugin, error.to_string()))
        })
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
