//! What every call of a plugin has in common: who is called, what a failure means, what an answer is.

use std::{fmt::Display, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use torana_core::{
    Body, Data, Error, ErrorKind, Request, RequestContext, Response, entity::Object,
};
use tracing::Span;

use crate::{
    bindings::torana::plugin::types::Answer,
    component::Hook,
    config::OnError,
    figures::Failure,
    host::{FieldError, final_status, settable},
    instance::CallError,
    plugin::Plugin,
    pool::Lease,
};

/// Seconds after which a client that met a busy plugin may try again.
const RETRY_AFTER: u32 = 1;

/// The longest time limit of a plugin that is called at once on its worker, which is held until the call ends.
const AT_ONCE: Duration = Duration::from_millis(10);

/// A plugin at one place of the configuration.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) on_error: OnError,
}

impl Caller {
    /// An instance for a call on this thread; `None` if the call must be able to wait.
    pub(crate) fn lease_now(&self) -> Result<Option<Lease<&Plugin>>, CallError> {
        let plugin = &*self.plugin;
        if plugin.trip.is_off() {
            return Err(CallError::Tripped);
        }
        let facts = &plugin.facts;
        if plugin.pool.loaded().waits || facts.limits.timeout > AT_ONCE || facts.pace.is_slow() {
            return Ok(None);
        }
        Lease::take(plugin)
    }

    /// The span of a call.
    pub(crate) fn span(&self, cx: &RequestContext, hook: Hook) -> Span {
        tracing::debug_span!(
            "plugin",
            plugin = &*self.plugin.facts.name,
            hook = hook.word(),
            request_id = cx.id
        )
    }

    /// Counts a call that was made and ends its lease.
    pub(crate) fn end<T, P: std::ops::Deref<Target = Plugin>>(
        &self,
        lease: Lease<P>,
        hook: Hook,
        outcome: &Result<T, CallError>,
    ) {
        self.judge(outcome);
        lease.end(hook, outcome);
    }

    /// Takes note of a call that was no fault of the plugin's; faults are noted in [`Caller::failed`].
    pub(crate) fn judge<T>(&self, outcome: &Result<T, CallError>) {
        if !matches!(outcome, Err(error) if Failure::of(error).is_fault()) {
            self.plugin.trip.succeeded();
        }
    }

    /// Counts and logs a failed call, and trips the plugin if it keeps failing; gives the error that ends the request, unless it goes on without the plugin.
    pub(crate) fn failed(
        &self,
        cx: &RequestContext,
        hook: Hook,
        error: &CallError,
    ) -> Result<(), Error> {
        let (plugin, name, request_id) = (&*self.plugin.facts.name, hook.word(), cx.id);
        // For the log only: clients may be shown the message.
        let backtrace = error.backtrace();
        let passes = self.on_error == OnError::Pass && hook != Hook::Handle;
        let failure = Failure::of(error);
        self.plugin.pool.count(|figures| {
            let figures = figures.hook(hook);
            figures.bypasses += u64::from(passes);
            figures.failures[failure as usize] += 1;
        });
        if failure.is_fault() && self.plugin.trip.failed() {
            tracing::error!(plugin, "plugin keeps failing and is switched off for a while");
        }
        if passes {
            tracing::warn!(
                plugin,
                hook = name,
                request_id,
                backtrace,
                "plugin failed and is skipped: {error}"
            );
            return Ok(());
        }
        tracing::error!(plugin, hook = name, request_id, backtrace, "plugin failed: {error}");
        let message = |what: &dyn Display| format!("plugin `{plugin}`, {name}: {what}");
        Err(match error {
            CallError::Busy | CallError::Tripped => {
                Error::new(ErrorKind::Unavailable, message(error))
                    .with_status(StatusCode::SERVICE_UNAVAILABLE)
                    .with_retry_after(RETRY_AFTER)
            }
            // Its last words are for the log only, too: nobody wrote them for clients.
            CallError::Trap(words, _) => {
                Error::new(ErrorKind::Plugin, message(&"it trapped")).with_source(words.clone())
            }
            _ => Error::new(ErrorKind::Plugin, message(error)),
        })
    }

    /// As [`Caller::failed`] for a backend, which cannot be passed over.
    pub(crate) fn backend_failed(&self, cx: &RequestContext, error: &CallError) -> Error {
        let passed = |()| Error::new(ErrorKind::Plugin, error.to_string());
        self.failed(cx, Hook::Handle, error).map_or_else(|error| error, passed)
    }
}

/// The answer that a plugin has made. It is read as a backend's would be where that is decoded. One that is no success
/// ends a sequence of backends and leaves a merged answer incomplete, as a failed backend does.
pub(crate) fn response(answer: Answer, decodes: bool) -> Result<Response, CallError> {
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
    let data = if decodes {
        let object =
            (!body.is_empty()).then(|| Object::parse(&body)).transpose().map_err(|_| {
                CallError::Answer(
                    "the answer's body must be a JSON object, as the backend's is".into(),
                )
            })?;
        Data::Entity(object)
    } else {
        Data::Body(Body::from_bytes(body))
    };
    let mut response = Response::new(status, headers, data);
    response.complete = status.is_success();
    Ok(response)
}

/// Makes the body of a request whole for a plugin that reads bodies up to this limit; 413 above it.
pub(crate) async fn collect_request(
    request: &mut Request,
    limit: Option<usize>,
) -> Result<(), Error> {
    let Some(limit) = limit.filter(|_| !matches!(request.body, Body::Empty)) else { return Ok(()) };
    let body = std::mem::take(&mut request.body);
    request.body = whole(body.collect_request(limit).await, StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(())
}

/// The body of a response as a whole; 502 above the limit.
pub(crate) async fn collect_response(body: Body, limit: usize) -> Result<Body, Error> {
    if matches!(body, Body::Empty) {
        return Ok(body);
    }
    whole(body.collect(limit).await, StatusCode::BAD_GATEWAY)
}

fn whole(collected: Result<Bytes, Error>, too_large: StatusCode) -> Result<Body, Error> {
    match collected {
        Ok(bytes) => Ok(Body::from_bytes(bytes)),
        Err(error) if error.kind() == ErrorKind::TooLarge => Err(error.with_status(too_large)),
        Err(error) => Err(error),
    }
}
