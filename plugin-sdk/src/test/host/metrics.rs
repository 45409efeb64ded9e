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

/// Bytes of a name.
const NAME: usize = 128;
/// Bytes of a label's value.
const VALUE: usize = 256;
/// Labels of a series.
const LABELS: usize = 16;
/// Labels that the gateway sets.
const RESERVED: [&str; 2] = ["plugin", "le"];

/// What is not valid is dropped, as the gateway does.
fn keep(name: &str, labels: &[(String, String)], measured: Measured) {
    let mut names: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let valid = is_name(name)
        && labels.len() <= LABELS
        && labels.iter().all(|(name, value)| is_label(name) && value.len() <= VALUE)
        && names.windows(2).all(|pair| pair[0] != pair[1]);
    if valid {
        let metric = Metric { name: name.to_owned(), labels: labels.to_vec(), measured };
        with(|state| state.metrics.push(metric));
    }
}

fn is_label(name: &str) -> bool {
    is_name(name) && !name.starts_with("__") && !RESERVED.contains(&name)
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
