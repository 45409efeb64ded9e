//! Path, query and method of a backend call: `url_pattern` with its parameters filled in (reference 2.5, 3.3).
//!
//! A parameter cannot leave its place: what the client sent encoded stays encoded, everything else is encoded for its
//! place, and values that are or contain dot segments or control characters are refused.

use std::fmt::Write as _;

use http::Method;
use torana_config::valid::{self, PatternPart};

use crate::{
    Error, ErrorKind, Request, RequestContext,
    percent::{self, Place},
    pipeline::{BuildContext, Built, Filter, Flow, Level, Step, StepFactory},
};

/// The parameter that holds what a wildcard or catch-all endpoint matched, as it came.
pub const WILDCARD: &str = "*";

/// Makes the step that fills in `url_pattern`.
pub struct RequestBuilder;

impl StepFactory for RequestBuilder {
    fn name(&self) -> &'static str {
        "request builder"
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Backend(endpoint, backend) = cx.level else { return None };
        let method = method(backend.method);
        let mut detail = format!("{method} {}", backend.url_pattern.source);
        let appends_rest = endpoint.route.wildcard || endpoint.route.catch_all;
        if appends_rest {
            let _ = write!(detail, " and the rest of the path");
        }
        let builder = Builder {
            method,
            path: backend.url_pattern.path.clone(),
            query: backend.url_pattern.query.clone(),
            appends_rest,
        };
        Some(Built {
            step: Step::Filter(Box::new(builder)),
            detail,
            at: Some(backend.at.key("url_pattern")),
        })
    }
}

/// The `http` crate's method of a configured one.
#[must_use]
pub fn method(method: valid::Method) -> Method {
    match method {
        valid::Method::Get => Method::GET,
        valid::Method::Head => Method::HEAD,
        valid::Method::Post => Method::POST,
        valid::Method::Put => Method::PUT,
        valid::Method::Patch => Method::PATCH,
        valid::Method::Delete => Method::DELETE,
        valid::Method::Options => Method::OPTIONS,
        valid::Method::Connect => Method::CONNECT,
        valid::Method::Trace => Method::TRACE,
    }
}

struct Builder {
    method: Method,
    path: Vec<PatternPart>,
    query: Vec<PatternPart>,
    appends_rest: bool,
}

impl Filter for Builder {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        let mut path = String::with_capacity(64);
        fill(&self.path, request, Place::Segment, &mut path)?;
        if self.appends_rest {
            append_rest(request, &mut path)?;
        }
        if !self.query.is_empty() {
            let mut query = String::with_capacity(64);
            fill(&self.query, request, Place::QueryValue, &mut query)?;
            if !request.query.is_empty() {
                query.push('&');
                query.push_str(&request.query);
            }
            request.query = query;
        }
        request.path = path;
        request.method = self.method.clone();
        Ok(Flow::Continue)
    }
}

fn fill(
    parts: &[PatternPart],
    request: &Request,
    place: Place,
    out: &mut String,
) -> Result<(), Error> {
    for part in parts {
        match part {
            PatternPart::Literal(text) => out.push_str(text),
            PatternPart::Param(name) => match request.params.get(name) {
                Some(value) => {
                    inside(name, value, place)?;
                    match request.params.raw(name) {
                        Some(raw) if place == Place::Segment => out.push_str(raw),
                        _ => percent::encode(value, place, out),
                    }
                }
                None => missing(name, out),
            },
            PatternPart::Response { name, .. } => match request.params.get(name) {
                Some(value) => {
                    inside(name, value, place)?;
                    percent::encode(value, place, out);
                }
                None => missing(name, out),
            },
            PatternPart::Claim(claim) => missing(&format!("JWT.{claim}"), out),
        }
    }
    Ok(())
}

fn inside(name: &str, value: &str, place: Place) -> Result<(), Error> {
    if place == Place::Segment && percent::escapes_its_place(value) {
        return Err(Error::new(
            ErrorKind::BadRequest,
            format!("parameter `{name}` would leave its place in the backend's path"),
        )
        .with_status(http::StatusCode::BAD_REQUEST));
    }
    Ok(())
}

/// A value that is not there leaves its placeholder in the URL (reference 4.3), encoded as a URL demands:
/// `{{.Resp0_id}}`.
fn missing(name: &str, out: &mut String) {
    let mut capitalised = name.to_owned();
    if let Some(first) = capitalised.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    percent::encode(&format!("{{{{.{capitalised}}}}}"), Place::Segment, out);
}

fn append_rest(request: &Request, path: &mut String) -> Result<(), Error> {
    let Some(rest) = request.params.get(WILDCARD) else { return Ok(()) };
    let decoded = percent::decode(rest).ok_or_else(|| {
        Error::new(ErrorKind::BadRequest, "malformed escape in the path")
            .with_status(http::StatusCode::BAD_REQUEST)
    })?;
    inside(WILDCARD, &decoded, Place::Segment)?;
    if !path.ends_with('/') {
        path.push('/');
    }
    path.push_str(rest.strip_prefix('/').unwrap_or(rest));
    Ok(())
}
