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

/// What the thread does at this moment.
const ALERTED: u8 = 0;
const CALM: u8 = 1;
const ASLEEP: u8 = 2;

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
    mood: AtomicU8,
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
        // Either this load sees the mood that the thread is about to sleep in, or its last look sees the store above.
        if must_wake(what, self.shared.mood.load(SeqCst)) {
            self.thread.unpark();
        }
    }
}

/// Whether the thread must not stay in its mood when this is asked of it.
fn must_wake(asked: u8, mood: u8) -> bool {
    matches!((asked, mood), (TO_HURRY, CALM | ASLEEP) | (TO_TICK, ASLEEP))
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    // Sleepers may be woken 50 µs late by default (prctl(2)), a tenth of a tick.
    let _ = rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN));
    let mut last = Instant::now();
    let (mut called, mut hurried) = (last, None);
    let (mut due, mut period) = (last + CALM_TICK, CALM_TICK);
    loop {
        let now = Instant::now();
        match shared.asked.swap(NOTHING, SeqCst) {
            NOTHING => {}
            TO_TICK => called = now,
            _ => (called, hurried) = (now, Some(now)),
        }
        let longest = Duration::from_micros(shared.longest.load(Relaxed));
        let mood = if hurried.is_some_and(|hurried| now - hurried < ALERT) {
            ALERTED
        } else if now - called < IDLE + longest {
            CALM
        } else {
            ASLEEP
        };
        shared.mood.store(mood, SeqCst);
        if must_wake(shared.asked.load(SeqCst), mood) {
            continue;
        }
        if mood == ASLEEP {
            thread::park();
            last = Instant::now();
            due = last + period;
            // No tick for those who are just beginning.
        } else {
            let wanted = if mood == ALERTED { TICK } else { CALM_TICK };
            if wanted != period {
                period = wanted;
                due = following(last, period, now);
            }
            thread::park_timeout(due.saturating_duration_since(now));
            let now = Instant::now();
            if now < due {
                continue;
            }
            last = due;
            due = following(last, period, now);
        }
        match engine.upgrade() {
            Some(engine) if mood != ASLEEP => engine.increment_epoch(),
            Some(_) => {}
            None => return,
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
