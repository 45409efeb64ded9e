//! `workflow`: a nested endpoint in the place of a backend's call (reference 11.5). Paid elsewhere.

use std::time::Duration;

use torana_config::{Diagnostics, valid};
use torana_core::{
    Data, Error, ErrorKind, Request, RequestContext, Response,
    entity::Object,
    format::Formatter,
    pipeline::{Backend, BoxFuture, Outcome, Pipeline},
};

/// A nested endpoint as the leaf of a backend.
pub struct Workflow {
    pipeline: Pipeline,
    timeout: Duration,
    ignore_errors: bool,
    formatter: Formatter,
}

impl Workflow {
    /// The leaf of `backend`, whose workflow was compiled to `pipeline`.
    #[must_use]
    pub fn new(
        backend: &valid::Backend,
        workflow: &valid::Workflow,
        pipeline: Pipeline,
        out: &mut Diagnostics,
    ) -> Self {
        Self {
            pipeline,
            timeout: workflow.endpoint.timeout,
            ignore_errors: workflow.ignore_errors,
            formatter: Formatter::new(backend, out),
        }
    }

    async fn run(&self, cx: &RequestContext, request: Request) -> Outcome {
        // Time limits inside count from here, not from the request's start.
        let mut inner = cx.clone();
        inner.start = tokio::time::Instant::now();
        let outcome = tokio::time::timeout(self.timeout, self.pipeline.run(&inner, request))
            .await
            .unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Timeout, "context deadline exceeded in a workflow"))
            });
        let mut response = match outcome {
            Ok(response) => response,
            Err(_) if self.ignore_errors => Response::from_object(Object::default()),
            Err(error) => return Err(error),
        };
        if self.ignore_errors {
            response.complete = true;
            response.failure = None;
        }
        if let Data::Entity(object) = &mut response.data {
            self.formatter.apply(object)?;
        }
        Ok(response)
    }
}

impl Backend for Workflow {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request))
    }
}
