//! Runs a plugin against request files without a gateway: `torana plugin test` and `torana plugin run`. The pipeline is
//! the gateway's own, so a hook sees here what it sees there.

mod awkward;
mod compare;
pub mod conformance;
pub mod script;
mod trace;
mod world;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method};
use script::{Expectations, Message, Script};
use serde_json::{Map, Value, json};
use torana_config::{Diagnostics, Document, Format, Options, Severity, resolve, valid::Gateway};
use torana_core::{
    Body, EndpointInfo, Error, Request, RequestContext, Resources, percent,
    pipeline::{Backend, BuildContext, Level, Outcome, Pipeline, Step, StepFactory},
};
use torana_wasm::{BackendHooks, EndpointHooks, Inspection, Kind, NAMESPACE};
use trace::Trace;
use world::{Caption, KEY, Scripted, Services};

use crate::wiring;

/// Hooks around an endpoint.
const ENDPOINT: [&str; 4] = ["on-request", "on-response", "on-request-body", "on-response-body"];
/// Hooks around a backend.
const BACKEND: [&str; 2] = ["on-backend-request", "on-backend-response"];

/// What a trial has shown.
#[derive(Debug)]
pub struct Report {
    /// Calls of the host and lines of the log, by hook.
    pub trace: Vec<String>,
    /// The request that reached the backend.
    pub request: Option<Message>,
    /// The answer to the client, or why there is none.
    pub outcome: Result<Message, String>,
    /// How that differs from what was expected.
    pub differences: Vec<String>,
}

/// A plugin to be tried.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Its file.
    pub file: &'a Path,
    /// What it is.
    pub inspection: &'a Inspection,
    /// The only hook that is called; all of them if there is none.
    pub hook: Option<&'a str>,
}

