//! Requests to other services, through the gateway's own client: connection pools, TLS and forward proxies are those of
//! its configuration. Needs the origin in the grant `http`. Waiting does not count to the plugin's time limit.
//!
//! ```
//! use torana_plugin::{Action, Answer, Plugin, Request, Result, http, test};
//!
//! /// Asks another service whether a token is good.
//! struct Introspect;
//!
//! impl Plugin for Introspect {
//!     type Config = ();
//!
//!     fn new((): ()) -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Result<Action> {
//!         let token = request.header("authorization").unwrap_or_default();
//!         let checked = http::Request::get("http://auth.internal/check")
//!             .header("authorization", token)
//!             .send()?;
//!         Ok(if checked.status == 200 { Action::Continue } else { Answer::new(401).into() })
//!     }
//! }
//!
//! let gateway = test::Gateway::new()
//!     .with_http("http://auth.internal/check", |_| Ok(http::Response::new(403)));
//! let plugin = gateway.start::<Introspect>("null")?;
//! let mut request = test::Request::get("/").with_header("authorization", "Bearer x");
//! assert_eq!(plugin.on_request(&mut request), Ok(Answer::new(401).into()));
//! assert_eq!(gateway.calls()[0].headers, [("authorization".to_owned(), "Bearer x".to_owned())]);
//! # Ok::<(), torana_plugin::Error>(())
//! ```

use std::{fmt, time::Duration};

use serde::de::DeserializeOwned;

#[cfg(not(target_arch = "wasm32"))]
use crate::test::host::http as gateway;

#[cfg(target_arch = "wasm32")]
mod gateway;

/// A request to another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The absolute URL: `https://auth.internal/check?x=1`.
    pub url: String,
    /// Header fields, in order. Framing fields are the gateway's and refused.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Time for the whole exchange, in whole milliseconds; 1 s without, at most 30 s.
    pub timeout: Option<Duration>,
}

/// What another service answered. Redirects are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The URL's origin is not granted.
    Denied(String),
    /// The request is not valid.
    Invalid(String),
    /// The plugin's number of calls for one hook is used up.
    TooMany,
    /// The answer did not come in time.
    Timeout,
    /// The answer is larger than the plugin's limit.
    TooLarge,
    /// There was no answer.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(origin) => write!(f, "`{origin}` is not granted"),
            Self::Invalid(reason) => write!(f, "the request is not valid: {reason}"),
            Self::TooMany => f.write_str("too many requests in one hook"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Failed(reason) => write!(f, "no answer: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::new(format!("http: {error}"))
    }
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
        }
    }

    /// A GET request.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A POST request.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Sets the time for the whole exchange: 1 s without, at most 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and waits for the answer.
    ///
    /// # Errors
    /// There is no answer. A status that means a failure is an answer.
    pub fn send(self) -> Result<Response, Error> {
        gateway::send(self)
    }
}

crate::parts::builders!(Request);

/// Sends requests at the same time and waits for all answers, which come in the order of the requests.
#[must_use]
pub fn send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, Error>> {
    gateway::send_all(requests.into_iter().collect())
}

impl Response {
    /// An answer without headers or body, for tests.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The first header field with that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        fields.next().map(|(_, value)| value.as_str())
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// It is not JSON, or not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> crate::Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
