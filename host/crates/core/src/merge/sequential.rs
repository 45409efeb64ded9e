//! One backend after the other, with values of earlier answers in later calls (reference 4.3).

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::{Branch, Merged, budget, cannot_fork, choose, timed_out};
use crate::{
    Body, Data, Error, Params, Request, RequestContext, Response,
    entity::Object,
    pipeline::{Backend, BoxFuture, Outcome},
};

/// Largest `no-op` body that is handed on as a parameter, in bytes.
const WHOLE_BODY_LIMIT: usize = 1 << 20;

/// A value of an answer that later calls want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propagated {
    /// Index of the backend that answers.
    pub backend: usize,
    /// Dot path in its formatted data; empty for the whole body of a `no-op` backend.
    pub path: String,
    /// Name of the parameter: `resp0_user.id`.
    pub name: Arc<str>,
}

/// Calls its branches one after the other.
pub struct Sequential {
    branches: Box<[Branch]>,
    propagated: Box<[Propagated]>,
    budget: Duration,
}

impl Sequential {
    /// A sequence within an endpoint's time limit.
    #[must_use]
    pub fn new(branches: Vec<Branch>, propagated: Vec<Propagated>, timeout: Duration) -> Self {
        Self { branches: branches.into(), propagated: propagated.into(), budget: budget(timeout) }
    }

    async fn run(&self, cx: &RequestContext, mut request: Request) -> Outcome {
        let deadline = cx.start + self.budget;
        let chosen = choose(&self.branches, cx, &request);
        let mut merged = Merged::default();
        for (index, branch) in self.branches.iter().enumerate() {
            let outcome = if chosen[index] {
                let Some(own) = request.try_clone() else { return cannot_fork() };
                tokio::time::timeout_at(deadline, branch.pipeline.run(cx, own))
                    .await
                    .unwrap_or_else(|_| Err(timed_out()))
            } else {
                // A backend that takes no part counts as an empty complete answer (reference 4.5).
                Ok(Response::from_object(Object::default()))
            };
            match outcome {
                // Nothing arrived yet: this error is the endpoint's, with its status.
                Err(error) if index == 0 => return Err(error),
                Err(error) => {
                    merged.add(Err(error));
                    break;
                }
                Ok(mut response) => {
                    self.propagate(index, &mut response, &mut request.params).await?;
                    let complete = response.complete;
                    merged.add(Ok(response));
                    if !complete {
                        merged.incomplete = true;
                        break;
                    }
                }
            }
        }
        merged.finish()
    }

    async fn propagate(
        &self,
        index: usize,
        response: &mut Response,
        params: &mut Params,
    ) -> Result<(), Error> {
        for wanted in self.propagated.iter().filter(|wanted| wanted.backend == index) {
            let value = if wanted.path.is_empty() {
                whole_body(response).await?
            } else {
                response.object().and_then(|object| object.text_at(&wanted.path))
            };
            if let Some(value) = value {
                params.set(wanted.name.clone(), value);
            }
        }
        Ok(())
    }
}

async fn whole_body(response: &mut Response) -> Result<Option<String>, Error> {
    let Data::Body(body) = &mut response.data else { return Ok(None) };
    let bytes = std::mem::take(body).collect(WHOLE_BODY_LIMIT).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    *body = Body::from_bytes(bytes);
    Ok((response.status == StatusCode::OK || !text.is_empty()).then_some(text))
}

impl Backend for Sequential {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(cx, request))
    }
}
