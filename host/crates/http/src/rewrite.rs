//! Service-level steps that change a request's path before routing: virtual hosts and URL rewriting
//! (reference 13.4, 13.5). Paid elsewhere.

use std::collections::{BTreeMap, HashMap};

use http::header;
use regex::Regex;
use torana_config::{Diagnostic, Value, config, read};
use torana_core::{
    Error, Request, RequestContext, percent,
    pipeline::{BuildContext, Built, Filter, Flow, Level, Step, StepFactory},
};

config! {
    /// `server/virtualhost`: endpoints by the host that the client asks for.
    pub struct VirtualHostConfig {
        /// Host names; a request for one of them is served by the endpoints under `/__virtual/HOST/`.
        "hosts" hosts: Vec<String> = Vec::new(),
        /// Host names by alias: the endpoints stand under `/__virtual/ALIAS/`.
        "aliased_hosts" aliased_hosts: BTreeMap<String, String> = BTreeMap::new(),
    }
}

config! {
    /// `url-rewrite` under `plugin/http-server`: other paths for the same endpoints, without a redirect.
    pub struct UrlRewriteConfig {
        /// Whole paths and what they become. Looked at first.
        "literal" literal: BTreeMap<String, String> = BTreeMap::new(),
        /// Pairs of a regular expression and what a match becomes, with `${1}` for groups. The first match is taken.
        "regexp" regexp: Vec<Vec<String>> = Vec::new(),
    }
}

/// Namespace of [`VirtualHostConfig`].
pub const VIRTUAL_HOSTS: &str = "server/virtualhost";

/// What the step puts before the name of a virtual host.
const MARK: &str = "/__virtual";

/// The path behind the mark of a virtual host; `None` if there is no mark.
pub(crate) fn without_virtual_host(path: &str) -> Option<&str> {
    let host_and_path = path.strip_prefix(MARK)?.strip_prefix('/')?;
    Some(&host_and_path[host_and_path.find('/')?..])
}

/// Whether the router could read the mark in a path that a client sent: it decodes escapes, and may skip slashes.
fn is_marked(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    percent::decode(first).is_some_and(|name| MARK.strip_prefix('/') == Some(&*name))
}

/// Makes the step that routes by host.
pub struct VirtualHosts;

impl StepFactory for VirtualHosts {
    fn name(&self) -> &'static str {
        "virtual hosts"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &[VIRTUAL_HOSTS]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Service = cx.level else { return None };
        let component = cx.component(VIRTUAL_HOSTS)?.clone();
        let config: VirtualHostConfig = read(&component.value, &component.at, cx.diagnostics)?;
        let mut prefixes = HashMap::new();
        for host in &config.hosts {
            prefixes.insert(host.to_ascii_lowercase(), format!("{MARK}/{host}"));
        }
        for (alias, host) in &config.aliased_hosts {
            prefixes.insert(host.to_ascii_lowercase(), format!("{MARK}/{alias}"));
        }
        let mut names: Vec<&String> = prefixes.keys().collect();
        names.sort();
        let detail = names.into_iter().cloned().collect::<Vec<_>>().join(", ");
        Some(Built {
            step: Step::Filter(Box::new(ByHost(prefixes))),
            detail,
            at: Some(component.at),
        })
    }
}

struct ByHost(HashMap<String, String>);

impl Filter for ByHost {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        // A client that names the internal path itself would reach any host's endpoints.
        if is_marked(&request.path) {
            request.prefix_path(MARK);
            return Ok(Flow::Continue);
        }
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.map(str::to_ascii_lowercase) else { return Ok(Flow::Continue) };
        let prefix = self.0.get(&host).or_else(|| {
            let (name, port) = host.rsplit_once(':')?;
            port.bytes().all(|byte| byte.is_ascii_digit()).then(|| self.0.get(name)).flatten()
        });
        if let Some(prefix) = prefix {
            request.prefix_path(prefix);
        }
        Ok(Flow::Continue)
    }
}

/// Makes the step that rewrites paths.
pub struct UrlRewrite;

impl StepFactory for UrlRewrite {
    fn name(&self) -> &'static str {
        "url-rewrite"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &["plugin/http-server"]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Service = cx.level else { return None };
        let component = cx.component("plugin/http-server")?.clone();
        let names: Vec<&str> = match component.value.get("name") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let place = component.at.key("name");
        // A plugin that guards was reported as an error when the file was read.
        let is_known = cx.diagnostics.iter().any(|found| found.at == place);
        for name in names.iter().filter(|name| !is_known && **name != "url-rewrite") {
            cx.report(
                Diagnostic::warning(
                    "component-not-built",
                    place.clone(),
                    format!("the http-server plugin `{name}` is a Go plugin and is not run"),
                )
                .help("write it as a WebAssembly plugin and attach it with `plugin/wasm`"),
            );
        }
        if !names.contains(&"url-rewrite") {
            return None;
        }
        let value = component.value.get("url-rewrite")?;
        let at = component.at.key("url-rewrite");
        let config: UrlRewriteConfig = read(value, &at, cx.diagnostics)?;
        let mut patterns = Vec::new();
        for (index, pair) in config.regexp.iter().enumerate() {
            let place = at.key("regexp").index(index);
            let [pattern, replacement] = pair.as_slice() else {
                cx.report(Diagnostic::error(
                    "wrong-type",
                    place,
                    "expected a pair of a regular expression and a replacement",
                ));
                continue;
            };
            match Regex::new(pattern) {
                Ok(regex) => patterns.push((regex, replacement.clone())),
                Err(error) => cx.report(Diagnostic::error(
                    "invalid-regex",
                    place.index(0),
                    format!("`{pattern}` is not a regular expression: {error}"),
                )),
            }
        }
        let detail =
            format!("{} literal, {} by regular expression", config.literal.len(), patterns.len());
        let rewrite = Rewrite { literal: config.literal.into_iter().collect(), patterns };
        Some(Built { step: Step::Filter(Box::new(rewrite)), detail, at: Some(at) })
    }
}

struct Rewrite {
    literal: HashMap<String, String>,
    patterns: Vec<(Regex, String)>,
}

impl Filter for Rewrite {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        if let Some(path) = self.literal.get(&request.path) {
            request.path = path.clone();
            return Ok(Flow::Continue);
        }
        for (pattern, replacement) in &self.patterns {
            if pattern.is_match(&request.path) {
                let path = pattern.replace(&request.path, replacement.as_str()).into_owned();
                request.path = if path.starts_with('/') { path } else { format!("/{path}") };
                return Ok(Flow::Continue);
            }
        }
        Ok(Flow::Continue)
    }
}
