//! `torana explain METHOD PATH`: the compiled pipeline of an endpoint, with where each step comes from.

use std::fmt::Write;

use http::Method;
use serde_json::{Value, json};
use torana_config::{Document, Part, Pointer, did_you_mean, valid::Gateway};
use torana_core::{Resources, pipeline::Plan};

use crate::{
    app::{self, Loaded},
    cli::{self, Exit, ExplainFormat},
    cmd, output,
};

/// Prints the pipeline that a request would pass.
pub(super) fn explain(arguments: &cli::Explain) -> Exit {
    let loaded = match app::load(&cmd::options(&arguments.config), &Resources::default()) {
        Ok(loaded) => loaded,
        Err(rejected) => return cmd::refuse(&rejected),
    };
    let Some(plan) = find(&loaded, &arguments.method, &arguments.path) else {
        output::note(&format!("torana: {}", not_found(&loaded, arguments)));
        return Exit::Findings;
    };
    output::print(&match arguments.format {
        ExplainFormat::Text => text(plan, &loaded.document),
        ExplainFormat::Json => format!("{:#}\n", json(plan, &loaded.document)),
    });
    Exit::Success
}

/// The plan of an endpoint by its own path, or else by the path of a request.
fn find<'a>(loaded: &'a Loaded, method: &str, path: &str) -> Option<&'a Plan> {
    let endpoints = &loaded.gateway.endpoints;
    let own = endpoints.iter().position(|endpoint| {
        endpoint.path == path && endpoint.method.name().eq_ignore_ascii_case(method)
    });
    let index = own.or_else(|| {
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
        let path = path.split('?').next().unwrap_or_default();
        loaded.snapshot.service.find(&method, path)
    })?;
    loaded.snapshot.service.plans.get(index)
}

fn not_found(loaded: &Loaded, arguments: &cli::Explain) -> String {
    let cli::Explain { method, path, .. } = arguments;
    let others: Vec<&str> = torana_config::valid::Method::ALL
        .iter()
        .map(|method| method.name())
        .filter(|name| find(loaded, name, path).is_some())
        .collect();
    if let Some(what) = built_in(&loaded.gateway, path) {
        format!("no endpoint for {path}: the gateway answers itself, with its {what}")
    } else if others.is_empty() {
        let known = loaded.gateway.endpoints.iter().map(|endpoint| endpoint.path.as_str());
        let hint = did_you_mean(path, known).map(|hint| format!(", {hint}"));
        format!("no endpoint for {path}{}", hint.unwrap_or_default())
    } else {
        format!("no endpoint for {method} {path}, only for {}", others.join(", "))
    }
}

/// What the gateway has at a path of its own.
fn built_in(gateway: &Gateway, path: &str) -> Option<&'static str> {
    if gateway.router.health_path.as_deref() == Some(path) {
        Some("health endpoint")
    } else if gateway.debug_endpoint && path.starts_with("/__debug/") {
        Some("debug endpoint")
    } else if gateway.echo_endpoint && path.starts_with("/__echo/") {
        Some("echo endpoint")
    } else {
        None
    }
}

/// A plan as text: steps in the order in which a request meets them, then the backends that the last one calls.
fn text(plan: &Plan, document: &Document) -> String {
    let mut lines = Vec::new();
    collect(plan, document, 0, "", &mut lines);
    let width = lines.iter().map(|(left, _)| left.chars().count()).max().unwrap_or_default();
    lines.iter().fold(String::new(), |mut text, (left, place)| {
        // Writing to a string cannot fail.
        let _ = if place.is_empty() {
            writeln!(text, "{left}")
        } else {
            writeln!(text, "{left:width$}  {place}")
        };
        text
    })
}

