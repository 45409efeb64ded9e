//! The clock of time limits: a thread that advances the engine's epoch while guests run. Ordinary calls end before they
//! meet a tick, so it ticks slowly until one does not; and it sleeps when none has run for a while, as an idle gateway
//! does not wake up hundreds of times a second.

use std::{
    io,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use wasmtime::EngineWeak;

use crate::budget::Pace;

/// The grain of time limits: how long a tick is while calls are long.
pub(crate) const TICK: Duration = Duration::from_micros(500);
/// How long one is while all calls are short. Each tick takes the processor from a worker for a moment.
const CALM_TICK: Duration = Duration::from_millis(4);
/// How long ticks stay short after somebody asked for it. Whoever meets a tick asks again, so this need not be long; and
/// must not be, as on a busy gateway some ordinary call meets most ticks.
const ALERT: Duration = Duration::from_millis(1);
/// How long after a call it sleeps, beyond the longest time limit.
const IDLE: Duration = Duration::from_secs(1);

/// What has been asked of the thread since its last tick.
const NOTHING: u8 = 0;
const TO_TICK: u8 = 1;
const TO_HURRY: u8 = 2;
const MORE_THAN_ANYTHING: u8 = 3;

/// What the thread does at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Alerted,
    Calm,
    Asleep,
}

/// The thread. It ends with the engine.
pub(crate) struct Ticker(Ticks);

/// What calls ask of the thread.
#[derive(Debug, Clone)]
pub(crate) struct Ticks {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    asked: AtomicU8,
    /// What wakes the thread, if so much or more is asked.
    wakes_at: AtomicU8,
    /// The longest time limit in microseconds: a call that runs must not lose its clock.
    longest: AtomicU64,
}

impl Ticker {
    pub(crate) fn start(engine: EngineWeak) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("plugin-ticker".into())
            .spawn(move || tick(&engine, &theirs))?
            .thread()
            .clone();
        Ok(Self(Ticks { shared, thread }))
    }

    pub(crate) fn ticks(&self) -> &Ticks {
        &self.0
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.thread.unpark();
    }
}

impl Ticks {
    /// Announces a time limit; calls may last that long.
    pub(crate) fn announce(&self, limit: Duration) {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        self.shared.longest.fetch_max(limit, Relaxed);
    }

    /// Sees to it that there are ticks. In front of every call of a guest.
    pub(crate) fn wake(&self) {
        self.ask(TO_TICK);
    }

    /// Sees to it that ticks are short: a call is long.
    pub(crate) fn hurry(&self) {
        self.ask(TO_HURRY);
    }

    /// Either of them, in front of a call of a plugin whose pace is known.
    pub(crate) fn wake_at(&self, pace: &Pace) {
        if pace.is_slow() { self.hurry() } else { self.wake() }
    }

    fn ask(&self, what: u8) {
        // One read of a line that rarely changes; the rest at most once per tick and worker.
        if self.shared.asked.load(Relaxed) >= what {
            return;
        }
        self.shared.asked.fetch_max(what, SeqCst);
        // Either this load sees how deep the thread is about to sleep, or its last look sees the store above.
        if what >= self.shared.wakes_at.load(SeqCst) {
            self.thread.unpark();
        }
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    // Sleepers may be woken 50 µs late by default (prctl(2)), a tenth of a tick.
    let _ = rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN));
    let mut clock = Clock::new(Instant::now());
    loop {
        let now = Instant::now();
        let mood = clock.mood(now, shared);
        shared.wakes_at.store(mood.wakes_at(), SeqCst);
        if shared.asked.load(SeqCst) >= mood.wakes_at() {
            continue;
        }
        let ticks = match mood.period() {
            Some(period) => {
                thread::park_timeout(clock.wait(period, now));
                clock.is_due(Instant::now())
            }
            None => {
                thread::park();
                // No tick for those who are just beginning.
                clock.restart(Instant::now());
                false
            }
        };
        let Some(engine) = engine.upgrade() else { return };
        if ticks {
            engine.increment_epoch();
        }
    }
}

/// When the thread ticks.
struct Clock {
    /// The last call, and the last time that somebody was in a hurry.
    called: Instant,
    hurried: Option<Instant>,
    /// When the last tick was due, and when the next is.
    last: Instant,
    due: Instant,
    period: Duration,
}

impl Clock {
    fn new(now: Instant) -> Self {
        let due = now + CALM_TICK;
        Self { called: now, hurried: None, last: now, due, period: CALM_TICK }
    }

    /// What to do, by what has been asked.
    fn mood(&mut self, now: Instant, shared: &Shared) -> Mood {
        match shared.asked.swap(NOTHING, SeqCst) {
            NOTHING => {}
            TO_TICK => self.called = now,
            _ => (self.called, self.hurried) = (now, Some(now)),
        }
        let longest = Duration::from_micros(shared.longest.load(Relaxed));
        if self.hurried.is_some_and(|hurried| now - hurried < ALERT) {
            Mood::Alerted
        } else if now - self.called < IDLE + longest {
            Mood::Calm
        } else {
            Mood::Asleep
        }
    }

    /// How long to wait for the next tick.
    fn wait(&mut self, period: Duration, now: Instant) -> Duration {
        if period != self.period {
            self.period = period;
            self.due = following(self.last, period, now);
        }
        self.due.saturating_duration_since(now)
    }

    /// Whether it is time to tick, and sets the next time if so.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.due;
        if is_due {
            self.last = self.due;
            self.due = following(self.last, self.period, now);
        }
        is_due
    }

    /// Ticks begin anew.
    fn restart(&mut self, now: Instant) {
        self.last = now;
        self.due = now + self.period;
    }
}

impl Mood {
    /// How long a tick is; none while asleep.
    fn period(self) -> Option<Duration> {
        match self {
            Self::Alerted => Some(TICK),
            Self::Calm => Some(CALM_TICK),
            Self::Asleep => None,
        }
    }

    /// What must be asked of the thread so that it does not stay in this mood.
    fn wakes_at(self) -> u8 {
        match self {
            Self::Alerted => MORE_THAN_ANYTHING,
            Self::Calm => TO_HURRY,
            Self::Asleep => TO_TICK,
        }
    }
}

/// When to tick after a tick that was due at `last`: a period later, so that delays do not add up. Only one that comes
/// very late delays the next, as two close ticks would say that a guest has run for all of the time between them.
fn following(last: Instant, period: Duration, now: Instant) -> Instant {
    if now.saturating_duration_since(last) < period / 2 { last + period } else { now + period }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_of_ticks_neither_add_up_nor_bring_ticks_together() {
        let due = Instant::now();
        let late = |by| following(due, TICK, due + by).duration_since(due);
        assert_eq!(late(Duration::ZERO), TICK);
        assert_eq!(late(TICK / 10), TICK);
        assert_eq!(late(TICK * 7), TICK * 8);
    }
}
