//! The gateway's own functions, and the way to and from their types. The test double has those of plugins.

use super::{Error, Request, Response};
use crate::bindings::imports::torana::plugin::http;

pub(super) fn send(request: Request) -> Result<Response, Error> {
    Ok(http::send(&request.into())?.into())
}

pub(super) fn send_all(requests: Vec<Request>) -> Vec<Result<Response, Error>> {
    let requests: Vec<http::Request> = requests.into_iter().map(Into::into).collect();
    let answers = http::send_all(&requests);
    answers.into_iter().map(|answer| Ok(answer?.into())).collect()
}

impl From<Request> for http::Request {
    fn from(Request { method, url, headers, body, timeout }: Request) -> Self {
        let timeout_ms =
            timeout.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1));
        Self { method, url, headers, body, timeout_ms }
    }
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
