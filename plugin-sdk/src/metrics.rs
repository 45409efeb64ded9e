//! Metrics of the plugin, beside the gateway's own; their names get the prefix `torana_plugin_` and a label `plugin`.
//! Needs the grant `metrics`. What is not valid, or comes above the limit of 1,000 series per plugin, is dropped and
//! counted.
//!
//! ```
//! use torana_plugin::metrics;
//!
//! fn refused(reason: &str) {
//!     metrics::count("refused_total", 1, &[("reason", reason)]);
//! }
//! ```

use crate::gateway::metrics;

/// Adds to a counter.
pub fn count(name: &str, by: u64, labels: &[(&str, &str)]) {
    metrics::count(name, by, &owned(labels));
}

/// Sets a gauge.
pub fn gauge(name: &str, value: f64, labels: &[(&str, &str)]) {
    metrics::gauge(name, value, &owned(labels));
}

/// Puts a value into a histogram, whose buckets fit seconds from 1 ms to 10 s.
pub fn observe(name: &str, value: f64, labels: &[(&str, &str)]) {
    metrics::observe(name, value, &owned(labels));
}

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
