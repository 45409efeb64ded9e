//! A plugin in the place of a backend: it makes the answer itself.

use std::sync::Arc;

use torana_core::{
    Request, RequestContext,
    pipeline::{Backend, BoxFuture, Outcome},
};
use tracing::Instrument;

use crate::{
    call::{self, Caller},
    component::Hook,
    fiber,
    instance::CallError,
    pool::Lease,
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
        let mut lease = Lease::wait(Arc::clone(&self.caller.plugin)).await?;
        lease.instance().enter_request(cx, request);
        let alarm = lease.instance().alarm();
        let call = async move {
            let plugin = Arc::clone(lease.plugin());
            let outcome = lease.instance().handle(plugin.pool.loaded()).await;
            (lease, outcome)
        };
        let call = Box::pin(call.instrument(self.caller.span(cx, Hook::Handle)));
        let (mut lease, outcome) = fiber::run(&alarm, call).await;
        drop(lease.instance().leave_request());
        self.caller.end(lease, Hook::Handle, &outcome);
        // Decoded, if it is, by the backend's own steps.
        outcome.and_then(|answer| call::response(answer, false))
    }
}

impl Backend for PluginBackend {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request))
    }
}
