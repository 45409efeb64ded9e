//! Backends: hosts, URL pattern, method and encoding.

use std::time::Duration;

use serde_json::Value;

use super::{
    ComponentLevel, Context, extra,
    host::{self, Sanitizing},
    member, url_pattern, word, workflow,
};
use crate::{
    At, Diagnostic, Diagnostics, FromConfig, did_you_mean,
    raw::{self, List},
    valid::{Backend, Component, Encoding, Extra, Host, Method, ServiceDiscovery},
};

/// What backends take from the endpoint or workflow around them.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// Parameters of the path; `None` if it is unknown.
    pub(super) params: Option<&'a [String]>,
    /// Method of backends without their own.
    pub(super) method: Method,
    /// The answer is passed through.
    pub(super) no_op: bool,
    /// Backends are called one after the other.
    pub(super) sequential: bool,
    /// Tokens are validated.
    pub(super) claims: bool,
    /// Time limit of workflows without their own.
    pub(super) timeout: Duration,
}

/// The backends of an endpoint or workflow.
pub(super) fn all(
    parent: &Value,
    at: At<'_>,
    around: Around<'_>,
    cx: &mut Context<'_>,
) -> Vec<Backend> {
    let list = At::Key(&at, "backend");
    let items = match member(parent, "backend") {
        Some(Value::Array(items)) => items.as_slice(),
        // The wrong type was reported with the parent.
        Some(_) => return Vec::new(),
        None => &[],
    };
    if items.is_empty() {
        let message = "there is no backend: at least one is needed";
        cx.out.push(Diagnostic::error("no-backend", list.pointer(), message).on_key());
    }
    // Shadows count, as in KrakenD (reference 4.6).
    if around.no_op && items.len() > 1 {
        let message =
            format!("`no-op` passes one answer on, but there are {} backends", items.len());
        cx.out.push(
            Diagnostic::error("no-op-needs-one-backend", list.pointer(), message)
                .on_key()
                .help("choose another `output_encoding`, or leave one backend"),
        );
    }
    let items = items.iter().enumerate();
    items
        .filter_map(|(index, item)| one(item, At::Index(&list, index), index, around, cx))
        .collect()
}

fn one(
    value: &Value,
    at: At<'_>,
    index: usize,
    around: Around<'_>,
    cx: &mut Context<'_>,
) -> Option<Backend> {
    let raw = raw::Backend::from_config(value, at, cx.out)?;
    let mut extra = extra::resolve(value, at, ComponentLevel::Backend, cx);
    let method = match raw.method.as_ref().map_or("", |word| word.0.as_str()) {
        "" => Some(around.method),
        word => word::method(word, At::Key(&at, "method"), cx.out),
    };
    let method = method.unwrap_or(around.method);
    let service_discovery = service_discovery(&raw.service_discovery.0, at, cx);
    let hosts = hosts(&raw, service_discovery, at, cx);
    let workflow = extra::take(&mut extra, "workflow")
        .and_then(|component| workflow::resolve(&component, around, method, cx))
        .map(Box::new);
    let plugin = plugin(&raw, at, cx);
    let answers_itself = workflow.is_some() || plugin.is_some();
    if hosts.is_empty() && raw.host.0.is_empty() && !answers_itself && needs_host(&extra) {
        let message = "the backend has no host, and the root has none either";
        cx.out.push(
            Diagnostic::error("no-host", at.pointer(), message)
                .help("add \"host\": [\"http://…\"] here or at the root"),
        );
    }
    check_filters(&raw, at, cx.out);
    let scope = url_pattern::Scope {
        params: around.params,
        position: around.sequential.then_some(index),
        claims: around.claims,
    };
    let own_encoding = word::encoding(raw.encoding.as_ref(), At::Key(&at, "encoding"), cx.out);
    Some(Backend {
        hosts,
        service_discovery,
        url_pattern: url_pattern::parse(
            &raw.url_pattern,
            scope,
            At::Key(&at, "url_pattern"),
            cx.out,
        ),
        method,
        encoding: if around.no_op { Encoding::NoOp } else { own_encoding },
        is_collection: raw.is_collection,
        target: not_empty(raw.target),
        allow: raw.allow.into_values(),
        deny: raw.deny.into_values(),
        mapping: raw.mapping,
        group: not_empty(raw.group),
        input_headers: raw.input_headers.into_values(),
        input_query_strings: raw.input_query_strings.into_values(),
        workflow,
        plugin,
        extra,
        at: at.pointer(),
    })
}

