//! `concurrent_calls`: the same backend several times at once, the first complete answer wins (reference 4.4).

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use torana_core::{
    Error, ErrorKind, Request, RequestContext,
    pipeline::{
        BoxFuture, BuildContext, Built, Level, Middleware, Next, Outcome, Step, StepFactory,
    },
};

/// The share of the endpoint's time that the calls may take (reference 4.1).
const SHARE_OF_TIMEOUT: f64 = 0.75;

/// Makes the step that calls a backend several times.
pub struct ConcurrentCalls;

impl StepFactory for ConcurrentCalls {
    fn name(&self) -> &'static str {
        "concurrent calls"
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Backend(endpoint, _) = cx.level else { return None };
        if endpoint.concurrent_calls < 2 {
            return None;
        }
        let calls = endpoint.concurrent_calls as usize;
        Some(Built {
            step: Step::Around(Box::new(Concurrent {
                calls,
                budget: endpoint.timeout.mul_f64(SHARE_OF_TIMEOUT),
            })),
            detail: format!("{calls} at once"),
            at: Some(endpoint.at.key("concurrent_calls")),
        })
    }
}

struct Concurrent {
    calls: usize,
    budget: Duration,
}

impl Middleware for Concurrent {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        let mut running: Vec<Option<BoxFuture<'a, Outcome>>> = Vec::with_capacity(self.calls);
        for _ in 1..self.calls {
            if let Some(copy) = request.try_clone() {
                running.push(Some(next.run(cx, copy)));
            }
        }
        running.push(Some(next.run(cx, request)));
        let deadline = cx.start + self.budget;
        Box::pin(async move {
            let mut sleep = pin!(tokio::time::sleep_until(deadline));
            let mut last: Option<Outcome> = None;
            poll_fn(|task| {
                let mut pending = false;
                for call in &mut running {
                    let Some(future) = call else { continue };
                    match future.as_mut().poll(task) {
                        Poll::Pending => pending = true,
                        Poll::Ready(outcome) => {
                            *call = None;
                            let complete = outcome.as_ref().is_ok_and(|r| r.complete);
                            // An answer, even a partial one, is worth more than an error.
                            if complete || outcome.is_ok() || !matches!(last, Some(Ok(_))) {
                                last = Some(outcome);
                            }
                            if complete {
                                return Poll::Ready(());
                            }
                        }
                    }
                }
                if pending { sleep.as_mut().poll(task) } else { Poll::Ready(()) }
            })
            .await;
            last.unwrap_or_else(|| Err(Error::new(ErrorKind::Timeout, "context deadline exceeded")))
        })
    }
}
