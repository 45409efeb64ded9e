//! What went wrong while one request was served. Which status a client sees is decided in one place (`respond`).

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A time limit passed.
    Timeout,
    /// No connection to an upstream.
    Connect,
    /// An upstream's answer broke off or broke the protocol.
    Protocol,
    /// An upstream answered with a status that counts as a failure.
    Status,
    /// An upstream's body could not be decoded.
    Decode,
    /// Something was larger than its limit.
    TooLarge,
    /// The client's request is wrong.
    BadRequest,
    /// The client went away or its body broke off.
    Client,
    /// A component refused the request.
    Rejected,
    /// There is no host, slot or instance to use.
    Unavailable,
    /// A plugin failed.
    Plugin,
    /// A fault of the gateway itself.
    Internal,
}

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The one who asks.
    Client,
    /// This program.
    Gateway,
    /// The one who was asked.
    Upstream,
}

/// An error of the data plane. One word wide, as results travel through many frames.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    retryable: bool,
    status: Option<StatusCode>,
    body: Option<(Bytes, Option<HeaderValue>)>,
    retry_after: Option<u32>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a lower-case message that names the thing.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            retryable: false,
            status: None,
            body: None,
            retry_after: None,
            source: None,
        }))
    }

    /// Marks that nothing of the request was processed: it may be sent again.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// The status that the client gets whatever the kind says (reference 5.1, status mapping).
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The body that goes with the status where errors have bodies.
    #[must_use]
    pub fn with_body(mut self, body: Bytes, content_type: Option<HeaderValue>) -> Self {
        self.0.body = Some((body, content_type));
        self
    }

    /// Seconds after which the client may try again.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The cause below.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The message with the cause below, which is for logs and developers: clients may be shown the message.
    #[must_use]
    pub fn in_full(&self) -> String {
        match &self.0.source {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who is at fault.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self.0.kind {
            ErrorKind::BadRequest | ErrorKind::Client => Origin::Client,
            ErrorKind::Connect | ErrorKind::Protocol | ErrorKind::Status | ErrorKind::Decode => {
                Origin::Upstream
            }
            ErrorKind::Timeout
            | ErrorKind::TooLarge
            | ErrorKind::Rejected
            | ErrorKind::Unavailable
            | ErrorKind::Plugin
            | ErrorKind::Internal => Origin::Gateway,
        }
    }

    /// Whether the request may be sent again without harm.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// See [`Error::with_status`].
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// See [`Error::with_body`].
    #[must_use]
    pub fn body(&self) -> Option<(&Bytes, Option<&HeaderValue>)> {
        self.0.body.as_ref().map(|(body, content_type)| (body, content_type.as_ref()))
    }

    /// See [`Error::with_retry_after`].
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("status", &self.0.status)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
