//! The text format of Prometheus (exposition format 0.0.4).

use std::{
    fmt::{self, Write},
    sync::{Arc, Weak, atomic::Ordering},
};

use torana_core::Resources;

use super::{
    Registries, Registry,
    histogram::BUCKETS,
    lock,
    series::{DROPPED, Series, Value},
};
use crate::report::Label;

/// What the names of all metrics of plugins begin with.
const PREFIX: &str = "torana_plugin_";

/// Writes the metrics that plugins keep, sorted by name, plugin and labels.
pub(crate) fn render(resources: &Resources, out: &mut impl Write) -> fmt::Result {
    let Some(registries) = Registries::get(resources) else { return Ok(()) };
    let registries: Vec<_> = lock(&registries.0).iter().filter_map(Weak::upgrade).collect();
    let mut all: Vec<(Arc<str>, Arc<Series>)> = registries
        .iter()
        .flat_map(|registry| {
            registry.series().into_iter().map(|series| (Arc::clone(&registry.plugin), series))
        })
        .collect();
    all.sort_unstable_by(|(plugin, a), (other, b)| {
        (&a.name, a.kind(), plugin, &a.labels).cmp(&(&b.name, b.kind(), other, &b.labels))
    });
    for group in all.chunk_by(|(_, a), (_, b)| a.name == b.name) {
        write_group(group, out)?;
    }
    write_dropped(&registries, out)
}

fn write_group(group: &[(Arc<str>, Arc<Series>)], out: &mut impl Write) -> fmt::Result {
    let Some((_, first)) = group.first() else { return Ok(()) };
    // Two plugins may use one name for different kinds: then the text says none.
    if group.iter().all(|(_, series)| series.kind() == first.kind()) {
        writeln!(out, "# TYPE {PREFIX}{} {}", first.name, first.kind().word())?;
    }
    group.iter().try_for_each(|(plugin, series)| write_series(plugin, series, out))
}

fn write_series(plugin: &str, series: &Series, out: &mut impl Write) -> fmt::Result {
    let mut sample = |suffix, end, value: &dyn fmt::Display| {
        let head = Head { plugin, series, suffix, end };
        writeln!(out, "{head} {value}")
    };
    match &series.value {
        Value::Counter(count) => sample("", None, &count.load(Ordering::Relaxed)),
        Value::Gauge(bits) => {
            sample("", None, &Number(f64::from_bits(bits.load(Ordering::Relaxed))))
        }
        Value::Histogram(histogram) => {
            let counts = histogram.cumulative();
            let ends = BUCKETS.iter().map(|(_, text)| *text).chain(["+Inf"]);
            for (end, count) in ends.zip(counts) {
                sample("_bucket", Some(end), &count)?;
            }
            sample("_sum", None, &Number(histogram.sum()))?;
            sample("_count", None, &counts[BUCKETS.len()])
        }
    }
}

fn write_dropped(registries: &[Arc<Registry>], out: &mut impl Write) -> fmt::Result {
    let mut dropped: Vec<_> = registries
        .iter()
        .map(|registry| (&registry.plugin, registry.dropped.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect();
    dropped.sort_unstable();
    if !dropped.is_empty() {
        writeln!(out, "# TYPE {PREFIX}{DROPPED} counter")?;
    }
    dropped.into_iter().try_for_each(|(plugin, count)| {
        writeln!(out, "{PREFIX}{DROPPED}{{plugin=\"{}\"}} {count}", Label(plugin))
    })
}

/// Name and labels of a sample.
struct Head<'a> {
    plugin: &'a str,
    series: &'a Series,
    suffix: &'a str,
    end: Option<&'a str>,
}

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, suffix) = (&self.series.name, self.suffix);
        write!(f, "{PREFIX}{name}{suffix}{{plugin=\"{}\"", Label(self.plugin))?;
        for (label, value) in &self.series.labels {
            write!(f, ",{label}=\"{}\"", Label(value))?;
        }
        if let Some(end) = self.end {
            write!(f, ",le=\"{end}\"")?;
        }
        f.write_str("}")
    }
}

/// A number as the format asks for it: as Go writes it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}
