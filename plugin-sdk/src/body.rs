//! Bodies that stream past.

use crate::{Message, Request};

/// A part of a body, in `on_request_body` and `on_response_body`. How a body is cut into chunks is the network's doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes; the last chunk may have none.
    pub bytes: Vec<u8>,
    /// Whether the body ends here.
    pub last: bool,
}

impl Chunk {
    /// Number of the request that the body belongs to, as in the gateway's log. One instance sees all chunks of a body;
    /// another number in the next call means that the body before it ended early.
    #[must_use]
    pub fn request_id(&self) -> u64 {
        message().request_id()
    }

    /// Who asks: the peer's address, or what a trusted forwarding header names.
    #[must_use]
    pub fn client_ip(&self) -> String {
        message().client_ip()
    }

    /// The endpoint as configured, such as `/users/{id}`; none before routing.
    #[must_use]
    pub fn route(&self) -> Option<String> {
        message().route()
    }
}

fn message() -> impl std::ops::Deref<Target = Message> {
    Request::current()
}
