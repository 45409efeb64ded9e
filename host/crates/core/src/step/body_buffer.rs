//! Reads a request's body whole where more than one reader needs it: several backends, concurrent calls, shadows
//! (reference 3.5).

use torana_config::{Value, valid::Endpoint};

use crate::{
    Body, ErrorKind, Request, RequestContext,
    pipeline::{
        BoxFuture, BuildContext, Built, Level, Middleware, Next, Outcome, Step, StepFactory,
    },
};

/// Largest request body that is kept in memory, in bytes, unless `router.max_payload` is smaller.
pub const BODY_BUFFER_LIMIT: usize = 32 << 20;

/// Makes the step that buffers the body, where the endpoint needs it.
pub struct BodyBuffer;

impl StepFactory for BodyBuffer {
    fn name(&self) -> &'static str {
        "body buffer"
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Endpoint(endpoint) = cx.level else { return None };
        if !needs_copies(endpoint) {
            return None;
        }
        let limit = cx.gateway.router.max_payload.map_or(BODY_BUFFER_LIMIT, |max| {
            usize::try_from(max).unwrap_or(usize::MAX).min(BODY_BUFFER_LIMIT)
        });
        Some(Built {
            step: Step::Around(Box::new(Buffer { limit })),
            detail: format!("at most {limit} bytes"),
            at: None,
        })
    }
}

fn needs_copies(endpoint: &Endpoint) -> bool {
    let workflow = endpoint.backends.iter().any(|backend| {
        backend.workflow.as_ref().is_some_and(|workflow| needs_copies(&workflow.endpoint))
    });
    workflow || endpoint.backends.len() > 1 || endpoint.concurrent_calls > 1 || {
        let shadow = |extra: &torana_config::valid::Extra| {
            extra.get("proxy").and_then(|c| c.value.get("shadow")) == Some(&Value::Bool(true))
        };
        endpoint.backends.iter().any(|backend| shadow(&backend.extra))
    }
}

struct Buffer {
    limit: usize,
}

impl Middleware for Buffer {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        mut request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        if !matches!(request.body, Body::Stream(_)) {
            return next.run(cx, request);
        }
        Box::pin(async move {
            let body = std::mem::take(&mut request.body);
            let bytes =
                body.collect_request(self.limit).await.map_err(|error| match error.kind() {
                    ErrorKind::TooLarge => error.with_status(http::StatusCode::PAYLOAD_TOO_LARGE),
                    _ => error,
                })?;
            request.body = Body::from_bytes(bytes);
            next.run(cx, request).await
        })
    }
}
