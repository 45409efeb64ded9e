//! How long a guest may run. Counted by the engine's ticks, so that an ordinary call reads no clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use wasmtime::UpdateDeadline;

use crate::{engine::TICK, host::clock};

/// How many times its limit a call may take when its thread gets too little of the processor.
const PATIENCE: u32 = 10;
/// How long a plugin runs on fibers after a long call, in nanoseconds.
const MEMORY: u64 = 10_000_000_000;

/// How many ticks make a time limit: at least as long, at most a tick longer.
pub(crate) fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).saturating_add(1)
}

/// Whether a plugin has had long calls lately. Its calls then run on fibers, which can be put aside: a call that is not
/// on a fiber holds its worker to the end.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// One read of a line that rarely changes, unless there was a long call.
    pub(crate) fn is_slow(&self) -> bool {
        let until = self.0.load(Ordering::Relaxed);
        if until == 0 {
            return false;
        }
        let slow = clock::monotonic() < until;
        if !slow {
            self.0.store(0, Ordering::Relaxed);
        }
        slow
    }

    fn was_long(&self) {
        self.0.store(clock::monotonic().saturating_add(MEMORY), Ordering::Relaxed);
    }
}

/// The time of the running call.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Ticks that are left of the limit. A tick counts when the guest meets it, however long its thread had to wait for
    /// the processor in between: on a busy machine nobody is cut who has hardly run.
    left: u64,
    /// The call is on a fiber: it gives its thread back at each tick.
    on_fiber: bool,
    /// It is the start of an instance, whose length says nothing about calls.
    is_start: bool,
    /// When it met its first tick, and when it must end in any case.
    met: Option<(Instant, Instant)>,
    /// It met a second one, so it has run for a whole tick. One alone says nothing: any call may meet that, and does
    /// if its thread lost the processor for a while.
    is_long: bool,
    /// The host kept it waiting since the last tick.
    waited: bool,
    /// How long the host has kept it waiting.
    waiting: Duration,
    /// Told at each tick on a fiber.
    alarm: Arc<AtomicBool>,
}

impl Budget {
    /// A budget for the start of an instance, and then for its calls.
    pub(crate) fn new() -> Self {
        Self {
            left: 0,
            on_fiber: false,
            is_start: true,
            met: None,
            is_long: false,
            waited: false,
            waiting: Duration::ZERO,
            alarm: Arc::default(),
        }
    }

    /// What is told at each tick of a call on a fiber.
    pub(crate) fn alarm(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.alarm)
    }

    /// Begins the start of the instance. [`Budget::tick`] must be asked at its next tick.
    pub(crate) fn begin_start(&mut self, ticks: u64) {
        self.left = ticks;
    }

    /// Begins a call, as [`Budget::begin_start`] begins the start.
    pub(crate) fn begin(&mut self, ticks: u64, on_fiber: bool) {
        self.is_start = false;
        self.left = ticks;
        self.on_fiber = on_fiber;
        self.met = None;
        self.is_long = false;
        self.waited = false;
        self.waiting = Duration::ZERO;
    }

    /// How long the call has taken at least, and of that how long it has run, if it was long.
    pub(crate) fn long(&self) -> Option<(Duration, Duration)> {
        let (since, _) = self.met.filter(|_| self.is_long)?;
        let wall = since.elapsed();
        Some((wall, wall.saturating_sub(self.waiting)))
    }

    /// How long the host has kept the guest waiting in this call.
    pub(crate) fn waiting(&self) -> Duration {
        self.waiting
    }

    /// The host has kept the guest waiting: that time is not the guest's.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.waited = true;
        self.waiting += time;
        if let Some((_, until)) = &mut self.met {
            *until += time;
        }
    }

    /// The guest still runs at its deadline.
    pub(crate) fn tick(&mut self, pace: &Pace) -> UpdateDeadline {
        if std::mem::take(&mut self.waited) {
            // The tick went by while the host worked.
            return UpdateDeadline::Continue(1);
        }
        let now = Instant::now();
        let met = match self.met {
            None => {
                let limit = TICK * u32::try_from(self.left).unwrap_or(u32::MAX);
                self.met = Some((now, now + limit * PATIENCE));
                1
            }
            Some((_, end)) => {
                self.is_long = true;
                if !self.is_start {
                    pace.was_long();
                }
                if now < end { 1 } else { self.left }
            }
        };
        self.left = self.left.saturating_sub(met);
        if self.left == 0 {
            UpdateDeadline::Interrupt
        } else if self.on_fiber && self.is_long {
            self.alarm.store(true, Ordering::Relaxed);
            UpdateDeadline::Yield(1)
        } else {
            UpdateDeadline::Continue(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interrupted(deadline: &UpdateDeadline) -> bool {
        matches!(deadline, UpdateDeadline::Interrupt)
    }

    #[test]
    fn a_call_is_cut_when_its_ticks_are_used_up() {
        let (mut budget, pace) = (Budget::new(), Pace::default());
        budget.begin(ticks(Duration::from_millis(5)), false);
        assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        assert!(!pace.is_slow() && budget.long().is_none(), "any call may meet a tick");
        assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        assert!(pace.is_slow() && budget.long().is_some(), "a long call is remembered");
        for _ in 0..3 {
            assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        }
        assert!(interrupted(&budget.tick(&pace)));
    }

    #[test]
    fn a_call_on_a_fiber_yields_until_its_time_is_up() {
        let (mut budget, pace) = (Budget::new(), Pace::default());
        budget.begin(ticks(Duration::from_secs(60)), true);
        assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        for _ in 0..3 {
            assert!(matches!(budget.tick(&pace), UpdateDeadline::Yield(1)));
            assert!(budget.alarm().swap(false, Ordering::Relaxed));
        }
        budget.begin(1, true);
        assert!(interrupted(&budget.tick(&pace)), "its last tick");
    }

    #[test]
    fn a_long_start_does_not_make_calls_slow() {
        let (mut budget, pace) = (Budget::new(), Pace::default());
        budget.begin_start(3);
        assert!(!interrupted(&budget.tick(&pace)));
        assert!(!interrupted(&budget.tick(&pace)));
        assert!(!pace.is_slow());
        assert!(interrupted(&budget.tick(&pace)));
    }

    #[test]
    fn waiting_is_not_running() {
        let (mut budget, pace) = (Budget::new(), Pace::default());
        budget.begin(ticks(Duration::from_millis(5)), true);
        budget.waited(Duration::from_secs(1));
        assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        budget.waited(Duration::from_secs(1));
        assert!(matches!(budget.tick(&pace), UpdateDeadline::Continue(1)));
        assert!(!pace.is_slow());
    }
}
