//! How long a guest may run. An ordinary call reads no clock: its time is taken from the first tick that it meets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use wasmtime::UpdateDeadline;

use crate::{host::clock, ticker::TICK};

/// How many times its limit a call may take when its thread gets too little of the processor.
pub(crate) const PATIENCE: u32 = 10;
/// What counts at most from one tick to the next. Ticks are less than two apart while a guest is known to run, so all
/// beyond is time that its thread had to wait for the processor: on a busy machine nobody is cut who has hardly run.
pub(crate) const LONGEST_TICK: Duration = TICK.saturating_mul(2);
/// Ticks after which a call is long: it may meet one whenever it comes.
pub(crate) const LONG_TICKS: u8 = 2;
/// How long a call has run that is long.
const LONG: Duration = TICK.saturating_mul(LONG_TICKS as u32);
/// How long a plugin runs on fibers after a long call, in nanoseconds.
const MEMORY: u64 = 10_000_000_000;

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

    /// Takes note of a call that has run for so long.
    pub(crate) fn ran(&self, time: Duration) {
        if time >= LONG {
            self.0.store(clock::monotonic().saturating_add(MEMORY), Ordering::Relaxed);
        }
    }
}

/// The time of the running call.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: Duration,
    /// The call is on a fiber: it can give its thread back.
    on_fiber: bool,
    /// It is the start of an instance, whose length says nothing about calls.
    is_start: bool,
    /// Since when its time is taken, and up to when it has been: from its beginning on a fiber, else from its first tick.
    taken: Option<(Instant, Instant)>,
    /// How much of that it has run.
    ran: Duration,
    /// The host kept it waiting since the last tick.
    waited: bool,
    /// How long the host has kept it waiting.
    waiting: Duration,
    /// Told at each tick on a fiber.
    alarm: Arc<AtomicBool>,
}

impl Budget {
    /// A budget for the start of an instance, and then for its calls.
    pub(crate) fn new(start_limit: Duration) -> Self {
        Self {
            limit: start_limit,
            on_fiber: false,
            is_start: true,
            taken: None,
            ran: Duration::ZERO,
            waited: false,
            waiting: Duration::ZERO,
            alarm: Arc::default(),
        }
    }

    /// What is told at each tick of a call on a fiber.
    pub(crate) fn alarm(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.alarm)
    }

    /// Begins a call; `since` is now if it is on a fiber. [`Budget::tick`] must be asked at its next tick.
    pub(crate) fn begin(&mut self, limit: Duration, since: Option<Instant>) {
        self.is_start = false;
        self.limit = limit;
        self.on_fiber = since.is_some();
        self.taken = since.map(|since| (since, since));
        self.ran = Duration::ZERO;
        self.waited = false;
        self.waiting = Duration::ZERO;
    }

    /// How long the call has taken at least, and of that how long it has run, if it was long.
    pub(crate) fn long(&self) -> Option<(Duration, Duration)> {
        let (since, _) = self.taken.filter(|_| self.ran >= LONG)?;
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
        if let Some((_, last)) = &mut self.taken {
            *last += time;
        }
    }

    /// The guest still runs at a tick. On a fiber it gives its thread back then if it has run for long, or its plugin has
    /// had long calls lately.
    pub(crate) fn tick(&mut self, now: Instant, pace: &Pace) -> UpdateDeadline {
        let waited = std::mem::take(&mut self.waited);
        let Some((since, last)) = &mut self.taken else {
            // Any call may meet one tick.
            self.taken = Some((now, now));
            return UpdateDeadline::Continue(1);
        };
        let is_first = self.ran.is_zero();
        // One tick alone says little: no limit is so short that it ends a call.
        let longest = if is_first { TICK } else { LONGEST_TICK };
        self.ran += now.saturating_duration_since(*last).min(longest);
        *last = now;
        let wall = now.saturating_duration_since(*since).saturating_sub(self.waiting);
        if !self.is_start {
            pace.ran(self.ran);
        }
        if self.ran >= self.limit || wall >= self.limit * PATIENCE {
            UpdateDeadline::Interrupt
        } else if self.on_fiber && !waited && (self.ran >= LONG || pace.is_slow()) {
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

    const LIMIT: Duration = Duration::from_millis(5);

    /// A call and its clock.
    struct Scene {
        budget: Budget,
        pace: Pace,
        now: Instant,
    }

    impl Scene {
        fn new(on_fiber: bool) -> Self {
            let now = Instant::now();
            let mut budget = Budget::new(LIMIT);
            budget.begin(LIMIT, on_fiber.then_some(now));
            Self { budget, pace: Pace::default(), now }
        }

        fn tick_after(&mut self, time: Duration) -> UpdateDeadline {
            self.now += time;
            self.budget.tick(self.now, &self.pace)
        }

        fn tick(&mut self) -> UpdateDeadline {
            self.tick_after(TICK)
        }
    }

    fn interrupts(deadline: &UpdateDeadline) -> bool {
        matches!(deadline, UpdateDeadline::Interrupt)
    }

    #[test]
    fn a_call_is_cut_when_its_time_is_up() {
        let mut scene = Scene::new(false);
        assert!(matches!(scene.tick_after(TICK * 8), UpdateDeadline::Continue(1)));
        assert!(!interrupts(&scene.tick()));
        assert!(!scene.pace.is_slow() && scene.budget.long().is_none(), "any call may meet a tick");
        assert!(!interrupts(&scene.tick()));
        assert!(scene.pace.is_slow() && scene.budget.long().is_some(), "it has run for 1 ms");
        for _ in 0..7 {
            assert!(matches!(scene.tick(), UpdateDeadline::Continue(1)));
        }
        assert!(interrupts(&scene.tick()));
    }

    #[test]
    fn a_call_on_a_fiber_yields_until_its_time_is_up() {
        let mut scene = Scene::new(true);
        assert!(matches!(scene.tick(), UpdateDeadline::Continue(1)), "any call may meet a tick");
        for _ in 0..8 {
            assert!(matches!(scene.tick(), UpdateDeadline::Yield(1)));
            assert!(scene.budget.alarm().swap(false, Ordering::Relaxed));
        }
        assert!(interrupts(&scene.tick()), "counted from its beginning");
        scene.budget.begin(LIMIT, Some(scene.now));
        assert!(matches!(scene.tick(), UpdateDeadline::Yield(1)), "its plugin is known to be slow");
    }

    #[test]
    fn a_long_start_does_not_make_calls_slow() {
        let mut scene = Scene::new(false);
        scene.budget = Budget::new(LIMIT);
        for _ in 0..10 {
            assert!(matches!(scene.tick(), UpdateDeadline::Continue(1)));
        }
        assert!(interrupts(&scene.tick()));
        assert!(!scene.pace.is_slow());
    }

    #[test]
    fn waiting_is_not_running() {
        let mut scene = Scene::new(true);
        for _ in 0..20 {
            scene.now += LIMIT;
            scene.budget.waited(LIMIT);
            assert!(matches!(scene.tick_after(TICK / 10), UpdateDeadline::Continue(1)));
        }
        assert!(scene.budget.ran >= TICK && !interrupts(&scene.tick()));
    }

    #[test]
    fn a_busy_machine_cuts_nobody_at_once_and_everybody_in_the_end() {
        let mut scene = Scene::new(true);
        assert!(!interrupts(&scene.tick_after(LIMIT * 9)), "its thread slept");
        assert!(interrupts(&scene.tick_after(LIMIT)));
        scene.budget.begin(Duration::from_millis(1), Some(scene.now));
        assert!(!interrupts(&scene.tick_after(LIMIT)), "nor is the shortest limit over at once");
    }
}
