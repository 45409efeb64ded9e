//! A plugin in a pipeline.

use std::sync::Arc;

use http::header;
use torana_core::{
    Data, Error, Request, RequestContext, Response,
    pipeline::{BoxFuture, Flow, Middleware, Next, Outcome},
};
use tracing::Instrument;

use crate::{
    bindings::torana::plugin::types::Action,
    call::{self, Caller},
    component::Hook,
    fiber,
    instance::{CallError, Side},
    pool::Lease,
    stream,
};

/// One plugin at one place.
///
/// An ordinary call is made at once, without a future of its own. Plugins that wait, that have had long calls lately, or
/// for which bodies are collected or streamed take the longer way.
pub(crate) struct PluginStep {
    caller: Caller,
    hooks: LevelHooks,
    /// An answer that the plugin makes is decoded, as those of the backend that it takes the place of are.
    decodes: bool,
    /// Bodies are collected in front of the hooks, up to this number of bytes.
    collects: Option<usize>,
}

/// The hooks that are called at this level.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LevelHooks {
    pub(crate) request: Option<Hook>,
    pub(crate) response: Option<Hook>,
    pub(crate) request_body: bool,
    pub(crate) response_body: bool,
}

impl LevelHooks {
    /// All of them.
    pub(crate) fn iter(self) -> impl Iterator<Item = Hook> {
        let request_body = self.request_body.then_some(Hook::OnRequestBody);
        let response_body = self.response_body.then_some(Hook::OnResponseBody);
        [self.request, self.response, request_body, response_body].into_iter().flatten()
    }
}

impl PluginStep {
    pub(crate) fn new(
        caller: Caller,
        hooks: LevelHooks,
        decodes: bool,
        collects: Option<usize>,
    ) -> Self {
        Self { caller, hooks, decodes, collects }
    }

    /// Calls the request hook, if that can be done at once.
    fn request_now(
        &self,
        cx: &RequestContext,
        hook: Hook,
        request: Request,
    ) -> (Request, Option<Result<Action, CallError>>) {
        let mut lease = match self.caller.lease_now() {
            Ok(Some(lease)) => lease,
            Ok(None) => return (request, None),
            Err(error) => return (request, Some(Err(error))),
        };
        let _span = self.caller.span(cx, hook).entered();
        let instance = lease.instance();
        instance.enter_request(cx, request);
        let outcome = instance.on_request(self.caller.plugin.pool.loaded());
        let request = instance.leave_request();
        self.caller.end(lease, hook, &outcome);
        (request, Some(outcome))
    }

    /// Calls the request hook on a fiber.
    async fn request_on_fiber(
        &self,
        cx: &RequestContext,
        hook: Hook,
        request: Request,
    ) -> (Request, Result<Action, CallError>) {
        let mut lease = match Lease::wait(Arc::clone(&self.caller.plugin)).await {
            Ok(lease) => lease,
            Err(error) => return (request, Err(error)),
        };
        lease.instance().enter_request(cx, request);
        let alarm = lease.instance().alarm();
        let call = async move {
            let plugin = Arc::clone(lease.plugin());
            let outcome = lease.instance().on_request_fiber(plugin.pool.loaded()).await;
            (lease, outcome)
        };
        let call = Box::pin(call.instrument(self.caller.span(cx, hook)));
        let (mut lease, outcome) = fiber::run(&alarm, call).await;
        let request = lease.instance().leave_request();
        self.caller.end(lease, hook, &outcome);
        (request, outcome)
    }

    /// What a call of the request hook means.
    fn flow(
        &self,
        cx: &RequestContext,
        hook: Hook,
        outcome: Result<Action, CallError>,
    ) -> Result<Flow, Error> {
        let flow = outcome.and_then(|action| match action {
            Action::Continue => Ok(Flow::Continue),
            Action::Respond(answer) => {
                call::response(answer, self.decodes).map(|answer| Flow::Respond(Box::new(answer)))
            }
        });
        flow.or_else(|error| self.caller.failed(cx, hook, &error).map(|()| Flow::Continue))
    }

    async fn request(
        &self,
        cx: &RequestContext,
        mut request: Request,
    ) -> Result<(Request, Flow), Error> {
        let Some(hook) = self.hooks.request else { return Ok((request, Flow::Continue)) };
        if let Some(limit) = self.collects {
            let body = std::mem::take(&mut request.body);
            request.body = call::collect_request(body, limit).await?;
        }
        let (request, outcome) = match self.request_now(cx, hook, request) {
            (request, Some(outcome)) => (request, outcome),
            (request, None) => self.request_on_fiber(cx, hook, request).await,
        };
        let flow = self.flow(cx, hook, outcome)?;
        Ok((request, flow))
    }

