//! The request or response that the running hook is about. The types hold nothing: each function asks the gateway.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, Result,
    gateway::{data, exchange},
};

/// A request, in `on_request`, `on_backend_request` and `handle`. Headers and body: see [`Message`].
#[derive(Debug)]
pub struct Request(Message);

/// A response, in `on_backend_response` and `on_response`. Headers and body: see [`Message`].
#[derive(Debug)]
pub struct Response(Message);

/// What requests and responses have in common.
#[derive(Debug)]
pub struct Message(());

impl Message {
    /// Number of the request in its process, as in the gateway's log.
    #[must_use]
    pub fn request_id(&self) -> u64 {
        exchange::request_id()
    }

    /// Who asks: the peer's address, or what a trusted forwarding header names.
    #[must_use]
    pub fn client_ip(&self) -> String {
        exchange::client_ip()
    }

    /// The endpoint as configured, such as `/users/{id}`; none before routing.
    #[must_use]
    pub fn route(&self) -> Option<String> {
        exchange::route()
    }

    /// The first header field with that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        exchange::get_header(name)
    }

    /// All header fields with that name, in order.
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<String> {
        exchange::get_header_all(name)
    }

    /// Names of header fields that occur, each once, in lower case.
    #[must_use]
    pub fn header_names(&self) -> Vec<String> {
        exchange::header_names()
    }

    /// Replaces all header fields with that name.
    ///
    /// # Errors
    /// Names and values that are not valid in HTTP, and fields about the connection and framing.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        exchange::set_header(name, value).map_err(Error::from)
    }

    /// Adds a header field beside those with that name.
    ///
    /// # Errors
    /// As [`Message::set_header`].
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<()> {
        exchange::add_header(name, value).map_err(Error::from)
    }

    /// Removes all header fields with that name.
    ///
    /// # Errors
    /// As [`Message::set_header`].
    pub fn remove_header(&mut self, name: &str) -> Result<()> {
        exchange::remove_header(name).map_err(Error::from)
    }

    /// The body, if it is there as a whole: always when the plugin's `limits.body` is configured, otherwise
    /// where the gateway has collected it for itself, as for an endpoint with several backends; none for a body that
    /// streams, and for a response that is decoded data.
    #[must_use]
    pub fn body(&self) -> Option<Vec<u8>> {
        exchange::body()
    }

    /// Replaces the body, read or not.
    ///
    /// # Errors
    /// The response is decoded data.
    pub fn set_body(&mut self, body: &[u8]) -> Result<()> {
        exchange::set_body(body).map_err(Error::from)
    }
}

impl Request {
    /// The request of the running hook.
    #[doc(hidden)]
    #[must_use]
    pub fn current() -> Self {
        Self(Message(()))
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> String {
        exchange::method()
    }

    /// Replaces the method.
    ///
    /// # Errors
    /// It is not an HTTP token.
    pub fn set_method(&mut self, method: &str) -> Result<()> {
        exchange::set_method(method).map_err(Error::from)
    }

    /// The path as it is on the wire, percent-encoded, with its leading slash.
    #[must_use]
    pub fn path(&self) -> String {
        exchange::path()
    }

    /// Replaces the path. Before routing this changes the route.
    ///
    /// # Errors
    /// It is not a path: it lacks the leading slash, or has bytes that must be percent-encoded.
    pub fn set_path(&mut self, path: &str) -> Result<()> {
        exchange::set_path(path).map_err(Error::from)
    }

    /// The query as it is on the wire, without `?`; empty for none.
    #[must_use]
    pub fn query(&self) -> String {
        exchange::query()
    }

    /// Replaces the query.
    ///
    /// # Errors
    /// It has bytes that must be percent-encoded.
    pub fn set_query(&mut self, query: &str) -> Result<()> {
        exchange::set_query(query).map_err(Error::from)
    }

    /// A path parameter of the endpoint, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        exchange::param(name)
    }
}

impl Response {
    /// The response of the running hook.
    #[doc(hidden)]
    #[must_use]
    pub fn current() -> Self {
        Self(Message(()))
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        exchange::status()
    }

    /// Replaces the status.
    ///
    /// # Errors
    /// It is not between 200 and 599.
    pub fn set_status(&mut self, status: u16) -> Result<()> {
        exchange::set_status(status).map_err(Error::from)
    }

    /// Whether every part is there and whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        exchange::complete()
    }

    /// The value at a JSON Pointer (RFC 6901) of the decoded data; none if there is no such place or no decoded data.
    ///
    /// # Errors
    /// The value is not a `T`.
    pub fn data<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>> {
        data::get(pointer).map(|json| Ok(serde_json::from_str(&json)?)).transpose()
    }

    /// Puts a value at a JSON Pointer of the decoded data.
    ///
    /// # Errors
    /// The parent does not exist, or there is no decoded data.
    pub fn set_data(&mut self, pointer: &str, value: &impl Serialize) -> Result<()> {
        data::set(pointer, &serde_json::to_string(value)?).map_err(Error::from)
    }

    /// Removes the value at a JSON Pointer of the decoded data; says whether there was one.
    ///
    /// # Errors
    /// There is no decoded data.
    pub fn remove_data(&mut self, pointer: &str) -> Result<bool> {
        data::remove(pointer).map_err(Error::from)
    }

    /// The values in the decoded data that a JSONPath (RFC 9535) finds, such as `$.users[*].email`, in the order of the
    /// document; none if there is no decoded data.
    ///
    /// # Errors
    /// The path is not valid or finds more than 10,000 values, or a value is not a `T`.
    pub fn query_data<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<Found<T>>> {
        let found = data::query(path)?;
        let read = |found: data::Match| {
            Ok(Found { value: serde_json::from_str(&found.json)?, pointer: found.pointer })
        };
        found.into_iter().map(read).collect()
    }

    /// Puts the same value at every place in the decoded data that a JSONPath finds; says how many there were. `$` itself
    /// cannot be replaced so.
    ///
    /// # Errors
    /// The path is not valid or finds more than 10,000 values, or there is no decoded data.
    pub fn replace_data(&mut self, path: &str, value: &impl Serialize) -> Result<u32> {
        data::replace(path, &serde_json::to_string(value)?).map_err(Error::from)
    }
}

/// A value that [`Response::query_data`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The JSON Pointer of its place.
    pub pointer: String,
    /// The value.
    pub value: T,
}

macro_rules! is_a_message {
    ($($ty:ty),*) => {$(
        impl Deref for $ty {
            type Target = Message;
            fn deref(&self) -> &Message {
                &self.0
            }
        }
        impl DerefMut for $ty {
            fn deref_mut(&mut self) -> &mut Message {
                &mut self.0
            }
        }
    )*};
}
is_a_message!(Request, Response);
