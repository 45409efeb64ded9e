//! The text format of Prometheus (exposition format 0.0.4).

use std::{
    fmt::Write,
    sync::{Arc, Weak, atomic::Ordering},
};

use torana_core::Resources;

use super::{
    Registries, Registry,
    histogram::BUCKETS,
    lock,
    series::{DROPPED, Series, Value},
};

/// What the names of all metrics of plugins begin with.
const PREFIX: &str = "torana_plugin_";

/// Writes the metrics that plugins keep, sorted by name, plugin and labels.
pub fn render(resources: &Resources, out: &mut String) {
    let registries = Registries::of(resources);
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
        write_group(group, out);
    }
    write_dropped(&registries, out);
}

fn write_group(group: &[(Arc<str>, Arc<Series>)], out: &mut String) {
    let Some((_, first)) = group.first() else { return };
    // Two plugins may use one name for different kinds: then the text says none.
    if group.iter().all(|(_, series)| series.kind() == first.kind()) {
        line(out, format_args!("# TYPE {PREFIX}{} {}", first.name, first.kind().word()));
    }
    for (plugin, series) in group {
        write_series(plugin, series, out);
    }
}

fn write_series(plugin: &str, series: &Series, out: &mut String) {
    let name = &series.name;
    match &series.value {
        Value::Counter(count) => {
            sample(
                out,
                name,
                "",
                plugin,
                series,
                None,
                format_args!("{}", count.load(Ordering::Relaxed)),
            );
        }
        Value::Gauge(bits) => {
            let value = number(f64::from_bits(bits.load(Ordering::Relaxed)));
            sample(out, name, "", plugin, series, None, format_args!("{value}"));
        }
        Value::Histogram(histogram) => {
            let counts = histogram.cumulative();
            let ends = BUCKETS.iter().map(|(_, text)| *text).chain(["+Inf"]);
            for (end, count) in ends.zip(counts) {
                let count = format_args!("{count}");
                sample(out, name, "_bucket", plugin, series, Some(end), count);
            }
            let sum = number(histogram.sum());
            sample(out, name, "_sum", plugin, series, None, format_args!("{sum}"));
            let count = counts[BUCKETS.len()];
            sample(out, name, "_count", plugin, series, None, format_args!("{count}"));
        }
    }
}

fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    plugin: &str,
    series: &Series,
    end: Option<&str>,
    value: std::fmt::Arguments<'_>,
) {
    out.push_str(PREFIX);
    out.push_str(name);
    out.push_str(suffix);
    out.push_str("{plugin=");
    quote(plugin, out);
    for (label, text) in &series.labels {
        out.push(',');
        out.push_str(label);
        out.push('=');
        quote(text, out);
    }
    if let Some(end) = end {
        out.push_str(",le=");
        quote(end, out);
    }
    line(out, format_args!("}} {value}"));
}

fn write_dropped(registries: &[Arc<Registry>], out: &mut String) {
    let mut dropped: Vec<_> = registries
        .iter()
        .map(|registry| (&registry.plugin, registry.dropped.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect();
    dropped.sort_unstable();
    if !dropped.is_empty() {
        line(out, format_args!("# TYPE {PREFIX}{DROPPED} counter"));
    }
    for (plugin, count) in dropped {
        out.push_str(PREFIX);
        out.push_str(DROPPED);
        out.push_str("{plugin=");
        quote(plugin, out);
        line(out, format_args!("}} {count}"));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("strings can be written to");
}

/// A label's value: backslash, quote and line feed are escaped.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A number as Go writes it, which the format asks for.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}
