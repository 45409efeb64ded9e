//! All backends at once, merged in declared order when the last has answered or the time is up (reference 4.2).

use std::{future::poll_fn, task::Poll, time::Duration};

use super::{Branch, Merged, boxed, budget, cannot_fork, choose, timed_out};
use crate::{
    Request, RequestContext,
    deadline::Deadline,
    pipeline::{Backend, BoxFuture, Outcome},
};

/// Calls its branches in parallel, in the request's own task: dropping the request drops them all.
pub struct Parallel {
    branches: Box<[Branch]>,
    budget: Duration,
    conditional: bool,
}

impl Parallel {
    /// A merge within an endpoint's time limit.
    #[must_use]
    pub fn new(branches: Vec<Branch>, timeout: Duration) -> Self {
        let conditional = branches.iter().any(|branch| branch.condition.is_some());
        Self { branches: branches.into(), budget: budget(timeout), conditional }
    }
}

enum Call<'a> {
    Running(BoxFuture<'a, Outcome>),
    Done(Outcome),
}

impl Backend for Parallel {
    fn call<'a>(&'a self, cx: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        let chosen = self.conditional.then(|| choose(&self.branches, cx, &request));
        let takes_part = |index: usize| chosen.as_ref().is_none_or(|chosen| chosen[index]);
        let count = (0..self.branches.len()).filter(|&index| takes_part(index)).count();
        let mut calls = Vec::with_capacity(count);
        let mut request = Some(request);
        for (index, branch) in self.branches.iter().enumerate() {
            if !takes_part(index) {
                continue;
            }
            // The last one takes the request itself.
            let own = if calls.len() + 1 == count {
                request.take()
            } else {
                request.as_ref().and_then(Request::try_clone)
            };
            let Some(own) = own else { return boxed(cannot_fork()) };
            calls.push(Call::Running(branch.pipeline.run(cx, own)));
        }
        let deadline = cx.start + self.budget;
        Box::pin(async move {
            let mut deadline = Deadline::new(deadline);
            // Polls all calls in one task. An endpoint has few backends: asking each again costs less than a task for
            // each.
            poll_fn(|task| {
                let mut running = false;
                for call in &mut calls {
                    if let Call::Running(future) = call {
                        match future.as_mut().poll(task) {
                            Poll::Ready(outcome) => *call = Call::Done(outcome),
                            Poll::Pending => running = true,
                        }
                    }
                }
                if running { deadline.poll(task) } else { Poll::Ready(()) }
            })
            .await;
            let mut merged = Merged::default();
            for call in calls {
                merged.add(match call {
                    Call::Done(outcome) => outcome,
                    Call::Running(_) => Err(timed_out()),
                });
            }
            merged.finish()
        })
    }
}
