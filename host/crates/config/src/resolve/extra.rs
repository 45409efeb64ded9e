//! The components of one level: old names made new, what this build lacks reported.

use serde_json::{Map, Value};

use super::{ComponentLevel, Context, alias, member, namespace};
use crate::{
    At, Diagnostic, did_you_mean,
    valid::{Component, Extra},
};

/// Namespaces that this crate resolves itself.
const OWN: [(&str, ComponentLevel); 2] =
    [("router", ComponentLevel::Service), ("workflow", ComponentLevel::Backend)];

/// The components of an object's `extra_config`.
pub(super) fn resolve(
    parent: &Value,
    at: At<'_>,
    level: ComponentLevel,
    cx: &mut Context<'_>,
) -> Extra {
    let Some(Value::Object(map)) = member(parent, "extra_config") else {
        return Extra::default();
    };
    let at = At::Key(&at, "extra_config");
    let mut extra = Extra::default();
    for (written, value) in map {
        // Comments (reference 2.1), and null, which stands for an absent key everywhere.
        if written.starts_with(['@', '$', '_', '#']) || value.is_null() {
            continue;
        }
        let at = At::Key(&at, written);
        let today = alias::today(written);
        let name = today.unwrap_or(written);
        if today.is_some() && is_shadowed(map, &extra, name) {
            let message = format!("`{written}` is ignored: `{name}` is here as well");
            cx.out.push(Diagnostic::warning("shadowed-namespace", at.pointer(), message).on_key());
            continue;
        }
        check(name, value, at, level, cx);
        extra.0.push(Component {
            namespace: name.to_owned(),
            value: value.clone(),
            at: at.pointer(),
        });
    }
    extra
}

/// Takes a component out.
pub(super) fn take(extra: &mut Extra, namespace: &str) -> Option<Component> {
    let index = extra.0.iter().position(|component| component.namespace == namespace)?;
    Some(extra.0.remove(index))
}

/// Whether a switch of the `proxy` component is on; weakly typed, as every switch.
pub(super) fn proxy_switch(extra: &Extra, key: &str) -> bool {
    let proxy = extra.get("proxy").and_then(|component| component.value.get(key));
    proxy.is_some_and(|value| match value {
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => matches!(text.as_str(), "true" | "1" | "t" | "T" | "TRUE" | "True"),
        _ => false,
    })
}

/// Whether the new name is there too, or another old name for it came first.
fn is_shadowed(map: &Map<String, Value>, extra: &Extra, name: &str) -> bool {
    map.get(name).is_some_and(|value| !value.is_null()) || extra.get(name).is_some()
}

fn check(name: &str, value: &Value, at: At<'_>, level: ComponentLevel, cx: &mut Context<'_>) {
    if let Some(guard) = guard(name, value) {
        // Whether or not this build has other plugins of the same namespace.
        let what = format!("the plugin `{guard}`");
        cx.out.push(unprotected(&what, level, At::Key(&at, "name")));
        return;
    }
    if OWN.contains(&(name, level)) || cx.supports(name, level) {
        return;
    }
    let mut levels = namespace::levels(name).to_vec();
    let supported = cx.options.supported.iter().filter(|s| s.namespace == name);
    levels.extend(supported.map(|s| s.level));
    let finding = if levels.is_empty() {
        unknown(name, at, cx)
    } else if !levels.contains(&level) {
        misplaced(name, &levels, level, at)
    } else {
        not_built(name, level, at)
    };
    cx.out.push(finding);
}

/// A component that protects something must never be left out silently; any other is what KrakenD ignores as well.
fn finding(protects: bool, code: &'static str, at: At<'_>, message: String) -> Diagnostic {
    if protects {
        Diagnostic::error(code, at.pointer(), message).on_key()
    } else {
        Diagnostic::warning(code, at.pointer(), message).on_key()
    }
}

fn unknown(name: &str, at: At<'_>, cx: &Context<'_>) -> Diagnostic {
    let protects = namespace::means_to_protect(name);
    let message = if protects {
        format!("unknown component `{name}`: what it is to protect would be served unprotected")
    } else {
        format!("unknown component `{name}` is ignored")
    };
    let mut finding = finding(protects, "unknown-namespace", at, message);
    let supported = cx.options.supported.iter().map(|supported| supported.namespace);
    finding.help = did_you_mean(name, namespace::names().chain(supported));
    finding
}

fn misplaced(
    name: &str,
    levels: &[ComponentLevel],
    level: ComponentLevel,
    at: At<'_>,
) -> Diagnostic {
    let protects = namespace::protects(name);
    let effect = if protects { "would protect nothing here" } else { "is ignored here" };
    let message = format!("`{name}` {effect}: it is no component of the {} level", level.word());
    let mut words: Vec<_> = levels.iter().map(|level| level.word()).collect();
    words.dedup();
    finding(protects, "misplaced-namespace", at, message)
        .help(format!("it belongs to the {} level", words.join(" or ")))
}

fn not_built(name: &str, level: ComponentLevel, at: At<'_>) -> Diagnostic {
    if namespace::protects(name) {
        return unprotected(&format!("`{name}`"), level, at).on_key();
    }
    let message = format!("`{name}` is ignored: this version does not have it");
    Diagnostic::warning("component-ignored", at.pointer(), message).on_key()
}

fn unprotected(what: &str, level: ComponentLevel, at: At<'_>) -> Diagnostic {
    let effect = match level {
        ComponentLevel::Service => "the gateway would serve",
        ComponentLevel::Endpoint => "this endpoint would be served",
        ComponentLevel::Backend => "this backend would be called",
    };
    let message = format!("{what} is not built yet: {effect} unprotected");
    Diagnostic::error("component-not-built", at.pointer(), message)
        .help("remove it only if nothing depends on it")
}

/// The first plugin of KrakenD's enterprise edition that keeps requests out or checks answers.
fn guard<'v>(namespace: &str, value: &'v Value) -> Option<&'v str> {
    if !matches!(namespace, "plugin/http-server" | "plugin/req-resp-modifier") {
        return None;
    }
    let names = match value.get("name")? {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    names
        .iter()
        .filter_map(Value::as_str)
        .find(|name| matches!(*name, "ip-filter" | "redis-ratelimit" | "response-schema-validator"))
}