/// The plugin that is the backend.
fn plugin(raw: &raw::Backend, at: At<'_>, cx: &mut Context<'_>) -> Option<Component> {
    let namespace = "plugin/wasm";
    let value = raw.plugin.clone()?;
    if !cx.supports(namespace, ComponentLevel::Backend) {
        let message = "plugins as backends are not built";
        let at = At::Key(&at, namespace).pointer();
        cx.out.push(Diagnostic::error("component-not-built", at, message).on_key());
        return None;
    }
    if !raw.host.0.is_empty() {
        let message = format!("`host` has no effect beside `{namespace}`");
        let at = At::Key(&at, "host").pointer();
        cx.out.push(Diagnostic::warning("host-beside-plugin", at, message).on_key());
    }
    Some(Component {
        namespace: namespace.to_owned(),
        value,
        at: At::Key(&at, namespace).pointer(),
    })
}

fn not_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The backend's hosts, or the root's (reference 2.4).
fn hosts(
    raw: &raw::Backend,
    discovery: ServiceDiscovery,
    at: At<'_>,
    cx: &mut Context<'_>,
) -> Vec<Host> {
    if raw.host.0.is_empty() {
        return cx.inherited.hosts.clone();
    }
    let sanitizing = if raw.disable_host_sanitize { Sanitizing::Off } else { Sanitizing::On };
    let mut hosts = host::resolve(&raw.host, At::Key(&at, "host"), sanitizing, cx);
    if discovery == ServiceDiscovery::Dns {
        for host in &mut hosts {
            host.scheme.clone_from(&raw.scheme);
        }
    }
    hosts
}

/// An unknown word means the host list (reference 2.4).
fn service_discovery(word: &str, at: At<'_>, cx: &mut Context<'_>) -> ServiceDiscovery {
    let at = At::Key(&at, "sd");
    match word {
        "static" | "" => {}
        "dns" | "dns-shared" if cx.supports("sd/dns", ComponentLevel::Backend) => {
            return ServiceDiscovery::Dns;
        }
        "dns" | "dns-shared" => {
            let message = format!("service discovery by \"{word}\" is not built yet");
            cx.out.push(
                Diagnostic::error("service-discovery-not-built", at.pointer(), message)
                    .help("list the hosts, or name a host that DNS answers with several addresses"),
            );
        }
        unknown => {
            let message = format!("unknown service discovery \"{unknown}\" means static");
            let mut finding =
                Diagnostic::warning("unknown-service-discovery", at.pointer(), message);
            finding.help = did_you_mean(unknown, ["static", "dns"]);
            cx.out.push(finding);
        }
    }
    ServiceDiscovery::Static
}

/// Whether the call goes to a host: components of other kinds find their own way.
fn needs_host(extra: &Extra) -> bool {
    const OVER_HTTP: [&str; 6] = [
        "backend/balancing",
        "backend/conditional",
        "backend/graphql",
        "backend/http",
        "backend/http/client",
        "backend/soap",
    ];
    extra.0.iter().all(|component| {
        let name = component.namespace.as_str();
        let finds_own =
            ["backend/", "ai/", "plugin/"].iter().any(|family| name.starts_with(family));
        !finds_own || OVER_HTTP.contains(&name)
    })
}

fn check_filters(raw: &raw::Backend, at: At<'_>, out: &mut Diagnostics) {
    if !raw.allow.0.is_empty() && !raw.deny.0.is_empty() {
        let at = At::Key(&at, "deny").pointer();
        let message = "`deny` has no effect beside `allow`";
        out.push(Diagnostic::warning("deny-beside-allow", at, message).on_key());
    }
    let filters =
        [("input_headers", &raw.input_headers), ("input_query_strings", &raw.input_query_strings)];
    for (key, list) in filters {
        check_wildcard(list, At::Key(&at, key), out);
    }
}

/// In a backend's filter `*` is a name like any other, so nothing passes (reference 3.4).
fn check_wildcard(list: &List<String>, at: At<'_>, out: &mut Diagnostics) {
    for (index, name) in &list.0 {
        if name == "*" {
            let message = "`*` lets nothing pass in the filter of a backend";
            out.push(
                Diagnostic::warning(
                    "wildcard-in-filter",
                    At::Index(&at, *index).pointer(),
                    message,
                )
                .help("leave the filter out to let everything pass"),
            );
        }
    }
}
