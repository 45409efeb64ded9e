//! From a document as written to a checked gateway: defaults, inheritance and every check that needs no file, network
//! or component code. One file per group of rules; all findings are gathered, none stops the others.

mod alias;
mod backend;
mod conflict;
mod endpoint;
mod environment;
mod extra;
mod forward_proxy;
mod host;
mod namespace;
mod path;
mod router;
mod service;
#[cfg(test)]
mod tests;
mod tls;
mod url_pattern;
mod word;
mod workflow;

pub(crate) use namespace::means_to_protect;

use std::time::Duration;

use serde_json::Value;

use crate::{
    At, Diagnostics, Document, Pointer,
    valid::{Gateway, Host},
    wrong_type,
};

/// What the caller knows beside the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Environment variables: `KRAKEND_…` and `TORANA_…` override scalars of the root; the latter win. `HTTP_PROXY`,
    /// `HTTPS_PROXY` and `NO_PROXY`, in either case, say how backends are reached.
    pub environment: Vec<(String, String)>,
    /// `--port`: wins over file and environment; 0 is any free port.
    pub port: Option<u16>,
    /// `--debug`: serves the debug endpoint.
    pub debug: bool,
    /// The components that this build has. `router` and `workflow` always are; `sd/dns` at the backend level stands
    /// for DNS service discovery.
    pub supported: Vec<Supported>,
}

/// A component that this build has at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supported {
    /// Its namespace under `extra_config`.
    pub namespace: &'static str,
    /// The level.
    pub level: ComponentLevel,
}

/// Where an `extra_config` may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ComponentLevel {
    /// The root.
    Service,
    /// An endpoint or a workflow.
    Endpoint,
    /// A backend.
    Backend,
}

impl ComponentLevel {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Endpoint => "endpoint",
            Self::Backend => "backend",
        }
    }
}

/// Checks a document. All findings go to `out`.
///
/// A gateway is given also when there are errors, with defaults in the place of what is wrong and without the
/// endpoints that make no sense, so that building it can find what only components know. It must not run if
/// [`Diagnostics::has_errors`]. `None` if the document is no object at all.
pub fn resolve(document: &Document, options: &Options, out: &mut Diagnostics) -> Option<Gateway> {
    for finding in document.findings() {
        out.push(finding.clone());
    }
    let root = Pointer::root();
    if !document.value().is_object() {
        out.push(wrong_type("an object", document.value(), At::Root(&root)));
        return None;
    }
    let mut cx = Context { options, inherited: Inherited::default(), out };
    service::resolve(document.value(), At::Root(&root), &mut cx)
}

/// What the rules share while a document is resolved.
struct Context<'a> {
    options: &'a Options,
    inherited: Inherited,
    out: &'a mut Diagnostics,
}

impl Context<'_> {
    /// Whether this build has a component at a level.
    fn supports(&self, namespace: &str, level: ComponentLevel) -> bool {
        self.options.supported.iter().any(|s| s.level == level && s.namespace == namespace)
    }
}

/// What endpoints and backends take from the root.
#[derive(Default)]
struct Inherited {
    timeout: Duration,
    cache_ttl: Duration,
    /// A word that [`word`] knows, or one that was reported.
    output_encoding: Option<String>,
    hosts: Vec<Host>,
    disable_rest: bool,
    virtual_hosts: bool,
}

/// A member of an object that is neither absent nor null.
fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// A limit of which zero means none.
fn limit(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
