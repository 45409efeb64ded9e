//! Endpoints that nobody could tell apart.

use std::collections::{HashMap, hash_map::Entry};

use crate::{
    Diagnostic, Diagnostics, Pointer,
    valid::{Endpoint, Method, RouteSegment, SegmentPart},
};

/// Reports endpoints with the same method and the same path but for the names of parameters.
pub(super) fn check(endpoints: &[Endpoint], health_path: Option<&str>, out: &mut Diagnostics) {
    // The usual path is reserved wherever the health endpoint is, which was reported with the path.
    let health_path = health_path.filter(|path| *path != "/__health");
    let mut seen = HashMap::<_, &Endpoint>::with_capacity(endpoints.len());
    for endpoint in endpoints {
        // A catch-all takes any method.
        let method = (!endpoint.route.catch_all).then_some(endpoint.method);
        match seen.entry((method, shape(endpoint))) {
            Entry::Vacant(place) => {
                place.insert(endpoint);
            }
            Entry::Occupied(first) => out.push(conflict(first.get(), endpoint)),
        }
        if endpoint.method == Method::Get && Some(endpoint.path.as_str()) == health_path {
            let message = format!("`GET {}` is the health endpoint", endpoint.path);
            let router = Pointer::root().key("extra_config").key("router").key("health_path");
            out.push(
                Diagnostic::error("duplicate-route", endpoint.at.key("endpoint"), message)
                    .help("choose another path, or another `health_path` in `router`")
                    .related(router, "the path of the health endpoint"),
            );
        }
    }
}

fn conflict(first: &Endpoint, second: &Endpoint) -> Diagnostic {
    let (method, path) = (second.method.name(), &second.path);
    let message = if first.path == second.path {
        format!("`{method} {path}` is defined twice")
    } else {
        format!("`{method} {path}` matches the same requests as `{}`", first.path)
    };
    Diagnostic::error("duplicate-route", second.at.key("endpoint"), message)
        .related(first.at.key("endpoint"), "first defined here")
}

/// The path without the names of its parameters. No path of a request has the character that stands for them.
fn shape(endpoint: &Endpoint) -> String {
    const ANY: char = '\0';
    let mut shape = String::with_capacity(endpoint.path.len());
    for segment in &endpoint.route.segments {
        shape.push('/');
        match segment {
            RouteSegment::Literal(text) => shape.push_str(text),
            RouteSegment::Param(_) => shape.push(ANY),
            RouteSegment::Mixed(parts) => {
                for part in parts {
                    match part {
                        SegmentPart::Literal(text) => shape.push_str(text),
                        SegmentPart::Param(_) => shape.push(ANY),
                    }
                }
            }
        }
    }
    if endpoint.route.wildcard {
        shape.push('/');
        shape.push('*');
        shape.push(ANY);
    }
    shape
}