fn collect(
    plan: &Plan,
    document: &Document,
    depth: usize,
    caption: &str,
    lines: &mut Vec<(String, String)>,
) {
    let indent = "  ".repeat(depth);
    lines.push((format!("{indent}{caption}{}", plan.name), place(document, Some(&plan.at))));
    for (index, step) in plan.steps.iter().enumerate() {
        let number = index + 1;
        let detail =
            if step.detail.is_empty() { String::new() } else { format!(": {}", step.detail) };
        let left = format!("{indent}  {number}. {}{detail}", step.name);
        lines.push((left, place(document, step.at.as_ref())));
    }
    for (index, backend) in plan.backends.iter().enumerate() {
        collect(backend, document, depth + 2, &format!("backend {}: ", index + 1), lines);
    }
}

/// `file:line:column`, empty for what no part of the file asks for.
fn place(document: &Document, at: Option<&Pointer>) -> String {
    at.map_or_else(String::new, |at| {
        let span = document.locate(at, Part::Key);
        format!("{}:{}:{}", document.name(), span.line, span.column)
    })
}

/// A plan as JSON.
fn json(plan: &Plan, document: &Document) -> Value {
    json!({
        "name": plan.name,
        "at": position(document, Some(&plan.at)),
        "steps": plan.steps.iter().map(|step| json!({
            "name": step.name,
            "detail": step.detail,
            "at": position(document, step.at.as_ref()),
        })).collect::<Vec<_>>(),
        "backends": plan.backends.iter().map(|backend| json(backend, document)).collect::<Vec<_>>(),
    })
}

fn position(document: &Document, at: Option<&Pointer>) -> Value {
    at.map_or(Value::Null, |at| {
        let span = document.locate(at, Part::Key);
        json!({
            "file": document.name(),
            "line": span.line,
            "column": span.column,
            "pointer": at.as_str(),
        })
    })
}

#[cfg(test)]
mod tests {
    use torana_config::Format;
    use torana_core::pipeline::PlanStep;

    use super::*;

    fn example() -> (Plan, Document) {
        let text = "{\n  \"endpoints\": [\n    {\n      \"timeout\": \"1s\",\n      \"backend\": [\n        {\"url_pattern\": \"/u\"}\n      ]\n    }\n  ]\n}";
        let document = Document::parse("gateway.json", text, Format::Json).unwrap();
        let endpoint = Pointer::parse("/endpoints/0");
        let backend = endpoint.key("backend").index(0);
        let plan = Plan {
            name: "GET /users/{id}".into(),
            steps: vec![
                PlanStep {
                    name: "timeout",
                    detail: "1 s".into(),
                    at: Some(endpoint.key("timeout")),
                },
                PlanStep { name: "merge", detail: String::new(), at: None },
            ],
            backends: vec![Plan {
                name: "GET /u".into(),
                steps: vec![PlanStep {
                    name: "call",
                    detail: "http://users".into(),
                    at: Some(backend.key("url_pattern")),
                }],
                backends: vec![],
                at: backend,
            }],
            at: endpoint,
        };
        (plan, document)
    }

    #[test]
    fn steps_and_backends_with_their_places() {
        let (plan, document) = example();
        let expected = "\
GET /users/{id}             gateway.json:3:5
  1. timeout: 1 s           gateway.json:4:7
  2. merge
    backend 1: GET /u       gateway.json:6:9
      1. call: http://users  gateway.json:6:10
";
        let text = text(&plan, &document);
        let squeezed = |text: &str| -> Vec<Vec<String>> {
            text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
        };
        assert_eq!(squeezed(&text), squeezed(expected));
        let columns: Vec<_> = text.lines().filter_map(|line| line.find("gateway.json")).collect();
        assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let (plan, document) = example();
        let json = json(&plan, &document);
        assert_eq!(json["steps"][0]["at"]["line"], 4);
        assert_eq!(json["steps"][1]["at"], Value::Null);
        assert_eq!(
            json["backends"][0]["steps"][0]["at"]["pointer"],
            "/endpoints/0/backend/0/url_pattern"
        );
    }
}
