//! Time limits of requests, without a timer for each: workers keep timers that once fired for nobody, and lend them.
//!
//! A runtime's timer costs its registration and removal, for a limit that nearly no request reaches. A lent timer stays
//! registered instead. It fires when the limit of a request long gone has come, and is set anew then; so each timer is
//! set once in the length of a limit, however many requests borrow it.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// More timers than this are not kept by a worker.
const KEPT: usize = 1024;

thread_local! {
    /// `None` on threads that are not workers: a timer must not outlive its runtime.
    static SPARE: RefCell<Option<Vec<Pin<Box<Sleep>>>>> = const { RefCell::new(None) };
}

/// Starts to keep timers on this thread. Called by each worker before it serves.
pub fn keep() {
    SPARE.set(Some(Vec::new()));
}

/// Drops the timers of this thread and keeps no more. Called by each worker before its runtime ends.
pub fn release() {
    SPARE.set(None);
}

/// A point in time to wait for.
#[derive(Debug)]
pub struct Deadline {
    at: Instant,
    /// Borrowed at the first poll: most requests that fail do so before.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Ends at `at`.
    #[must_use]
    pub fn new(at: Instant) -> Self {
        Self { at, sleep: None }
    }

    /// Ready once the time has come.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        let sleep = self.sleep.get_or_insert_with(|| borrow(at));
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
        Poll::Pending
    }
}

/// A timer that fires at `at` or before.
fn borrow(at: Instant) -> Pin<Box<Sleep>> {
    let spare = SPARE.with_borrow_mut(|spare| spare.as_mut().and_then(Vec::pop));
    match spare {
        Some(mut sleep) => {
            if sleep.deadline() > at {
                sleep.as_mut().reset(at);
            }
            sleep
        }
        None => Box::pin(sleep_until(at)),
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let Some(sleep) = self.sleep.take() else { return };
        // An error only means that the thread is ending.
        let _ = SPARE.try_with(|spare| {
            if let Some(spare) = &mut *spare.borrow_mut()
                && spare.len() < KEPT
            {
                spare.push(sleep);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    async fn wait(deadline: &mut Deadline) {
        poll_fn(|cx| deadline.poll(cx)).await;
    }

    /// Polls once, so that the deadline borrows a timer.
    async fn touch(deadline: &mut Deadline) -> bool {
        poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_ready())).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_lent_timer_never_fires_early_or_late() {
        keep();
        let second = Duration::from_secs(1);
        let start = Instant::now();
        // The first borrower is done long before its time.
        assert!(!touch(&mut Deadline::new(start + second)).await);
        // A later limit: the timer fires at the old one, and goes on.
        let mut later = Deadline::new(start + 3 * second);
        wait(&mut later).await;
        assert_eq!(Instant::now(), start + 3 * second);
        drop(later);
        // An earlier limit than the one that the timer is set to.
        let start = Instant::now();
        assert!(!touch(&mut Deadline::new(start + 9 * second)).await);
        let mut sooner = Deadline::new(start + second);
        wait(&mut sooner).await;
        assert_eq!(Instant::now(), start + second);
        // One that fired stays fired, and the past is over at once.
        assert!(touch(&mut sooner).await);
        drop(sooner);
        assert!(touch(&mut Deadline::new(start)).await);
        release();
    }

    #[tokio::test(start_paused = true)]
    async fn other_threads_keep_none() {
        assert!(!touch(&mut Deadline::new(Instant::now() + Duration::from_secs(1))).await);
        SPARE.with_borrow(|spare| assert!(spare.is_none()));
    }
}
