//! `torana:plugin/http`: the test answers.

pub(crate) use crate::bindings::imports::torana::plugin::http::{Error, Request, Response};

use std::time::Duration;

use crate::{
    header, http,
    test::state::{Exchange, Service, State, with},
};

/// The longest time for an exchange, in milliseconds.
const TIMEOUT_MS: u32 = 30_000;
/// Calls of one hook, without `limits.calls`.
const CALLS: usize = 16;

pub(crate) fn send(request: &Request) -> Result<Response, Error> {
    let request = check(request)?;
    // The service may look at the gateway: it leaves the state for the time of its answer.
    let (index, prefix, mut service) = with(|state| begin(state, &request))?;
    let answer = service(&request);
    with(|state| state.services.insert(index, (prefix, service)));
    answer.map(Into::into).map_err(Into::into)
}

pub(crate) fn send_all(requests: &[Request]) -> Vec<Result<Response, Error>> {
    requests.iter().map(send).collect()
}

fn begin(state: &mut State, request: &http::Request) -> Result<(usize, String, Service), Error> {
    assert!(!matches!(state.exchange, Exchange::Idle), "there is no exchange in `Plugin::new`");
    let taken = take(state, &request.url);
    let taken = taken.ok_or_else(|| Error::Denied(origin(&request.url).to_owned()))?;
    if state.calls_in_hook >= CALLS {
        state.services.insert(taken.0, (taken.1, taken.2));
        return Err(Error::TooMany);
    }
    state.calls_in_hook += 1;
    state.calls.push(request.clone());
    Ok(taken)
}

fn take(state: &mut State, url: &str) -> Option<(usize, String, Service)> {
    let index = state.services.iter().rposition(|(prefix, _)| url.starts_with(prefix.as_str()))?;
    let (prefix, service) = state.services.remove(index);
    Some((index, prefix, service))
}

fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    url[authority..].find(['/', '?', '#']).map_or(url, |end| &url[..authority + end])
}

fn check(request: &Request) -> Result<http::Request, Error> {
    let Request { method, url, headers, body, timeout_ms } = request.clone();
    let invalid = |reason: String| Err(Error::Invalid(reason));
    if method.is_empty() || !method.bytes().all(header::is_token) || method == "CONNECT" {
        return invalid(format!("`{method}` is not a method"));
    }
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return invalid(format!("`{url}` is not an absolute URL"));
    }
    for (name, value) in &headers {
        header::check(name, value).map_err(|error| Error::Invalid(error.to_string()))?;
    }
    let timeout = timeout_ms.map(|time| Duration::from_millis(time.min(TIMEOUT_MS).into()));
    Ok(http::Request { method, url, headers, body, timeout })
}

impl From<http::Response> for Response {
    fn from(http::Response { status, headers, body }: http::Response) -> Self {
        Self { status, headers, body }
    }
}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        match error {
            http::Error::Denied(origin) => Self::Denied(origin),
            http::Error::Invalid(reason) => Self::Invalid(reason),
            http::Error::TooMany => Self::TooMany,
            http::Error::Timeout => Self::Timeout,
            http::Error::TooLarge => Self::TooLarge,
            http::Error::Failed(reason) => Self::Failed(reason),
        }
    }
}
