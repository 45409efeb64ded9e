//! Workflows: an endpoint nested in a backend (reference 11.5).

use super::{
    ComponentLevel, Context,
    backend::{self, Around},
    endpoint, extra, limit, member, word,
};
use crate::{
    At, Diagnostic, FromConfig, raw,
    valid::{Component, Endpoint, Method, Names, Route, Workflow},
};

/// Resolves the component; `None` if it makes no sense.
pub(super) fn resolve(
    component: &Component,
    around: Around<'_>,
    method: Method,
    cx: &mut Context<'_>,
) -> Option<Workflow> {
    let (value, at) = (&component.value, At::Root(&component.at));
    let raw = raw::Workflow::from_config(value, at, cx.out)?;
    if member(value, "endpoint").is_none() {
        let message = "`endpoint` is missing: the name of the workflow";
        cx.out.push(Diagnostic::error("missing-key", at.pointer(), message));
    }
    let extra = extra::resolve(value, at, ComponentLevel::Endpoint, cx);
    let timeout = limit(raw.timeout).unwrap_or(around.timeout);
    if timeout > around.timeout {
        let message = "the workflow may take longer than the endpoint around it";
        let at = At::Key(&at, "timeout").pointer();
        cx.out.push(
            Diagnostic::warning("workflow-timeout", at, message).help(format!(
                "the endpoint ends after {}",
                crate::duration::format(around.timeout)
            )),
        );
    }
    let encoding = word::checked_output(raw.output_encoding, at, cx);
    let inside = Around {
        method,
        no_op: encoding.as_deref() == Some("no-op"),
        sequential: extra::proxy_switch(&extra, "sequential"),
        timeout,
        ..around
    };
    let backends = backend::all(value, at, inside, cx);
    if backends.is_empty() {
        return None;
    }
    Some(Workflow {
        ignore_errors: raw.ignore_errors,
        endpoint: Endpoint {
            path: raw.endpoint?,
            route: Route { segments: Vec::new(), wildcard: false, catch_all: false },
            method,
            timeout,
            cache_ttl: std::time::Duration::ZERO,
            concurrent_calls: raw.concurrent_calls.max(1),
            // The endpoint around it and the backend's own filter decided what comes here.
            input_headers: Names::All,
            input_query_strings: Names::All,
            output_encoding: endpoint::output(encoding.as_deref(), &backends),
            backends,
            extra,
            at: at.pointer(),
        },
    })
}