impl Subject<'_> {
    fn name(&self) -> String {
        self.file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn hooks(&self, of: &[&'static str]) -> Vec<&'static str> {
        let called = |hook: &&&str| {
            self.inspection.hooks.contains(*hook) && self.hook.is_none_or(|only| only == **hook)
        };
        of.iter().filter(called).copied().collect()
    }

    fn handles(&self) -> bool {
        !self.hooks(&["handle"]).is_empty() || self.inspection.kind == Kind::WasiHttp
    }

    /// Whether the backend's answer is decoded: where the plugin asks for data, unless the file says otherwise.
    fn decodes(&self, script: &Script) -> bool {
        let asks = || {
            let imports = &self.inspection.imports;
            imports.iter().any(|import| import.interface.starts_with("torana:plugin/data@"))
        };
        !self.handles() && script.decodes.unwrap_or_else(asks)
    }

    /// The attachment: everything that the plugin asks for or can use is granted.
    fn attachment(&self, script: &Script, hooks: &[&str]) -> Value {
        let mut grants = Map::new();
        let env = self.inspection.reads_env.then_some(&"env");
        for grant in self.inspection.asks_for.iter().chain(env) {
            grants.insert((*grant).to_owned(), grant_of(grant, script));
        }
        let mut attachment = json!({
            "name": self.name(),
            "source": self.file,
            "config": script.config,
            // A machine that tests may be slow.
            "limits": {"timeout": "1s", "body": "1MiB"},
            "grants": grants,
        });
        if hooks != ["handle"] {
            attachment["hooks"] = json!(hooks);
        }
        for (key, value) in &script.plugin {
            match (&mut attachment[key], value) {
                (Value::Object(old), Value::Object(new)) => old.extend(new.clone()),
                (old, new) => *old = new.clone(),
            }
        }
        attachment
    }
}

fn grant_of(grant: &str, script: &Script) -> Value {
    match grant {
        "http" => {
            let origin = |url: &str| {
                let (scheme, rest) = url.split_once("://")?;
                Some(format!("{scheme}://{}", rest.split(['/', '?']).next()?))
            };
            let mut origins: Vec<String> =
                script.calls.iter().filter_map(|call| origin(&call.url)).collect();
            origins.sort();
            origins.dedup();
            if origins.is_empty() {
                // The grant must be there, but nothing is written that could be called.
                origins.push("http://nowhere.invalid".to_owned());
            }
            json!(origins)
        }
        "env" => script.environment.iter().map(|(name, _)| Value::from(name.as_str())).collect(),
        "kv" => "trial".into(),
        _ => true.into(),
    }
}

/// Runs a plugin as a file asks for.
///
/// # Errors
/// Why it cannot be run at all: the file asks for what is not possible, or the plugin does not start.
pub fn run(subject: &Subject<'_>, script: &Script) -> Result<Report, String> {
    let trace = Trace::of_process();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(run_here(subject, script, &trace))
}

async fn run_here(subject: &Subject<'_>, script: &Script, trace: &Trace) -> Result<Report, String> {
    let request = request(script)?;
    let seen = Arc::new(Mutex::new(None));
    let answer = Message { first: "200".to_owned(), ..Message::default() };
    let backend = Scripted {
        seen: Arc::clone(&seen),
        answer: script.backend.clone().unwrap_or(answer),
        decodes: subject.decodes(script),
    };
    let stage = Stage::new(subject, script, &request.path, trace, Box::new(backend))?;
    trace.clear();
    let outcome = match stage.run(request).await {
        Ok(response) => world::response_text(response).await,
        Err(error) => Err(error),
    };
    let (lines, logs) = trace.take();
    let request = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let differences = differences(&script.expect, request.as_ref(), &outcome, &logs);
    let outcome = outcome.map_err(|error| error.in_full());
    Ok(Report { trace: lines, request, outcome, differences })
}

/// A plugin in its place, with all that stands around it.
struct Stage {
    pipeline: Pipeline,
    gateway: Gateway,
    client: Option<IpAddr>,
    resources: Resources,
    /// Held to the end: resources forget what nobody holds.
    _services: Arc<Services>,
}

impl Stage {
    /// `path` is where the endpoint is, if the script does not say it.
    fn new(
        subject: &Subject<'_>,
        script: &Script,
        path: &str,
        trace: &Trace,
        backend: Box<dyn Backend>,
    ) -> Result<Self, String> {
        let resources = Resources::default();
        let services = Services { calls: script.calls.clone(), trace: trace.clone() };
        let _services = resources.get_or_try_make(&KEY, || Ok::<_, String>(services))?;
        let gateway = gateway(subject, script, path)?;
        let pipeline = pipeline(subject, &gateway, &resources, trace, backend)?;
        Ok(Self { pipeline, gateway, client: script.client, resources, _services })
    }

    async fn run(&self, request: Request) -> Outcome {
        self.pipeline.run(&context(self.client, &self.gateway), request).await
    }
}

fn request(script: &Script) -> Result<Request, String> {
    let ask = Message { first: "GET /".to_owned(), ..Message::default() };
    let message = script.request.as_ref().unwrap_or(&ask);
    let (method, target) = message.target().unwrap_or(("GET", "/"));
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not a method"))?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request::new(method, path);
    request.query = query.to_owned();
    request.headers = world::headers(&message.headers)?;
    request.body = Body::from_bytes(Bytes::from(message.body.clone().unwrap_or_default()));
    if let Some(endpoint) = &script.endpoint {
        let (names, values) = (endpoint.split('/'), path.split('/'));
        if endpoint.split('/').count() != path.split('/').count() {
            return Err(format!(
                "the request's path `{path}` does not fit the endpoint `{endpoint}`"
            ));
        }
        for (name, value) in names.zip(values) {
            if let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                let decoded = percent::decode(value)
                    .ok_or_else(|| format!("`{value}` in the request's path is not valid"))?;
                let raw = (*decoded != *value).then(|| value.to_owned());
                request.params.set_with_raw(name.into(), decoded.into_owned(), raw);
            }
        }
    }
    Ok(request)
}

fn gateway(subject: &Subject<'_>, script: &Script, path: &str) -> Result<Gateway, String> {
    let decodes = subject.decodes(script);
    let mut backend = json!({"url_pattern": "/"});
    if subject.handles() {
        backend[NAMESPACE] = subject.attachment(script, &["handle"]);
    } else {
        backend["host"] = json!(["http://backend.invalid"]);
    }
    let mut endpoint = json!({
        "endpoint": script.endpoint.as_deref().unwrap_or(path),
        // Nobody routes here, so any method will do.
        "method": "GET",
    });
    if !decodes {
        backend["encoding"] = "no-op".into();
        endpoint["output_encoding"] = "no-op".into();
    }
    for (place, hooks) in [(&mut endpoint, &ENDPOINT[..]), (&mut backend, &BACKEND[..])] {
        let hooks = subject.hooks(hooks);
        if !hooks.is_empty() {
            place["extra_config"] = json!({ NAMESPACE: [subject.attachment(script, &hooks)] });
        }
    }
    endpoint["backend"] = json!([backend]);
    let root = json!({"version": 3, "endpoints": [endpoint]});
    let document = Document::parse("trial", root.to_string(), Format::Json)
        .map_err(|error| error.to_string())?;
    let mut findings = Diagnostics::default();
    let options = Options {
        environment: script.environment.clone(),
        supported: wiring::supported(),
        ..Options::default()
    };
    let gateway = resolve(&document, &options, &mut findings);
    refuse(&findings)?;
    gateway.ok_or_else(|| "the plugin cannot be attached".to_owned())
}

/// What makes a key that nobody knows a finding. A gateway warns of it and goes on; a test with it tests something else.
const UNKNOWN_KEY: &str = "unknown-key";

/// The errors among findings, in a line each.
fn refuse(findings: &Diagnostics) -> Result<(), String> {
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error || finding.code == UNKNOWN_KEY);
    let mut lines: Vec<String> = errors
        .map(|finding| {
            let place = finding.at.as_str().rsplit_once("wasm").map_or("", |(_, place)| place);
            let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{place}: {}{help}", finding.message)
        })
        .map(|line| line.trim_start_matches(['/', '0', ':']).trim().to_owned())
        .collect();
    // A plugin that stands at two levels has the same faults at both.
    lines.sort();
    lines.dedup();
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
}

