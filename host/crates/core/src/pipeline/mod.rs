//! The pipeline: a flat list of steps in front of a leaf, in the order of the table that built it.
//!
//! What is not configured is not in the list and costs nothing. Synchronous steps are [`Filter`]s and cost a virtual
//! call; steps that wait are [`Middleware`]s and cost one boxed future.

mod build;

use std::{future::Future, pin::Pin};

pub use build::{BuildContext, Built, Level, Plan, PlanStep, StepFactory, Upstream};

use crate::{Error, Request, RequestContext, Response};

/// A boxed future, the price of a dynamic asynchronous call.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a step or leaf gives back.
pub type Outcome = Result<Response, Error>;

/// What happens after a filter saw a request.
#[derive(Debug)]
pub enum Flow {
    /// The next step.
    Continue,
    /// This answer, without the rest of the pipeline. Filters before this one still see it.
    Respond(Response),
}

/// A step that never waits.
pub trait Filter: Send + Sync {
    /// Sees and edits the request.
    ///
    /// # Errors
    /// Ends the request with the error.
    fn on_request(&self, _cx: &RequestContext, _request: &mut Request) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }

    /// Whether [`Filter::on_response`] does anything. Without it the filter is gone once the request has passed.
    fn sees_response(&self) -> bool {
        false
    }

    /// Sees and edits the outcome, good or bad.
    fn on_response(&self, _cx: &RequestContext, outcome: Outcome) -> Outcome {
        outcome
    }
}

/// A step around the rest of the pipeline: `next.run(cx, request).await`, or not.
pub trait Middleware: Send + Sync {
    /// Handles the request.
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome>;
}

/// The end of a pipeline: one exchange with an upstream, or something that makes answers itself.
pub trait Backend: Send + Sync {
    /// Handles the request.
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome>;
}

/// One step of a pipeline.
pub enum Step {
    /// See [`Filter`].
    Filter(Box<dyn Filter>),
    /// See [`Middleware`].
    Around(Box<dyn Middleware>),
}

/// Steps in order, outermost first, and the leaf behind them.
pub struct Pipeline {
    steps: Box<[Step]>,
    leaf: Box<dyn Backend>,
}

impl Pipeline {
    /// A pipeline from its parts.
    #[must_use]
    pub fn new(steps: Vec<Step>, leaf: Box<dyn Backend>) -> Self {
        Self { steps: steps.into(), leaf }
    }

    /// Runs a request through all steps and the leaf.
    pub fn run<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Next { steps: &self.steps, leaf: &*self.leaf }.run(cx, request)
    }
}

impl Backend for Pipeline {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        self.run(cx, request)
    }
}

/// The rest of a pipeline, as a middleware sees it.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    steps: &'a [Step],
    leaf: &'a dyn Backend,
}

impl<'a> Next<'a> {
    /// Runs the rest. May be called more than once (concurrent calls, retries).
    pub fn run(self, cx: &'a RequestContext, mut request: Request) -> BoxFuture<'a, Outcome> {
        for (index, step) in self.steps.iter().enumerate() {
            let rest = Next { steps: &self.steps[index + 1..], leaf: self.leaf };
            match step {
                Step::Around(middleware) => return middleware.call(cx, request, rest),
                Step::Filter(filter) => match filter.on_request(cx, &mut request) {
                    // Only a filter that wants the answer too costs a future of its own.
                    Ok(Flow::Continue) if filter.sees_response() => {
                        return Box::pin(async move {
                            let outcome = rest.run(cx, request).await;
                            filter.on_response(cx, outcome)
                        });
                    }
                    Ok(Flow::Continue) => {}
                    Ok(Flow::Respond(response)) => {
                        return Box::pin(std::future::ready(Ok(response)));
                    }
                    Err(error) => return Box::pin(std::future::ready(Err(error))),
                },
            }
        }
        self.leaf.call(cx, request)
    }
}
