//! How long a guest runs while it serves one request. Its calls are always on fibers, and may wait for the host as
//! often as they like, so the time is taken from poll to poll.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use wasmtime::UpdateDeadline;

use crate::{
    budget::{LONG_TICKS, LONGEST_TICK, PATIENCE, Pace},
    plugin::Plugin,
};

/// The time of one guest. Counts anew from each piece of a body that passes, as body hooks have a limit for each chunk.
#[derive(Debug)]
pub(super) struct Meter {
    limit: u64,
    /// Nanoseconds that count.
    ran: AtomicU64,
    /// Nanoseconds as the wall's clock has them.
    wall: AtomicU64,
    /// The same, since the beginning.
    total: AtomicU64,
    /// The guest has waited for the host since its last tick, so ticks went by without it.
    waited: AtomicBool,
    /// Ticks that the guest has met since its thread took it up.
    met: AtomicU8,
    /// Told at each tick, for [`crate::fiber::run`].
    alarm: Arc<AtomicBool>,
}

impl Meter {
    /// A meter that has not begun.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit: nanos(limit),
            ran: AtomicU64::new(0),
            wall: AtomicU64::new(0),
            total: AtomicU64::new(0),
            waited: AtomicBool::new(false),
            met: AtomicU8::new(0),
            alarm: Arc::default(),
        }
    }

    /// What is told at each tick.
    pub(super) fn alarm(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.alarm)
    }

    /// A piece of a body has passed.
    pub(super) fn renew(&self) {
        self.ran.store(0, Ordering::Relaxed);
        self.wall.store(0, Ordering::Relaxed);
    }

    /// How long the guest has run.
    pub(super) fn total(&self) -> Duration {
        Duration::from_nanos(self.total.load(Ordering::Relaxed))
    }

    /// The guest still runs at a tick: as [`crate::budget::Budget::tick`].
    pub(super) fn tick(&self, pace: &Pace) -> UpdateDeadline {
        if self.is_over() {
            return UpdateDeadline::Interrupt;
        }
        let is_long = self.met.fetch_add(1, Ordering::Relaxed) >= LONG_TICKS;
        if self.waited.swap(false, Ordering::Relaxed) || !(is_long || pace.is_slow()) {
            return UpdateDeadline::Continue(1);
        }
        self.alarm.store(true, Ordering::Relaxed);
        UpdateDeadline::Yield(1)
    }

    fn is_over(&self) -> bool {
        self.ran.load(Ordering::Relaxed) >= self.limit
            || self.wall.load(Ordering::Relaxed) >= self.limit.saturating_mul(PATIENCE.into())
    }

    fn add(&self, took: Duration) {
        self.ran.fetch_add(nanos(took.min(LONGEST_TICK)), Ordering::Relaxed);
        self.wall.fetch_add(nanos(took), Ordering::Relaxed);
        self.total.fetch_add(nanos(took), Ordering::Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A call whose time is taken.
pub(super) struct Metered<F> {
    call: Pin<Box<F>>,
    meter: Arc<Meter>,
    plugin: Arc<Plugin>,
}

impl<F: Future> Metered<F> {
    /// Takes the time of a call of this plugin.
    pub(super) fn new(call: F, meter: Arc<Meter>, plugin: Arc<Plugin>) -> Self {
        Self { call: Box::pin(call), meter, plugin }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let Self { call, meter, plugin } = self.get_mut();
        let facts = &plugin.facts;
        // The clock may have stopped while the guest waited.
        facts.ticks.wake_at(&facts.pace);
        meter.alarm.store(false, Ordering::Relaxed);
        meter.met.store(0, Ordering::Relaxed);
        let started = Instant::now();
        let polled = call.as_mut().poll(task);
        let took = started.elapsed();
        meter.add(took);
        facts.pace.ran(took);
        if polled.is_pending() && !meter.alarm.load(Ordering::Relaxed) {
            meter.waited.store(true, Ordering::Relaxed);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticker::TICK;

    fn interrupts(meter: &Meter) -> bool {
        matches!(meter.tick(&Pace::default()), UpdateDeadline::Interrupt)
    }

    /// Of a plugin that has just had a long call.
    fn slow() -> Pace {
        let pace = Pace::default();
        pace.ran(Duration::from_secs(1));
        pace
    }

    #[test]
    fn running_is_limited_and_counts_anew_from_each_piece() {
        let meter = Meter::new(Duration::from_millis(5));
        for _ in 0..9 {
            meter.add(TICK);
            assert!(matches!(meter.tick(&slow()), UpdateDeadline::Yield(1)));
            assert!(meter.alarm().swap(false, Ordering::Relaxed));
        }
        meter.add(TICK);
        assert!(interrupts(&meter));
        meter.renew();
        assert!(!interrupts(&meter));
        assert_eq!(meter.total(), 10 * TICK, "the figure of the whole call");
    }

    #[test]
    fn ticks_that_went_by_while_it_waited_do_not_move_it_away() {
        let (meter, slow) = (Meter::new(Duration::from_millis(5)), slow());
        meter.waited.store(true, Ordering::Relaxed);
        assert!(matches!(meter.tick(&slow), UpdateDeadline::Continue(1)));
        assert!(!meter.alarm().load(Ordering::Relaxed));
        assert!(matches!(meter.tick(&slow), UpdateDeadline::Yield(1)));
    }

    #[test]
    fn a_short_time_moves_nobody_away_but_guests_of_slow_plugins() {
        let meter = Meter::new(Duration::from_millis(5));
        for _ in 0..LONG_TICKS {
            assert!(matches!(meter.tick(&Pace::default()), UpdateDeadline::Continue(1)));
        }
        assert!(matches!(meter.tick(&Pace::default()), UpdateDeadline::Yield(1)));
        let meter = Meter::new(Duration::from_millis(5));
        assert!(matches!(meter.tick(&slow()), UpdateDeadline::Yield(1)));
    }

    #[test]
    fn a_busy_machine_cuts_nobody_at_once_and_everybody_in_the_end() {
        let meter = Meter::new(Duration::from_millis(5));
        meter.add(Duration::from_millis(49));
        assert!(!interrupts(&meter), "one poll, which its thread slept through");
        meter.add(Duration::from_millis(1));
        assert!(interrupts(&meter));
    }
}
