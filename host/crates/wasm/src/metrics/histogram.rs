//! A histogram whose buckets fit seconds.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper ends of the buckets.
pub(super) const BUCKETS: [(f64, &str); 13] = [
    (0.001, "0.001"),
    (0.0025, "0.0025"),
    (0.005, "0.005"),
    (0.01, "0.01"),
    (0.025, "0.025"),
    (0.05, "0.05"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (1.0, "1"),
    (2.5, "2.5"),
    (5.0, "5"),
    (10.0, "10"),
];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Values in each bucket alone; the last one is for what is above all ends.
    counts: [AtomicU64; BUCKETS.len() + 1],
    /// The bits of the sum.
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, value: f64) {
        let bucket = BUCKETS.partition_point(|(end, _)| *end < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |bits: u64| Some((f64::from_bits(bits) + value).to_bits());
        // Never fails, as `add` always says what comes next.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Values at or below each end, and all of them.
    pub(super) fn cumulative(&self) -> [u64; BUCKETS.len() + 1] {
        let mut total = 0_u64;
        self.counts.each_ref().map(|count| {
            total = total.wrapping_add(count.load(Ordering::Relaxed));
            total
        })
    }

    pub(super) fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }
}
