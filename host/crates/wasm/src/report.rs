//! What all plugins have done, in the text format of Prometheus.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::Arc,
};

use torana_core::Resources;

use crate::{
    component::Hook,
    engine::Engine,
    factory::NAMESPACE,
    figures::{Failure, Figures, HookFigures},
    host::Interface,
    metrics::render,
    pool::Use,
};

/// What plugins of one name have done and have.
#[derive(Default)]
struct Part {
    figures: Figures,
    used: Use,
    tripped: bool,
}

/// Writes the figures of all plugins that run, and the metrics that they keep themselves; plugins that share a name are
/// counted together.
///
/// # Errors
/// Those of the writer.
pub fn metrics(resources: &Resources, out: &mut impl Write) -> fmt::Result {
    let Some(engine) = resources.get::<Engine>(&NAMESPACE) else { return Ok(()) };
    let mut parts = BTreeMap::<Arc<str>, Part>::new();
    for plugin in engine.plugins() {
        let part = parts.entry(Arc::clone(&plugin.facts.name)).or_default();
        part.figures.add(&plugin.pool.figures());
        part.used = part.used + plugin.pool.used();
        part.tripped |= plugin.trip.is_tripped();
    }
    if parts.is_empty() {
        return Ok(());
    }
    hooks(&parts, out)?;
    plugins(&parts, out)?;
    host_calls(&parts, out)?;
    render(resources, out)
}

/// What all plugins have done together, for those who try one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Failed calls: the hook, and what went wrong as the metrics name it.
    pub failures: Vec<(&'static str, &'static str)>,
    /// The most memory that an instance has had, in bytes.
    pub memory_high: usize,
}

/// The figures of all plugins that run, summed up.
#[must_use]
pub fn summary(resources: &Resources) -> Summary {
    let mut sum = Figures::default();
    if let Some(engine) = resources.get::<Engine>(&NAMESPACE) {
        engine.plugins().iter().for_each(|plugin| sum.add(&plugin.pool.figures()));
    }
    let failures = Hook::ALL.into_iter().zip(&sum.hooks).flat_map(|(hook, figures)| {
        let kinds = Failure::ALL.into_iter().zip(figures.failures);
        kinds.filter(|(_, count)| *count > 0).map(move |(kind, _)| (hook.word(), kind.word()))
    });
    Summary { failures: failures.collect(), memory_high: sum.memory_high }
}

type Parts = BTreeMap<Arc<str>, Part>;

fn head(out: &mut impl Write, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP torana_wasm_{name} {help}\n# TYPE torana_wasm_{name} {kind}")
}

/// The hooks that were called, or were to be.
fn called(parts: &Parts) -> impl Iterator<Item = (&str, Hook, &HookFigures)> {
    parts.iter().flat_map(|(name, part)| {
        let hooks = Hook::ALL.into_iter().zip(&part.figures.hooks);
        let used = hooks.filter(|(_, figures)| **figures != HookFigures::default());
        used.map(move |(hook, figures)| (&**name, hook, figures))
    })
}

fn hooks(parts: &Parts, out: &mut impl Write) -> fmt::Result {
    type Of = fn(&HookFigures) -> f64;
    let metrics: [(&str, &str, Of); 4] = [
        ("calls_total", "Calls of a hook.", |figures| figures.calls as f64),
        ("bypasses_total", "Requests that went on after the plugin had failed.", |figures| {
            figures.bypasses as f64
        }),
        ("wall_seconds_total", "Time that calls took; one in 16 is timed.", |figures| {
            figures.wall.as_secs_f64()
        }),
        ("cpu_seconds_total", "Of that, time in which the plugin ran.", |figures| {
            figures.cpu.as_secs_f64()
        }),
    ];
    for (name, help, of) in metrics {
        head(out, name, "counter", help)?;
        for (plugin, hook, figures) in called(parts) {
            let (plugin, hook, value) = (Label(plugin), hook.word(), of(figures));
            writeln!(out, "torana_wasm_{name}{{plugin=\"{plugin}\",hook=\"{hook}\"}} {value}")?;
        }
    }
    head(out, "failures_total", "counter", "Calls that failed, by what went wrong.")?;
    for (plugin, hook, figures) in called(parts) {
        let kinds = Failure::ALL.into_iter().zip(figures.failures);
        for (kind, count) in kinds.filter(|(_, count)| *count > 0) {
            let (plugin, hook, kind) = (Label(plugin), hook.word(), kind.word());
            writeln!(
                out,
                "torana_wasm_failures_total{{plugin=\"{plugin}\",hook=\"{hook}\",kind=\"{kind}\"}} {count}"
            )?;
        }
    }
    Ok(())
}

fn plugins(parts: &Parts, out: &mut impl Write) -> fmt::Result {
    type Of = fn(&Part) -> u64;
    let metrics: [(&str, &str, &str, Of); 7] = [
        ("instances_idle", "gauge", "Warm instances.", |part| part.used.idle as u64),
        ("instances_in_use", "gauge", "Instances that serve a request.", |part| {
            part.used.in_use as u64
        }),
        ("waiting", "gauge", "Requests that wait for an instance.", |part| {
            part.used.waiting as u64
        }),
        ("instances_made_total", "counter", "Instances that were started.", |part| {
            part.figures.made
        }),
        ("queued_total", "counter", "Requests that had to wait for an instance.", |part| {
            part.figures.queued
        }),
        ("memory_high_bytes", "gauge", "The most memory that an instance has had.", |part| {
            part.figures.memory_high as u64
        }),
        ("tripped", "gauge", "1 while the plugin is switched off because it failed.", |part| {
            u64::from(part.tripped)
        }),
    ];
    for (name, kind, help, of) in metrics {
        head(out, name, kind, help)?;
        for (plugin, part) in parts {
            let (plugin, value) = (Label(plugin), of(part));
            writeln!(out, "torana_wasm_{name}{{plugin=\"{plugin}\"}} {value}")?;
        }
    }
    Ok(())
}

fn host_calls(parts: &Parts, out: &mut impl Write) -> fmt::Result {
    head(out, "host_calls_total", "counter", "Calls of the gateway by the plugin, by interface.")?;
    for (plugin, part) in parts {
        let calls = Interface::ALL.into_iter().zip(part.figures.host_calls);
        for (interface, count) in calls.filter(|(_, count)| *count > 0) {
            let (plugin, interface) = (Label(plugin), interface.word());
            writeln!(
                out,
                "torana_wasm_host_calls_total{{plugin=\"{plugin}\",interface=\"{interface}\"}} {count}"
            )?;
        }
    }
    Ok(())
}

/// A label's value, escaped.
pub(crate) struct Label<'a>(pub(crate) &'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
