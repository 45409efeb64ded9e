//! One series: a metric with one set of labels.

use std::sync::atomic::{AtomicU64, Ordering};

use super::histogram::Histogram;

/// Names and values, as a guest hands them over.
pub(crate) type Labels = Vec<(String, String)>;

/// Bytes of a metric's or label's name.
const NAME: usize = 128;
/// Bytes of a label's value.
const VALUE: usize = 256;
/// Labels of a series.
const LABELS: usize = 16;
/// Labels that the gateway or the format itself sets.
const RESERVED: [&str; 2] = ["plugin", "le"];
/// A metric of the gateway itself under the same prefix.
pub(super) const DROPPED: &str = "metrics_dropped_total";

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Something that only grows.
    Counter,
    /// Something that goes up and down.
    Gauge,
    /// How values are spread.
    Histogram,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What names a series. Labels are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) labels: &'a [(String, String)],
}

impl Identity<'_> {
    /// Whether it can be written in the text format.
    pub(super) fn is_valid(&self) -> bool {
        let label = |(name, value): &(String, String)| {
            is_name(name)
                && !name.starts_with("__")
                && !RESERVED.contains(&name.as_str())
                && value.len() <= VALUE
        };
        is_name(self.name)
            && self.name != DROPPED
            && self.labels.len() <= LABELS
            && self.labels.iter().all(label)
            && self.labels.windows(2).all(|pair| pair[0].0 != pair[1].0)
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`, which is right for metrics and labels.
fn is_name(name: &str) -> bool {
    name.len() <= NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// See the module. All workers change it without a lock.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Counter(AtomicU64),
    /// The bits of a number.
    Gauge(AtomicU64),
    Histogram(Histogram),
}

impl Series {
    pub(super) fn new(identity: Identity<'_>) -> Self {
        let value = match identity.kind {
            Kind::Counter => Value::Counter(AtomicU64::new(0)),
            Kind::Gauge => Value::Gauge(AtomicU64::new(0)),
            Kind::Histogram => Value::Histogram(Histogram::default()),
        };
        Self { name: identity.name.to_owned(), labels: identity.labels.to_vec(), value }
    }

    pub(super) fn identity(&self) -> Identity<'_> {
        Identity { kind: self.kind(), name: &self.name, labels: &self.labels }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.value {
            Value::Counter(_) => Kind::Counter,
            Value::Gauge(_) => Kind::Gauge,
            Value::Histogram(_) => Kind::Histogram,
        }
    }

    // Each is called for series of its kind only: the kind is part of what names a series.

    pub(super) fn add(&self, by: u64) {
        if let Value::Counter(count) = &self.value {
            count.fetch_add(by, Ordering::Relaxed);
        }
    }

    pub(super) fn set(&self, value: f64) {
        if let Value::Gauge(bits) = &self.value {
            bits.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    pub(super) fn observe(&self, value: f64) {
        if let Value::Histogram(histogram) = &self.value {
            histogram.observe(value);
        }
    }
}
