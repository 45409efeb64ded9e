//! The one place where outcomes become HTTP answers: status, headers, body (reference 5.1, 6.2, 6.3).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use torana_config::valid::{OutputEncoding, RouterOptions};
use torana_core::{
    Body, Data, Error, ErrorKind, Response, ResponseParts, encoding, headers::strip_hop_by_hop,
    pipeline::Outcome,
};

/// Names the gateway and its version, on every answer of an endpoint.
pub const X_KRAKEND: HeaderName = HeaderName::from_static("x-krakend");
/// Says whether every part of the answer is there.
pub const X_KRAKEND_COMPLETED: HeaderName = HeaderName::from_static("x-krakend-completed");

const VERSION: HeaderValue =
    HeaderValue::from_static(concat!("Version ", env!("CARGO_PKG_VERSION")));
const VERSION_HIDDEN: HeaderValue = HeaderValue::from_static("Version undefined");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const FALSE: HeaderValue = HeaderValue::from_static("false");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const TEXT_UTF8: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An answer as it goes to the client.
pub type Answer = http::Response<Body>;

/// Among the extensions of an [`Answer`]: parts of it are missing. For steps at service level.
#[derive(Debug, Clone, Copy)]
struct Incomplete;

/// What all answers of a gateway share.
#[derive(Debug)]
pub struct Responder {
    version: HeaderValue,
    return_error_msg: bool,
    honest_status: bool,
    not_found: (HeaderValue, Bytes),
    method_not_allowed: (HeaderValue, Bytes),
}

/// What the answers of one endpoint have of their own.
#[derive(Debug)]
pub struct Rendering {
    /// `output_encoding`.
    pub output: OutputEncoding,
    /// `Cache-Control` of complete answers.
    pub cache_control: Option<HeaderValue>,
}

impl Rendering {
    /// The rendering of an endpoint.
    #[must_use]
    pub fn new(output: OutputEncoding, cache_ttl: Duration) -> Self {
        let cache_control = (!cache_ttl.is_zero()).then(|| {
            HeaderValue::try_from(format!("public, max-age={}", cache_ttl.as_secs())).ok()
        });
        Self { output, cache_control: cache_control.flatten() }
    }
}

