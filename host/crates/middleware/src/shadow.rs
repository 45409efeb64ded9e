//! Shadow backends (reference 4.6): they get a copy of each request, and nobody sees what they answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use torana_core::{
    Request, RequestContext,
    pipeline::{Backend, BoxFuture, Middleware, Next, Outcome, Step},
};

/// Copies that may be in flight at once. A shadow that hangs must not fill the memory: what comes above is left out.
const MAX_IN_FLIGHT: usize = 1024;

/// The step that sends copies to `shadows` in the background, each for at most `timeout`.
#[must_use]
pub fn step(shadows: Arc<dyn Backend>, timeout: Duration) -> Step {
    Step::Around(Box::new(Shadow { shadows, timeout, in_flight: Arc::default() }))
}

struct Shadow {
    shadows: Arc<dyn Backend>,
    timeout: Duration,
    in_flight: Arc<AtomicUsize>,
}

/// Counts a copy for as long as it lives.
struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Middleware for Shadow {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= MAX_IN_FLIGHT {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!("shadow backends lag behind: a copy was left out");
        } else if let Some(copy) = request.try_clone() {
            let slot = Slot(self.in_flight.clone());
            self.send(cx.clone(), copy, slot);
        } else {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        next.run(cx, request)
    }
}

impl Shadow {
    /// The copy has a life of its own: the client may go away, and the answer waits for nothing here.
    fn send(&self, mut cx: RequestContext, copy: Request, slot: Slot) {
        let (shadows, timeout) = (self.shadows.clone(), self.timeout);
        cx.start = tokio::time::Instant::now();
        tokio::spawn(async move {
            match tokio::time::timeout(timeout, shadows.call(&cx, copy)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::debug!(request_id = cx.id, %error, "shadow backend failed")
                }
                Err(_) => tracing::debug!(request_id = cx.id, "shadow backend took too long"),
            }
            drop(slot);
        });
    }
}
