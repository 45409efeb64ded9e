//! How many lines a plugin may log.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use torana_core::Resources;

/// Lines in a second, and at once after a quiet second.
pub(crate) const LINES: u64 = 1_000;

const SECOND: u64 = 1_000_000_000;
/// Time that a line takes from the bucket.
const STEP: u64 = SECOND / LINES;

/// A token bucket, kept as the time at which it would be full: all workers share it without a lock.
#[derive(Debug, Default)]
pub(crate) struct LogRate {
    full_at: AtomicU64,
    dropped: AtomicU64,
    reported_at: AtomicU64,
}

/// What happens to a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is written.
    Write,
    /// It is dropped.
    Drop,
    /// It is dropped, and it is time to say that so many were.
    Report(u64),
}

impl LogRate {
    /// That of the plugins of one name, which a reload keeps.
    pub(crate) fn of(resources: &Resources, plugin: &str) -> Arc<Self> {
        let made: Result<_, Infallible> =
            resources.get_or_try_make(&("plugin log", plugin), || Ok(Self::default()));
        let Ok(rate) = made;
        rate
    }

    /// Decides about a line at a time in nanoseconds.
    pub(crate) fn line(&self, now: u64) -> Verdict {
        let take = |full_at: u64| {
            let next = full_at.max(now) + STEP;
            (next <= now + SECOND).then_some(next)
        };
        if self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            return Verdict::Write;
        }
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let due = |last: u64| (now >= last.saturating_add(SECOND)).then_some(now);
        match self.reported_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due) {
            Ok(_) => Verdict::Report(self.dropped.swap(0, Ordering::Relaxed)),
            Err(_) => Verdict::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_to_the_rate_and_reported_once_a_second() {
        let (rate, start) = (LogRate::default(), 7 * SECOND);
        let (mut written, mut reported, mut reports) = (0, 0, 0);
        // 10,000 lines a second, for three seconds.
        for line in 0..30_000 {
            match rate.line(start + line * SECOND / 10_000) {
                Verdict::Write => written += 1,
                Verdict::Drop => {}
                Verdict::Report(count) => {
                    reported += count;
                    reports += 1;
                }
            }
        }
        assert!((3_990..=4_000).contains(&written), "a full bucket and three seconds: {written}");
        assert_eq!(reports, 3);
        assert_eq!(rate.dropped.load(Ordering::Relaxed) + reported + written, 30_000);
    }

    #[test]
    fn a_quiet_plugin_is_never_cut() {
        let rate = LogRate::default();
        for line in 0..10_000 {
            assert_eq!(rate.line(SECOND + line * STEP), Verdict::Write);
        }
    }
}
