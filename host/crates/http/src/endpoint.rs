//! One endpoint: runs its pipeline within its time limit and renders the outcome (reference 3.1).

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use torana_core::{
    Body, EndpointInfo, Error, ErrorKind, Request, RequestContext,
    body::Stream,
    deadline::Deadline,
    pipeline::{Outcome, Pipeline},
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
        let outcome = self.run(cx, request, deadline).await;
        if let Err(error) = &outcome {
            log_failure(cx, &self.info, error);
        } else if let Ok(response) = &outcome
            && let Some(failure) = &response.failure
        {
            log_failure(cx, &self.info, failure);
        }
        responder.endpoint(outcome, &self.rendering, accept.as_ref()).map(|body| match body {
            // The time limit holds for the body too (reference 4.1).
            Body::Stream(stream) => {
                Body::Stream(Box::pin(Timed { stream, deadline: Deadline::new(deadline) }))
            }
            whole => whole,
        })
    }

    /// Runs the pipeline within the time limit.
    async fn run(&self, cx: &RequestContext, request: Request, deadline: Instant) -> Outcome {
        let mut pipeline = self.pipeline.run(cx, request);
        let mut deadline = Deadline::new(deadline);
        poll_fn(|task| match pipeline.as_mut().poll(task) {
            Poll::Pending => deadline
                .poll(task)
                .map(|()| Err(Error::new(ErrorKind::Timeout, "context deadline exceeded"))),
            outcome => outcome,
        })
        .await
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
        request_id = cx.id,
        endpoint = %info.path,
        kind = ?error.kind(),
        "[ENDPOINT: {}] {error}",
        info.path
    );
}

/// A stream that ends broken when the endpoint's time is up.
struct Timed {
    stream: Stream,
    deadline: Deadline,
}

impl http_body::Body for Timed {
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
        this.deadline.poll(cx).map(|()| {
            tracing::debug!("answer cut at the endpoint's timeout");
            Some(Err(Error::new(
                ErrorKind::Timeout,
                "context deadline exceeded while the body was streaming",
            )))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}