    /// Calls the response hook, if that can be done at once.
    fn response_now(
        &self,
        cx: &RequestContext,
        hook: Hook,
        response: Response,
    ) -> (Response, Option<Result<(), CallError>>) {
        let mut lease = match self.caller.lease_now() {
            Ok(Some(lease)) => lease,
            Ok(None) => return (response, None),
            Err(error) => return (response, Some(Err(error))),
        };
        let _span = self.caller.span(cx, hook).entered();
        let instance = lease.instance();
        instance.enter_response(cx, response);
        let outcome = instance.on_response(self.caller.plugin.pool.loaded());
        let response = instance.leave_response();
        self.caller.end(lease, hook, &outcome);
        (response, Some(outcome))
    }

    /// Calls the response hook on a fiber.
    async fn response_on_fiber(
        &self,
        cx: &RequestContext,
        hook: Hook,
        response: Response,
    ) -> (Response, Result<(), CallError>) {
        let mut lease = match Lease::wait(Arc::clone(&self.caller.plugin)).await {
            Ok(lease) => lease,
            Err(error) => return (response, Err(error)),
        };
        lease.instance().enter_response(cx, response);
        let alarm = lease.instance().alarm();
        let call = async move {
            let plugin = Arc::clone(lease.plugin());
            let outcome = lease.instance().on_response_fiber(plugin.pool.loaded()).await;
            (lease, outcome)
        };
        let call = Box::pin(call.instrument(self.caller.span(cx, hook)));
        let (mut lease, outcome) = fiber::run(&alarm, call).await;
        let response = lease.instance().leave_response();
        self.caller.end(lease, hook, &outcome);
        (response, outcome)
    }

    async fn response(&self, cx: &RequestContext, mut response: Response) -> Outcome {
        if let Some(hook) = self.hooks.response {
            if let Some(limit) = self.collects
                && let Data::Body(body) = &mut response.data
            {
                *body = call::collect_response(std::mem::take(body), limit).await?;
            }
            let (back, outcome) = match self.response_now(cx, hook, response) {
                (response, Some(outcome)) => (response, outcome),
                (response, None) => self.response_on_fiber(cx, hook, response).await,
            };
            response = back;
            outcome.or_else(|error| self.caller.failed(cx, hook, &error))?;
        }
        if self.hooks.response_body
            && let Data::Body(body) = &mut response.data
            && !body.is_empty()
        {
            *body = stream::through(&self.caller, cx, Side::Response, std::mem::take(body)).await?;
            // Of the old body; the server writes the new one's, if it is known.
            response.headers.remove(header::CONTENT_LENGTH);
        }
        Ok(response)
    }

    async fn run(&self, cx: &RequestContext, request: Request, next: Next<'_>) -> Outcome {
        let (request, flow) = self.request(cx, request).await?;
        self.go_on(cx, request, flow, next).await
    }

    /// As [`PluginStep::run`], when it is known that the request hook cannot be called at once: whoever is let through
    /// to try a plugin that is switched off must not ask a second time.
    async fn run_on_fiber(
        &self,
        cx: &RequestContext,
        hook: Hook,
        request: Request,
        next: Next<'_>,
    ) -> Outcome {
        let (request, outcome) = self.request_on_fiber(cx, hook, request).await;
        let flow = self.flow(cx, hook, outcome)?;
        self.go_on(cx, request, flow, next).await
    }

    async fn go_on(
        &self,
        cx: &RequestContext,
        mut request: Request,
        flow: Flow,
        next: Next<'_>,
    ) -> Outcome {
        if let Flow::Respond(response) = flow {
            return Ok(*response);
        }
        if self.hooks.request_body && !request.body.is_empty() {
            let body = std::mem::take(&mut request.body);
            request.body = stream::through(&self.caller, cx, Side::Request, body).await?;
            request.headers.remove(header::CONTENT_LENGTH);
        }
        let response = next.run(cx, request).await?;
        self.response(cx, response).await
    }
}

impl Middleware for PluginStep {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        let Some(hook) = self.hooks.request else {
            return Box::pin(self.run(cx, request, next));
        };
        if self.collects.is_some() || self.hooks.request_body {
            return Box::pin(self.run(cx, request, next));
        }
        let (request, outcome) = match self.request_now(cx, hook, request) {
            (request, Some(outcome)) => (request, outcome),
            (request, None) => return Box::pin(self.run_on_fiber(cx, hook, request, next)),
        };
        match self.flow(cx, hook, outcome) {
            Ok(Flow::Continue) if self.hooks.response.is_none() && !self.hooks.response_body => {
                next.run(cx, request)
            }
            Ok(Flow::Continue) => Box::pin(async move {
                let response = next.run(cx, request).await?;
                self.response(cx, response).await
            }),
            Ok(Flow::Respond(response)) => Box::pin(std::future::ready(Ok(*response))),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}
