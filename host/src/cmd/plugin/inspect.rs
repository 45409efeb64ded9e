//! `torana plugin inspect`: what a component is.

use std::fmt::Write;

use serde_json::{Value, json};
use torana_wasm::{Config, Inspection, Kind};

use super::{component, look, refuse};
use crate::{
    cli::{Exit, Inspect, InspectFormat},
    output,
};

/// Prints what a component is; one that this gateway does not load is an error.
pub(super) fn inspect(arguments: &Inspect) -> Exit {
    let file = component(&arguments.plugin);
    let found = match look(&file) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    output::print(&match arguments.format {
        InspectFormat::Text => text(&file.display().to_string(), &found),
        InspectFormat::Json => format!("{:#}\n", json(&found)),
    });
    found.problem.as_ref().map_or(Exit::Success, |problem| refuse(&file, problem))
}

fn text(file: &str, found: &Inspection) -> String {
    let mut out = format!("{file}: {}\n", kind(found));
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {name:<14} {}", if value.is_empty() { "none" } else { value });
    };
    if let Some(loads) = loads(found) {
        line("loads on", &loads);
    }
    line("hooks", &found.hooks.join(", "));
    line("init", if found.init { "yes" } else { "no" });
    line("asks for", &found.asks_for.join(", "));
    if found.reads_env {
        line("can read", "variables that `grants.env` names");
    }
    line(
        "config schema",
        &match &found.config {
            Config::Schema { title: Some(title), .. } => format!("yes: {title}"),
            Config::Schema { title: None, .. } => "yes".to_owned(),
            Config::Unknown => "no".to_owned(),
        },
    );
    if let Config::Schema { warning: Some(warning), .. } = &found.config {
        line("", &format!("warning: {warning}"));
    }
    line(
        "memory",
        &format!("{} when it starts; `limits.memory` must allow it", size(found.memory)),
    );
    line("size", &format!("{}, {} core modules", size(found.size as u64), found.modules));
    line("sha256", &found.sha256);
    let makers = found
        .makers
        .iter()
        .map(|maker| format!("{} {}", maker.name, maker.version).trim_end().to_owned());
    line("made by", &makers.collect::<Vec<_>>().join(", "));
    line(
        "backtraces",
        match (found.names, found.debug_info) {
            (_, true) => "with names of functions, files and lines",
            (true, false) => "with names of functions",
            (false, false) => "without names",
        },
    );
    line("imports", if found.imports.is_empty() { "" } else { "each with its functions:" });
    for import in &found.imports {
        let functions = import.functions.join(", ");
        let _ = writeln!(
            out,
            "    {}{}{functions}",
            import.interface,
            if functions.is_empty() { "" } else { ": " }
        );
    }
    out
}

fn kind(found: &Inspection) -> String {
    let version = found.version.as_ref().map(|version| format!(" for torana:plugin@{version}"));
    let version = version.unwrap_or_default();
    match found.kind {
        Kind::Plugin => format!("a plugin{version}"),
        Kind::Backend if found.hooks.len() > 1 => format!("a plugin and a backend{version}"),
        Kind::Backend => format!("a backend{version}: it makes answers itself"),
        Kind::WasiHttp => {
            "a backend by the standard of WASI: it exports wasi:http/incoming-handler".to_owned()
        }
        Kind::Unknown => "a component that is no plugin".to_owned(),
    }
}

fn loads(found: &Inspection) -> Option<String> {
    let line = found.loads_on()?;
    let rule = if line.contains('.') {
        "before 1.0 the same minor version"
    } else {
        "the same major version"
    };
    let this = Inspection::gateway_version();
    Some(format!("gateways with torana:plugin {line}.x ({rule}); this one has {this}"))
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

fn json(found: &Inspection) -> Value {
    json!({
        "kind": match found.kind {
            Kind::Plugin => "plugin",
            Kind::Backend => "backend",
            Kind::WasiHttp => "wasi-http",
            Kind::Unknown => "unknown",
        },
        "version": found.version,
        "gateway_version": Inspection::gateway_version(),
        "loads_on": found.loads_on(),
        "loads_here": found.problem.is_none(),
        "problem": found.problem.as_ref().map(|problem| json!({
            "message": problem.message,
            "help": problem.help,
        })),
        "hooks": found.hooks,
        "init": found.init,
        "asks_for": found.asks_for,
        "reads_env": found.reads_env,
        "imports": found.imports.iter().map(|import| json!({
            "interface": import.interface,
            "functions": import.functions,
        })).collect::<Vec<_>>(),
        "config_schema": match &found.config {
            Config::Schema { title, warning } => json!({"title": title, "warning": warning}),
            Config::Unknown => Value::Null,
        },
        "memory": found.memory,
        "size": found.size,
        "core_modules": found.modules,
        "sha256": found.sha256,
        "made_by": found.makers.iter().map(|maker| json!({
            "part": maker.part,
            "name": maker.name,
            "version": maker.version,
        })).collect::<Vec<_>>(),
        "names": found.names,
        "debug_info": found.debug_info,
    })
}
