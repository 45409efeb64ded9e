//! Endpoints: path, method, inheritance, and how their backends may be combined.

use serde_json::Value;

use super::{
    ComponentLevel, Context,
    backend::{self, Around},
    extra, limit, member, path, word,
};
use crate::{
    At, Diagnostic, Diagnostics, FromConfig, raw,
    valid::{Backend, Endpoint, Extra, Method, OutputEncoding},
};

/// All endpoints that make sense. The list's type was checked with the root.
pub(super) fn all(value: Option<&Value>, at: At<'_>, cx: &mut Context<'_>) -> Vec<Endpoint> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut endpoints = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        endpoints.extend(one(item, At::Index(&at, index), cx));
    }
    endpoints
}

fn one(value: &Value, at: At<'_>, cx: &mut Context<'_>) -> Option<Endpoint> {
    let raw = raw::Endpoint::from_config(value, at, cx.out)?;
    let path = raw
        .endpoint
        .as_deref()
        .map(|text| path::parse(text, cx.inherited.disable_rest, At::Key(&at, "endpoint"), cx.out));
    if path.is_none() && member(value, "endpoint").is_none() {
        let message = "`endpoint` is missing: the path of the endpoint";
        cx.out.push(Diagnostic::error("missing-key", at.pointer(), message));
    }
    let method = method(&raw.method.0, At::Key(&at, "method"), cx.out);
    let extra = extra::resolve(value, at, ComponentLevel::Endpoint, cx);
    let timeout = limit(raw.timeout).unwrap_or(cx.inherited.timeout);
    let own_encoding = word::checked_output(raw.output_encoding, at, cx);
    let encoding = own_encoding.or_else(|| cx.inherited.output_encoding.clone());

    let around = Around {
        params: path.as_ref().map(|path| path.params.as_slice()),
        method: method.unwrap_or(Method::Get),
        no_op: encoding.as_deref() == Some("no-op"),
        sequential: extra::proxy_switch(&extra, "sequential"),
        claims: extra.get("auth/validator").is_some(),
        timeout,
    };
    let backends = backend::all(value, at, around, cx);
    check_only_shadows(&backends, at, cx.out);
    let output_encoding = output(encoding.as_deref(), &backends);
    let path = path?;
    check_virtual(&path.path, at, cx);
    Some(Endpoint {
        path: path.path,
        route: path.route,
        method: method.filter(|method| is_routed(*method))?,
        timeout,
        cache_ttl: limit(raw.cache_ttl).unwrap_or(cx.inherited.cache_ttl),
        concurrent_calls: raw.concurrent_calls.max(1),
        input_headers: word::names(raw.input_headers),
        input_query_strings: word::names(raw.input_query_strings),
        output_encoding,
        backends: if backends.is_empty() { return None } else { backends },
        extra,
        at: at.pointer(),
    })
}

/// The output encoding of an endpoint or workflow with these backends.
pub(super) fn output(word: Option<&str>, backends: &[Backend]) -> OutputEncoding {
    let sole = match backends {
        [sole] => Some(sole.encoding),
        _ => None,
    };
    word::output(word, sole)
}

/// KrakenD starts without the routes of methods it does not route. CONNECT and TRACE never reach an application here.
fn method(word: &str, at: At<'_>, out: &mut Diagnostics) -> Option<Method> {
    let method = word::method(if word.is_empty() { "GET" } else { word }, at, out)?;
    if !is_routed(method) {
        let message = format!("the endpoint is left out: {} cannot be routed", method.name());
        out.push(Diagnostic::warning("method-not-routed", at.pointer(), message));
    }
    Some(method)
}

fn is_routed(method: Method) -> bool {
    !matches!(method, Method::Connect | Method::Trace)
}

/// A shadow's answer is thrown away, so somebody else has to answer (reference 4.6).
fn check_only_shadows(backends: &[Backend], at: At<'_>, out: &mut Diagnostics) {
    let shadow = |extra: &Extra| extra::proxy_switch(extra, "shadow");
    if !backends.is_empty() && backends.iter().all(|backend| shadow(&backend.extra)) {
        let message = "every backend is a shadow: nobody makes the answer";
        let at = At::Key(&at, "backend").pointer();
        out.push(
            Diagnostic::warning("only-shadows", at, message)
                .on_key()
                .help("set \"shadow\": false in the `proxy` of one backend"),
        );
    }
}

fn check_virtual(path: &str, at: At<'_>, cx: &mut Context<'_>) {
    if path.starts_with("/__virtual/") && !cx.inherited.virtual_hosts {
        let message = "a path under `/__virtual/` is reached only through a virtual host";
        let at = At::Key(&at, "endpoint").pointer();
        cx.out.push(
            Diagnostic::warning("virtual-path-without-hosts", at, message)
                .help("name its host in `server/virtualhost` under the root's `extra_config`"),
        );
    }
}
