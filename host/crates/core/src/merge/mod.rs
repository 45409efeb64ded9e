//! Many backends, one answer (reference 4.2, 4.3).

mod parallel;
mod sequential;

use std::{sync::Arc, time::Duration};

pub use parallel::Parallel;
pub use sequential::{Propagated, Sequential};

use crate::{
    Data, Error, ErrorKind, Request, RequestContext, Response,
    pipeline::{BoxFuture, Outcome, Pipeline},
};

/// The share of the endpoint's time that a merge may take (reference 4.1).
const SHARE_OF_TIMEOUT: f64 = 0.85;

/// One backend of an endpoint with more than one.
pub struct Branch {
    /// The steps and the leaf of this backend.
    pub pipeline: Arc<Pipeline>,
    /// Whether it takes part in a request; `None` always does.
    pub condition: Option<Box<dyn Condition>>,
}

/// Decides for each request whether a backend takes part (reference 4.5).
pub trait Condition: Send + Sync {
    /// Whether the backend is called. A fallback is asked last and told whether any other backend was.
    fn applies(&self, cx: &RequestContext, request: &Request, any_other: bool) -> bool;

    /// Whether this is the backend for requests that no other takes.
    fn is_fallback(&self) -> bool {
        false
    }
}

/// Which branches take part.
fn choose(branches: &[Branch], cx: &RequestContext, request: &Request) -> Vec<bool> {
    let mut chosen: Vec<bool> = branches
        .iter()
        .map(|branch| match &branch.condition {
            Some(condition) if condition.is_fallback() => false,
            Some(condition) => condition.applies(cx, request, false),
            None => true,
        })
        .collect();
    // Unconditional backends do not keep a fallback from its turn: only another condition that held does.
    let any_other =
        branches.iter().zip(&chosen).any(|(branch, &chosen)| chosen && branch.condition.is_some());
    for (branch, chosen) in branches.iter().zip(&mut chosen) {
        if let Some(condition) = branch.condition.as_ref().filter(|c| c.is_fallback()) {
            *chosen = condition.applies(cx, request, any_other);
        }
    }
    chosen
}

fn budget(timeout: Duration) -> Duration {
    timeout.mul_f64(SHARE_OF_TIMEOUT)
}

/// The parts that have arrived so far, merged in declared order.
#[derive(Default)]
struct Merged {
    response: Option<Response>,
    errors: Vec<Error>,
    parts: usize,
    incomplete: bool,
}

impl Merged {
    fn add(&mut self, outcome: Outcome) {
        self.parts += 1;
        let mut response = match outcome {
            Ok(response) => response,
            Err(error) => return self.errors.push(error),
        };
        // A part without data, such as a publisher's, leaves the answer incomplete (reference 4.2).
        self.incomplete |= !response.complete || matches!(response.data, Data::Entity(None));
        self.errors.extend(response.failure.take());
        self.response = Some(match self.response.take() {
            None => response,
            Some(base) => combine(base, response),
        });
    }

    /// All that a failure of every part leaves is the error.
    fn finish(self) -> Outcome {
        let Some(mut response) = self.response else {
            return Err(join(self.errors));
        };
        response.complete = !self.incomplete && self.errors.is_empty();
        response.failure = (!self.errors.is_empty()).then(|| join(self.errors));
        Ok(response)
    }
}

/// Later parts win equal top-level keys. Status and headers of the parts are lost as soon as two are combined.
fn combine(mut base: Response, later: Response) -> Response {
    let later = later.into_parts();
    let data = std::mem::replace(&mut base.data, Data::Entity(None));
    base.data = match (data, later.data) {
        (Data::Entity(Some(mut object)), Data::Entity(Some(other))) => {
            object.merge(other);
            Data::Entity(Some(object))
        }
        (Data::Entity(Some(object)), _) | (_, Data::Entity(Some(object))) => {
            Data::Entity(Some(object))
        }
        _ => Data::Entity(None),
    };
    base.status = http::StatusCode::OK;
    base.headers = http::HeaderMap::new();
    base.complete &= later.complete;
    base
}

/// One error from all; never with a backend's status (reference 4.2).
fn join(errors: Vec<Error>) -> Error {
    let kind = errors.first().map_or(ErrorKind::Unavailable, Error::kind);
    if errors.is_empty() {
        return Error::new(kind, "no backend takes this request");
    }
    // A refused client request stays one, whoever else failed.
    let status = errors
        .iter()
        .filter_map(Error::status)
        .find(|_| errors.iter().all(|error| error.kind() == ErrorKind::BadRequest));
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let joined = Error::new(kind, text);
    match status {
        Some(status) => joined.with_status(status),
        None => joined,
    }
}

fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "context deadline exceeded")
}

fn cannot_fork() -> Outcome {
    Err(Error::new(ErrorKind::Internal, "the request's body was not buffered before it was forked"))
}

fn boxed<'a>(outcome: Outcome) -> BoxFuture<'a, Outcome> {
    Box::pin(std::future::ready(outcome))
}
