//! `torana:plugin/metrics`.

use crate::test::state::{Measured, Metric, with};

pub(crate) fn count(name: &str, by: u64, labels: &[(String, String)]) {
    keep(name, labels, Measured::Count(by));
}

pub(crate) fn gauge(name: &str, value: f64, labels: &[(String, String)]) {
    keep(name, labels, Measured::Gauge(value));
}

pub(crate) fn observe(name: &str, value: f64, labels: &[(String, String)]) {
    keep(name, labels, Measured::Observation(value));
}

/// What is not valid is dropped, as the gateway does.
fn keep(name: &str, labels: &[(String, String)], measured: Measured) {
    if is_name(name) && labels.iter().all(|(label, _)| is_name(label)) {
        let metric = Metric { name: name.to_owned(), labels: labels.to_vec(), measured };
        with(|state| state.metrics.push(metric));
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