impl Responder {
    /// The answers of a configuration.
    #[must_use]
    pub fn new(options: &RouterOptions) -> Self {
        let body = |custom: &Option<Value>, text: &'static str| match custom {
            Some(value) => (JSON, Bytes::from(value.to_string())),
            None => (TEXT, Bytes::from_static(text.as_bytes())),
        };
        Self {
            version: if options.hide_version_header { VERSION_HIDDEN } else { VERSION },
            return_error_msg: options.return_error_msg,
            honest_status: options.honest_status,
            not_found: body(&options.error_body_404, "404 page not found"),
            method_not_allowed: body(&options.error_body_405, "405 method not allowed"),
        }
    }

    /// The answer of an endpoint.
    pub fn endpoint(
        &self,
        outcome: Outcome,
        rendering: &Rendering,
        accept: Option<&HeaderValue>,
    ) -> Answer {
        match outcome {
            Ok(mut response) => match &mut response.data {
                Data::Body(body) => {
                    let body = std::mem::take(body);
                    self.untouched(response, body)
                }
                Data::Entity(_) => self
                    .encoded(response, rendering, accept)
                    .unwrap_or_else(|error| self.error(&error)),
            },
            Err(error) => self.error(&error),
        }
    }

    /// `no-op`, and answers that a component made itself.
    fn untouched(&self, mut response: Response, body: Body) -> Answer {
        let mut headers = std::mem::take(&mut response.headers);
        strip_hop_by_hop(&mut headers);
        // Appended, not replaced: a gateway behind this one may have set its own (reference 6.2).
        headers.append(X_KRAKEND, self.version.clone());
        headers.append(X_KRAKEND_COMPLETED, FALSE);
        let mut answer = Answer::new(body);
        *answer.status_mut() = response.status;
        *answer.headers_mut() = headers;
        mark(&mut answer, response.complete);
        answer
    }

    fn encoded(
        &self,
        mut response: Response,
        rendering: &Rendering,
        accept: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        let accept = accept.and_then(|value| value.to_str().ok());
        let encoder = encoding::encoder(rendering.output, accept);
        let object = response.object();
        let has_data = object.is_some_and(|object| !object.is_empty());
        let completed = has_data && response.complete && response.failure.is_none();
        let body = Body::from_bytes(encoder.encode(object)?);
        let mut headers = std::mem::take(&mut response.headers);
        if headers.is_empty() {
            headers.reserve(4);
        } else if !has_data {
            headers.clear();
        } else {
            strip_hop_by_hop(&mut headers);
        }
        headers.insert(header::CONTENT_TYPE, encoder.content_type());
        headers.insert(X_KRAKEND, self.version.clone());
        headers.insert(X_KRAKEND_COMPLETED, if completed { TRUE } else { FALSE });
        // A plugin may have made a failure of it.
        if completed
            && response.status.is_success()
            && let Some(value) = &rendering.cache_control
        {
            headers.insert(header::CACHE_CONTROL, value.clone());
        }
        let mut answer = Answer::new(body);
        *answer.status_mut() = response.status;
        *answer.headers_mut() = headers;
        mark(&mut answer, response.complete && response.failure.is_none());
        Ok(answer)
    }

    /// A failure.
    pub fn error(&self, error: &Error) -> Answer {
        let status = error.status().unwrap_or_else(|| self.status(error));
        let mut answer = Answer::new(Body::Empty);
        *answer.status_mut() = status;
        mark(&mut answer, false);
        if self.honest_status && error.body().is_none() {
            self.problem(error, status, &mut answer);
        } else if self.return_error_msg {
            let (body, content_type) = match error.body() {
                Some((body, content_type)) => (body.clone(), content_type.cloned()),
                None => (Bytes::from(error.to_string()), None),
            };
            *answer.body_mut() = Body::from_bytes(body);
            if let Some(content_type) = content_type {
                answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
            }
        }
        let headers = answer.headers_mut();
        headers.insert(X_KRAKEND, self.version.clone());
        headers.insert(X_KRAKEND_COMPLETED, FALSE);
        if let Some(seconds) = error.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }

    /// KrakenD answers every gateway error with 500; `router.honest_status` tells them apart (RFC 9110 15.6).
    fn status(&self, error: &Error) -> StatusCode {
        match error.kind() {
            ErrorKind::BadRequest | ErrorKind::Client => StatusCode::BAD_REQUEST,
            _ if !self.honest_status => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::Connect
            | ErrorKind::Protocol
            | ErrorKind::Status
            | ErrorKind::Decode
            | ErrorKind::TooLarge => StatusCode::BAD_GATEWAY,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Rejected | ErrorKind::Plugin | ErrorKind::Internal => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// RFC 9457 problem details. What went wrong behind the gateway is told only with `return_error_msg`.
    fn problem(&self, error: &Error, status: StatusCode, answer: &mut Answer) {
        let mut problem = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
        });
        if self.return_error_msg {
            problem["detail"] = error.to_string().into();
        }
        *answer.body_mut() = Body::from_bytes(Bytes::from(problem.to_string()));
        answer.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
    }

    /// No such path.
    pub fn not_found(&self) -> Answer {
        self.fixed(StatusCode::NOT_FOUND, &self.not_found)
    }

    /// The path with other methods.
    pub fn method_not_allowed(&self, methods: &[Method]) -> Answer {
        let mut answer = self.fixed(StatusCode::METHOD_NOT_ALLOWED, &self.method_not_allowed);
        answer.headers_mut().insert(header::ALLOW, allow(methods));
        answer
    }

    fn fixed(&self, status: StatusCode, (content_type, body): &(HeaderValue, Bytes)) -> Answer {
        let mut answer = Answer::new(Body::from_bytes(body.clone()));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type.clone());
        headers.insert(X_KRAKEND, self.version.clone());
        headers.insert(X_KRAKEND_COMPLETED, FALSE);
        answer
    }

    /// `router.auto_options`.
    pub fn options(&self, methods: &[Method]) -> Answer {
        let mut answer = Answer::new(Body::Empty);
        answer.headers_mut().insert(header::ALLOW, allow(methods));
        answer.headers_mut().insert(X_KRAKEND, self.version.clone());
        answer
    }

    /// A parameter that is still encoded once decoded (reference 3.6).
    pub fn encoded_params(&self) -> Answer {
        bad_request("error: encoded url params")
    }
}

/// To the same resource under its right path: 301 for GET, 307 for what must keep method and body.
pub fn redirect(method: &Method, path: &str, query: Option<&str>) -> Answer {
    let location = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let Ok(location) = HeaderValue::try_from(location) else {
        return bad_request("error: malformed path");
    };
    let mut answer = Answer::new(Body::Empty);
    *answer.status_mut() = if method == Method::GET {
        StatusCode::MOVED_PERMANENTLY
    } else {
        StatusCode::TEMPORARY_REDIRECT
    };
    answer.headers_mut().insert(header::LOCATION, location);
    answer
}

/// 400 with a text.
pub fn bad_request(text: &'static str) -> Answer {
    plain(StatusCode::BAD_REQUEST, text)
}

/// A status with a text, outside of any endpoint.
pub fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Answer::new(Body::from_bytes(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    if !text.is_empty() {
        answer.headers_mut().insert(header::CONTENT_TYPE, TEXT_UTF8);
    }
    answer
}

/// 200 with JSON, for built-in endpoints.
pub fn json(value: &Value) -> Answer {
    let mut answer = Answer::new(Body::from_bytes(Bytes::from(value.to_string())));
    answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
    answer
}

fn allow(methods: &[Method]) -> HeaderValue {
    let list = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(list).unwrap_or(HeaderValue::from_static(""))
}

fn mark(answer: &mut Answer, complete: bool) {
    if !complete {
        answer.extensions_mut().insert(Incomplete);
    }
}

/// The parts of an answer that a service-level step works on, and back.
pub fn into_response(answer: Answer) -> Response {
    let (parts, body) = answer.into_parts();
    let mut response = Response::from_body(parts.status, parts.headers, body);
    response.complete = parts.extensions.get::<Incomplete>().is_none();
    response
}

/// The inverse of [`into_response`].
pub fn from_response(response: Response) -> Answer {
    let ResponseParts { status, mut headers, data, .. } = response.into_parts();
    strip_hop_by_hop(&mut headers);
    let body = match data {
        Data::Body(body) => body,
        Data::Entity(_) => Body::Empty,
    };
    let mut answer = Answer::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}
