//! A plugin in a pipeline.

use std::future::ready;

use http::header;
use torana_core::{
    Data, Error, Request, RequestContext, Response, ResponseParts,
    pipeline::{BoxFuture, Flow, Middleware, Next, Outcome},
};

use crate::{
    bindings::torana::plugin::types::Action,
    bodies::BodyLimit,
    call::{self, Caller},
    component::Hook,
    instance::{CallError, Side},
    invocation::{Called, OnRequest, OnResponse},
    stream,
};

/// One plugin at one place.
///
/// An ordinary call is made at once, without a future of its own. Plugins that wait, that have had long calls lately, or
/// for which bodies are collected or streamed take the longer way. Each way has its own future, so that ordinary requests
/// neither allocate nor move the large ones.
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
            Action::Respond(answer) => call::response(answer, self.decodes).map(Flow::Respond),
        });
        flow.or_else(|error| self.caller.failed(cx, hook, &error).map(|()| Flow::Continue))
    }

    /// Calls the request hook, and goes on.
    fn request<'a>(
        &'a self,
        cx: &'a RequestContext,
        hook: Hook,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        match self.caller.now::<OnRequest>(cx, hook, request) {
            Ok(called) => self.requested(cx, hook, called, next),
            Err(request) => Box::pin(async move {
                let called = self.caller.on_fiber::<OnRequest>(cx, hook, request).await;
                self.requested(cx, hook, called, next).await
            }),
        }
    }

    fn requested<'a>(
        &'a self,
        cx: &'a RequestContext,
        hook: Hook,
        (request, outcome): Called<OnRequest>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        match self.flow(cx, hook, outcome) {
            Ok(Flow::Continue) => self.go_on(cx, request, next),
            Ok(Flow::Respond(response)) => Box::pin(ready(Ok(response))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// The way behind the request hook.
    fn go_on<'a>(
        &'a self,
        cx: &'a RequestContext,
        mut request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        if !self.hooks.request_body || request.body.is_empty() {
            return self.respond(cx, next.run(cx, request));
        }
        Box::pin(async move {
            let body = std::mem::take(&mut request.body);
            request.body = stream::through(&self.caller, cx, Side::Request, body).await?;
            request.headers.remove(header::CONTENT_LENGTH);
            self.respond(cx, next.run(cx, request)).await
        })
    }

    /// The way back, once the rest of the pipeline has an answer.
    fn respond<'a>(
        &'a self,
        cx: &'a RequestContext,
        rest: BoxFuture<'a, Outcome>,
    ) -> BoxFuture<'a, Outcome> {
        if self.collects.response.is_some() || self.hooks.response_body {
            return Box::pin(async move { self.response_with_body(cx, rest.await?).await });
        }
        match self.hooks.response {
            Some(hook) => Box::pin(async move { self.response(cx, hook, rest.await?).await }),
            None => rest,
        }
    }

    /// Calls the response hook.
    async fn response(&self, cx: &RequestContext, hook: Hook, response: Response) -> Outcome {
        let (response, outcome) = match self.caller.now::<OnResponse>(cx, hook, response) {
            Ok(called) => called,
            // Boxed: rare, and ten times as large as all else.
            Err(response) => Box::pin(self.caller.on_fiber::<OnResponse>(cx, hook, response)).await,
        };
        outcome.or_else(|error| self.caller.failed(cx, hook, &error))?;
        Ok(response)
    }

    /// Calls the hooks for the response and its body.
    async fn response_with_body(&self, cx: &RequestContext, mut response: Response) -> Outcome {
        if let Some(hook) = self.hooks.response {
            if let Some(limit) = self.collects.response
                && let Data::Body(body) = &mut response.data
            {
                *body = call::collect_response(std::mem::take(body), limit).await?;
            }
            response = self.response(cx, hook, response).await?;
        }
        if self.hooks.response_body
            && let ResponseParts { headers, data: Data::Body(body), .. } = &mut *response
        {
            if !body.is_empty() {
                let old = std::mem::take(body);
                *body = stream::through(&self.caller, cx, Side::Response, old).await?;
            }
            // Of the old body, also where a `HEAD` keeps that away; the server writes the new one's, if it is known.
            headers.remove(header::CONTENT_LENGTH);
        }
        Ok(response)
    }
}

impl Middleware for PluginStep {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        mut request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        let Some(hook) = self.hooks.request else { return self.go_on(cx, request, next) };
        if self.collects.request.is_none() {
            return self.request(cx, hook, request, next);
        }
        Box::pin(async move {
            call::collect_request(&mut request, self.collects.request).await?;
            self.request(cx, hook, request, next).await
        })
    }
}