fn pipeline(
    subject: &Subject<'_>,
    gateway: &Gateway,
    resources: &Resources,
    trace: &Trace,
    scripted: Box<dyn Backend>,
) -> Result<Pipeline, String> {
    let endpoint = gateway.endpoints.first().ok_or("there is no endpoint")?;
    let backend = endpoint.backends.first().ok_or("there is no backend")?;
    let mut diagnostics = Diagnostics::default();
    let mut cx = BuildContext {
        gateway,
        level: Level::Endpoint(endpoint),
        resources,
        upstream: world::upstream,
        diagnostics: &mut diagnostics,
    };
    let caption = |request, response| {
        Step::Around(Box::new(Caption { trace: trace.clone(), request, response }))
    };
    let built =
        |steps: Vec<torana_core::pipeline::Built>| steps.into_iter().map(|built| built.step);

    let mut steps = vec![caption("on-request", "")];
    steps.extend(built(EndpointHooks.build_all(&mut cx)));
    let mut inner = vec![caption("on-backend-request", "on-response")];
    cx.level = Level::Backend(endpoint, backend);
    inner.extend(built(BackendHooks.build_all(&mut cx)));
    inner.push(caption(if subject.handles() { "handle" } else { "" }, "on-backend-response"));
    let leaf: Box<dyn Backend> = match &backend.plugin {
        Some(component) => match torana_wasm::backend(component, &mut cx) {
            Some((leaf, _)) => leaf,
            None => {
                refuse(cx.diagnostics)?;
                return Err("the plugin does not start".to_owned());
            }
        },
        None => scripted,
    };
    refuse(&diagnostics)?;
    Ok(Pipeline::new(steps, Box::new(Pipeline::new(inner, leaf))))
}

fn context(client: Option<IpAddr>, gateway: &Gateway) -> RequestContext {
    let client = client.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let value = HeaderValue::from_str(&client.to_string());
    let value = value.unwrap_or_else(|_| HeaderValue::from_static("127.0.0.1"));
    let cx = RequestContext::new(1, SocketAddr::from((client, 1)), value, false);
    if let Some(endpoint) = gateway.endpoints.first() {
        let info = EndpointInfo {
            path: endpoint.path.clone(),
            method: Method::GET,
            timeout: Duration::from_secs(2),
        };
        // Nobody has set it: the context is new.
        let _ = cx.endpoint.set(Arc::new(info));
    }
    cx
}

fn differences(
    expect: &Expectations,
    request: Option<&Message>,
    outcome: &Result<Message, Error>,
    logs: &[String],
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut section = |title: &str, found: Vec<String>| {
        if !found.is_empty() {
            lines.push(format!("{title}:"));
            lines.extend(found.into_iter().map(|line| format!("  {line}")));
        }
    };
    match (&expect.request, request) {
        (Some(expected), Some(found)) => section("request", compare::request(expected, found)),
        (Some(_), None) => section("request", vec!["no request reached the backend".to_owned()]),
        (None, Some(found)) if expect.no_request => {
            section("request", vec!["none was expected".to_owned(), format!("+ {}", found.first)]);
        }
        _ => {}
    }
    match (outcome, &expect.error) {
        (Ok(_), Some(error)) => {
            section("error", vec![format!("- {error}"), "+ (no error)".to_owned()]);
        }
        (Err(found), Some(error)) if !found.in_full().contains(error) => {
            section("error", vec![format!("- {error}"), format!("+ {}", found.in_full())]);
        }
        (Err(found), None) => section("error", vec![found.in_full()]),
        _ => {}
    }
    if let (Some(expected), Ok(found)) = (&expect.response, outcome) {
        section("response", compare::response(expected, found));
    }
    let missing =
        expect.logs.iter().filter(|part| !logs.iter().any(|line| line.contains(&***part)));
    section("log", missing.map(|part| format!("- {part}")).collect());
    lines
}
