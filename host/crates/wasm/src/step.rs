//! A plugin in a pipeline.

use http::header;
use torana_core::{
    Data, Error, Request, RequestContext, Response,
    pipeline::{BoxFuture, Flow, Middleware, Next, Outcome},
};

use crate::{
    bindings::torana::plugin::types::Action,
    bodies::BodyLimit,
    call::{self, Caller},
    component::Hook,
    instance::{CallError, Side},
    invocation::{OnRequest, OnResponse},
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
    /// Bodies are collected in front of the hooks, up to so many bytes.
    collects: BodyLimit,
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
        collects: BodyLimit,
    ) -> Self {
        Self { caller, hooks, decodes, collects }
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
        call::collect_request(&mut request, self.collects.request).await?;
        let (request, outcome) = match self.caller.now::<OnRequest>(cx, hook, request) {
            Ok(called) => called,
            Err(request) => self.caller.on_fiber::<OnRequest>(cx, hook, request).await,
        };
        let flow = self.flow(cx, hook, outcome)?;
        Ok((request, flow))
    }

    async fn response(&self, cx: &RequestContext, mut response: Response) -> Outcome {
        if let Some(hook) = self.hooks.response {
            if let Some(limit) = self.collects.response
                && let Data::Body(body) = &mut response.data
            {
                *body = call::collect_response(std::mem::take(body), limit).await?;
            }
            let (back, outcome) = match self.caller.now::<OnResponse>(cx, hook, response) {
                Ok(called) => called,
                Err(response) => self.caller.on_fiber::<OnResponse>(cx, hook, response).await,
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
        let (request, outcome) = self.caller.on_fiber::<OnRequest>(cx, hook, request).await;
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
        if self.collects.request.is_some() || self.hooks.request_body {
            return Box::pin(self.run(cx, request, next));
        }
        let (request, outcome) = match self.caller.now::<OnRequest>(cx, hook, request) {
            Ok(called) => called,
            Err(request) => return Box::pin(self.run_on_fiber(cx, hook, request, next)),
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
