//! `torana:plugin/http`: the test answers.

use std::time::Duration;

use crate::{
    header,
    http::{Error, Request, Response},
    test::state::{Exchange, Service, State, with},
};

/// The longest time for an exchange.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Calls of one hook, without `limits.calls`.
const CALLS: usize = 16;

pub(crate) fn send(request: Request) -> Result<Response, Error> {
    let request = check(request)?;
    // The service may look at the gateway: it leaves the state for the time of its answer.
    let (index, prefix, mut service) = with(|state| begin(state, &request))?;
    let answer = service(&request);
    with(|state| state.services.insert(index, (prefix, service)));
    answer
}

pub(crate) fn send_all(requests: Vec<Request>) -> Vec<Result<Response, Error>> {
    requests.into_iter().map(send).collect()
}

fn begin(state: &mut State, request: &Request) -> Result<(usize, String, Service), Error> {
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

fn check(request: Request) -> Result<Request, Error> {
    let Request { method, url, headers, .. } = &request;
    let invalid = |reason: String| Err(Error::Invalid(reason));
    if method.is_empty() || !method.bytes().all(header::is_token) || method == "CONNECT" {
        return invalid(format!("`{method}` is not a method"));
    }
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return invalid(format!("`{url}` is not an absolute URL"));
    }
    for (name, value) in headers {
        header::check(name, value).map_err(|error| Error::Invalid(error.to_string()))?;
    }
    let timeout = request.timeout.map(|time| time.min(TIMEOUT));
    Ok(Request { timeout, ..request })
}
