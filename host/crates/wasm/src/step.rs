//! A plugin in a pipeline.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use torana_core::{
    Body, Data, Error, ErrorKind, Request, RequestContext, Response,
    entity::Object,
    pipeline::{BoxFuture, Filter, Flow, Middleware, Next, Outcome},
};

use crate::{
    bindings::torana::plugin::types::{Action, Answer},
    component::Hook,
    config::OnError,
    host::{FieldError, final_status, settable},
    instance::CallError,
    plugin::{Counters, Plugin},
};

/// Seconds after which a client that met a busy plugin may try again.
const RETRY_AFTER: u32 = 1;

/// One plugin at one place. A filter, unless bodies have to be collected for it.
pub(crate) struct PluginStep(Shared);

struct Shared {
    plugin: Arc<Plugin>,
    on_error: OnError,
    hooks: LevelHooks,
    /// An answer that the plugin makes is decoded, as those of the backend that it takes the place of are.
    decodes: bool,
}

/// The hooks that are called at this level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelHooks {
    pub(crate) request: Option<Hook>,
    pub(crate) response: Option<Hook>,
}

impl PluginStep {
    pub(crate) fn new(
        plugin: Arc<Plugin>,
        on_error: OnError,
        hooks: LevelHooks,
        decodes: bool,
    ) -> Self {
        Self(Shared { plugin, on_error, hooks, decodes })
    }
}

impl Shared {
    fn request(&self, cx: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        let Some(hook) = self.hooks.request else { return Ok(Flow::Continue) };
        let outcome = self.call_request(cx, request).and_then(|action| match action {
            Action::Continue => Ok(Flow::Continue),
            Action::Respond(answer) => {
                self.answer(answer).map(|response| Flow::Respond(Box::new(response)))
            }
        });
        match outcome {
            Ok(flow) => Ok(flow),
            Err(error) => self.failed(cx, hook, &error).map(|()| Flow::Continue),
        }
    }

    fn call_request(
        &self,
        cx: &RequestContext,
        request: &mut Request,
    ) -> Result<Action, CallError> {
        let mut lease = self.plugin.pool.take()?;
        let Some(instance) = lease.instance() else { return Err(CallError::Busy) };
        let outcome = instance.on_request(self.plugin.pool.loaded(), cx, request);
        self.plugin.pool.give_back(lease, is_fit(&outcome));
        outcome
    }

    fn response(&self, cx: &RequestContext, response: Response) -> Outcome {
        let Some(hook) = self.hooks.response else { return Ok(response) };
        let (response, outcome) = self.call_response(cx, response);
        match outcome {
            Ok(()) => Ok(response),
            Err(error) => self.failed(cx, hook, &error).map(|()| response),
        }
    }

    fn call_response(
        &self,
        cx: &RequestContext,
        response: Response,
    ) -> (Response, Result<(), CallError>) {
        let mut lease = match self.plugin.pool.take() {
            Ok(lease) => lease,
            Err(error) => return (response, Err(error)),
        };
        let Some(instance) = lease.instance() else { return (response, Err(CallError::Busy)) };
        let (response, outcome) = instance.on_response(self.plugin.pool.loaded(), cx, response);
        self.plugin.pool.give_back(lease, is_fit(&outcome));
        (response, outcome)
    }

    /// Counts and logs a failed call; gives the error that ends the request, unless it goes on without the plugin.
    fn failed(&self, cx: &RequestContext, hook: Hook, error: &CallError) -> Result<(), Error> {
        let (plugin, hook, request_id) = (&*self.plugin.facts.name, hook.word(), cx.id);
        Counters::count(&self.plugin.counters.failures);
        if self.on_error == OnError::Pass {
            Counters::count(&self.plugin.counters.bypasses);
            tracing::warn!(plugin, hook, request_id, "plugin failed and is skipped: {error}");
            return Ok(());
        }
        tracing::error!(plugin, hook, request_id, "plugin failed: {error}");
        let message = format!("plugin `{plugin}`, {hook}: {error}");
        Err(match error {
            CallError::Busy => Error::new(ErrorKind::Unavailable, message)
                .with_status(StatusCode::SERVICE_UNAVAILABLE)
                .with_retry_after(RETRY_AFTER),
            _ => Error::new(ErrorKind::Plugin, message),
        })
    }

    fn answer(&self, answer: Answer) -> Result<Response, CallError> {
        let status = final_status(answer.status).ok_or_else(|| {
            CallError::Answer(format!("{} is not a status between 200 and 599", answer.status))
        })?;
        let mut headers = HeaderMap::with_capacity(answer.headers.len());
        for (name, value) in answer.headers {
            let field = |error: FieldError| CallError::Answer(error.to_string());
            let name = settable(&name).map_err(field)?;
            let value = FieldError::value(&name, value).map_err(field)?;
            headers.append(name, value);
        }
        let body = Bytes::from(answer.body);
        if !self.decodes {
            return Ok(Response::from_body(status, headers, Body::from_bytes(body)));
        }
        let object =
            (!body.is_empty()).then(|| Object::parse(&body)).transpose().map_err(|_| {
                CallError::Answer(
                    "the answer's body must be a JSON object, as the backend's is".into(),
                )
            })?;
        Ok(Response { status, headers, data: Data::Entity(object), complete: true, failure: None })
    }
}

/// Whether the instance may serve again: an error that the hook reports is an ordinary end, all others kill it.
fn is_fit<T>(outcome: &Result<T, CallError>) -> bool {
    matches!(outcome, Ok(_) | Err(CallError::Hook(_)))
}

impl Filter for PluginStep {
    fn on_request(&self, cx: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        self.0.request(cx, request)
    }

    fn sees_response(&self) -> bool {
        self.0.hooks.response.is_some()
    }

    fn on_response(&self, cx: &RequestContext, outcome: Outcome) -> Outcome {
        self.0.response(cx, outcome?)
    }
}

/// A plugin that reads bodies: they are collected in front of its hooks, up to a number of bytes.
pub(crate) struct BodyStep {
    step: PluginStep,
    limit: usize,
}

impl BodyStep {
    pub(crate) fn new(step: PluginStep, limit: usize) -> Self {
        Self { step, limit }
    }

    async fn run(&self, cx: &RequestContext, mut request: Request, next: Next<'_>) -> Outcome {
        let hooks = self.step.0.hooks;
        if hooks.request.is_some() {
            request.body = self
                .collect(std::mem::take(&mut request.body), StatusCode::PAYLOAD_TOO_LARGE)
                .await?;
            if let Flow::Respond(response) = self.step.0.request(cx, &mut request)? {
                return Ok(*response);
            }
        }
        let mut response = next.run(cx, request).await?;
        if hooks.response.is_none() {
            return Ok(response);
        }
        if let Data::Body(body) = &mut response.data {
            *body = self.collect(std::mem::take(body), StatusCode::BAD_GATEWAY).await?;
        }
        self.step.0.response(cx, response)
    }

    async fn collect(&self, body: Body, too_large: StatusCode) -> Result<Body, Error> {
        match body {
            Body::Empty => Ok(Body::Empty),
            body => match body.collect(self.limit).await {
                Ok(bytes) => Ok(Body::from_bytes(bytes)),
                Err(error) if error.kind() == ErrorKind::TooLarge => {
                    Err(error.with_status(too_large))
                }
                Err(error) => Err(error),
            },
        }
    }
}

impl Middleware for BodyStep {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request, next))
    }
}
