//! Calls that can be put aside: they wait for the host, or have run for long.

use std::{
    future::{Future, poll_fn},
    io, panic,
    pin::Pin,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use tokio::{
    runtime::{self, Handle},
    task::JoinHandle,
};

/// What runs on a fiber.
pub(crate) type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How much less the operating system favours threads of long calls than workers: workers go first.
const NICE: i32 = 5;

/// Threads for calls that have run for long, so that these hold up nobody else's requests: one for each processor.
struct Lanes {
    lanes: Vec<Handle>,
    next: AtomicUsize,
}

impl Lanes {
    /// They start with the first long call and end with the process.
    fn get() -> Option<&'static Self> {
        static LANES: OnceLock<Option<Lanes>> = OnceLock::new();
        let start = || {
            Self::start()
                .inspect_err(|error| tracing::warn!("long plugin calls stay on workers: {error}"))
                .ok()
        };
        LANES.get_or_init(start).as_ref()
    }

    fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let lanes = (0..count).map(lane).collect::<io::Result<_>>()?;
        Ok(Self { lanes, next: AtomicUsize::new(0) })
    }

    fn spawn<T: Send + 'static>(&self, mut call: Call<T>) -> Task<T> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let yielding = poll_fn(move |task| {
            let polled = call.as_mut().poll(task);
            if polled.is_pending() {
                // A lower priority alone lets a worker wait until the lane's time slice is over.
                thread::yield_now();
            }
            polled
        });
        Task::spawn(&self.lanes[next % self.lanes.len()], yielding)
    }
}

fn lane(index: usize) -> io::Result<Handle> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name(format!("plugin-lane-{index}")).spawn(move || {
        // Of this thread only; without it the calls are merely less out of the way.
        let _ = rustix::process::nice(NICE);
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}

/// A task that ends with whoever waits for it.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Starts it.
    pub(crate) fn spawn(
        runtime: &Handle,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Self(runtime.spawn(future))
    }

    /// What it gives. Panics go on.
    pub(crate) async fn end(mut self) -> T {
        match (&mut self.0).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => panic::resume_unwind(panic),
                // Only a runtime that ends cancels, and nobody waits for anything then.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a call here until `alarm` says that it has run for a tick, then on one of the lanes.
pub(crate) async fn run<T: Send + 'static>(alarm: &AtomicBool, mut call: Call<T>) -> T {
    alarm.store(false, Ordering::Relaxed);
    let here = poll_fn(|task| match call.as_mut().poll(task) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if alarm.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    if let Some(done) = here {
        return done;
    }
    let Some(lanes) = Lanes::get() else { return call.await };
    lanes.spawn(call).end().await
}

/// What a future that does not wait gives.
///
/// # Errors
/// If it waits.
pub(crate) fn ready<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => wasmtime::bail!("a plugin must not wait while it starts"),
    }
}
