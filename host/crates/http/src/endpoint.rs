//! One endpoint: runs its pipeline within its time limit and renders the outcome (reference 3.1).

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, timeout_at};
use torana_core::{
    Body, EndpointInfo, Error, ErrorKind, Request, RequestContext, body::Stream, pipeline::Pipeline,
};

use crate::respond::{Answer, Rendering, Responder};

/// A compiled endpoint.
pub struct Endpoint {
    /// Facts for logs and steps.
    pub info: Arc<EndpointInfo>,
    /// Steps and backends.
    pub pipeline: Pipeline,
    /// How outcomes are written.
    pub rendering: Rendering,
}

impl Endpoint {
    /// Serves one request.
    pub async fn serve(
        &self,
        cx: &RequestContext,
        request: Request,
        responder: &Responder,
    ) -> Answer {
        let accept = self.accept(&request);
        let deadline = cx.start + self.info.timeout;
        let outcome = match timeout_at(deadline, self.pipeline.run(cx, request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(ErrorKind::Timeout, "context deadline exceeded")),
        };
        if let Err(error) = &outcome {
            log_failure(cx, &self.info, error);
        } else if let Ok(response) = &outcome
            && let Some(failure) = &response.failure
        {
            log_failure(cx, &self.info, failure);
        }
        responder.endpoint(outcome, &self.rendering, accept.as_ref()).map(|body| match body {
            // The time limit holds for the body too (reference 4.1).
            Body::Stream(stream) => Body::Stream(Box::pin(Limited {
                stream,
                sleep: Box::pin(tokio::time::sleep_until(deadline)),
                deadline,
            })),
            whole => whole,
        })
    }

    fn accept(&self, request: &Request) -> Option<HeaderValue> {
        // Only negotiation reads it.
        (self.rendering.output == torana_config::valid::OutputEncoding::Negotiate)
            .then(|| request.headers.get(header::ACCEPT).cloned())
            .flatten()
    }
}

fn log_failure(cx: &RequestContext, info: &EndpointInfo, error: &Error) {
    tracing::warn!(
        request = cx.id,
        endpoint = %info.path,
        kind = ?error.kind(),
        "[ENDPOINT: {}] {error}",
        info.path
    );
}

/// A stream that ends broken when the endpoint's time is up.
struct Limited {
    stream: Stream,
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = this.stream.as_mut().poll_frame(cx) {
            return Poll::Ready(frame);
        }
        match this.sleep.as_mut().poll(cx) {
            Poll::Ready(()) => {
                tracing::debug!(deadline = ?this.deadline, "answer cut at the endpoint's timeout");
                Poll::Ready(Some(Err(Error::new(
                    ErrorKind::Timeout,
                    "context deadline exceeded while the body was streaming",
                ))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}
