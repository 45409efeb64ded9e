//! Environment variables that override scalars of the root (reference 2.1).

use serde_json::{Map, Value};

use super::Context;
use crate::{Diagnostic, Pointer, raw};

/// A root scalar that the environment overrides.
pub(super) struct Override {
    /// Key of the root.
    pub(super) key: &'static str,
    /// Name of the variable.
    pub(super) variable: String,
    value: String,
}

/// Finds the overrides; of two for one key, `TORANA_` wins. They count also when the file lacks the key, as in
/// KrakenD's source (reference 19, 25).
pub(super) fn overrides(cx: &mut Context<'_>) -> Vec<Override> {
    let mut found = Vec::<Override>::new();
    for prefix in ["TORANA_", "KRAKEND_"] {
        for (name, value) in &cx.options.environment {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let key = raw::Gateway::scalar_keys().find(|key| key.eq_ignore_ascii_case(rest));
            let Some(key) = key.filter(|_| !value.is_empty()) else { continue };
            if found.iter().any(|earlier| earlier.key == key) {
                continue;
            }
            if is_service_link(value) {
                cx.out.push(service_link(name, key));
                continue;
            }
            found.push(Override { key, variable: name.clone(), value: value.clone() });
        }
    }
    found
}

/// The root with its overrides, without its endpoints, which may be many and are read elsewhere.
pub(super) fn apply(root: &Map<String, Value>, overrides: &[Override]) -> Value {
    let mut changed: Map<String, Value> = root
        .iter()
        .map(|(key, value)| match value {
            Value::Array(_) if key == "endpoints" => (key.clone(), Value::Array(Vec::new())),
            value => (key.clone(), value.clone()),
        })
        .collect();
    for Override { key, value, .. } in overrides {
        changed.insert((*key).to_owned(), Value::String(value.clone()));
    }
    Value::Object(changed)
}

/// Kubernetes gives every pod `NAME_PORT=tcp://10.0.0.1:8080` for each service NAME.
fn is_service_link(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

fn service_link(name: &str, key: &str) -> Diagnostic {
    let message =
        format!("the environment variable {name} is ignored: it is a Kubernetes service link");
    Diagnostic::warning("environment-ignored", Pointer::root().key(key), message)
        .help("set `enableServiceLinks: false` in the pod, or give the service another name")
}

/// Says in a finding that its value is not the file's.
pub(super) fn attribute(mut finding: Diagnostic, overrides: &[Override]) -> Diagnostic {
    let mut segments = finding.at.segments();
    if let (Some(key), None) = (segments.next(), segments.next())
        && let Some(origin) = overrides.iter().find(|origin| origin.key == key)
    {
        finding.message =
            format!("the environment variable {}: {}", origin.variable, finding.message);
    }
    drop(segments);
    finding
}
