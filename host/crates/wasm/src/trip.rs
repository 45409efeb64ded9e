//! Switches a plugin off for a while when it keeps failing, so that it does not cost every request its time limit.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::host::clock;

/// Failures in a row that trip it.
pub(crate) const FAILURES: u32 = 10;
/// How long it stays off, in nanoseconds; then one request tries it.
const OFF: u64 = 5_000_000_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Trip {
    failures: AtomicU32,
    /// 0 while it is on.
    until: AtomicU64,
}

impl Trip {
    /// Whether calls fail without being made. After its time one caller gets `false` and tries; the others wait for
    /// another such time, or its success.
    pub(crate) fn is_off(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return false;
        }
        let now = clock::monotonic();
        if now < until {
            return true;
        }
        let next = now.saturating_add(OFF);
        self.until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_err()
    }

    /// Whether it is switched off, for those who only look.
    pub(crate) fn is_tripped(&self) -> bool {
        self.until.load(Ordering::Relaxed) != 0
    }

    /// Its time is over.
    #[cfg(test)]
    pub(crate) fn expire(&self) {
        self.until.store(1, Ordering::Relaxed);
    }

    /// A call went well. Writes nothing as long as all do.
    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.until.store(0, Ordering::Relaxed);
        }
    }

    /// A call failed by the plugin's fault. Says whether that has just tripped it.
    pub(crate) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < FAILURES {
            return false;
        }
        let until = clock::monotonic().saturating_add(OFF);
        self.until.swap(until, Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_trip_it_once() {
        let trip = Trip::default();
        for _ in 0..3 {
            (1..FAILURES).for_each(|_| assert!(!trip.failed()));
            trip.succeeded();
        }
        assert!(!trip.is_off());
        let tripped = (0..FAILURES).filter(|_| trip.failed()).count();
        assert_eq!(tripped, 1);
        assert!(trip.is_off());
        trip.succeeded();
        assert!(!trip.is_off());
    }

    #[test]
    fn one_caller_tries_when_its_time_is_over() {
        let trip = Trip::default();
        assert!((0..FAILURES).any(|_| trip.failed()));
        trip.expire();
        let tries = (0..5).filter(|_| !trip.is_off()).count();
        assert_eq!(tries, 1);
    }
}
