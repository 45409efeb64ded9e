//! Bytes to data and back: one file for each encoding, and the tables that choose one.

mod collection;
mod json;
mod negotiate;
mod rss;
mod safejson;
mod string;
mod xml;
mod yaml;

use bytes::Bytes;
use http::HeaderValue;
use torana_config::valid::{Encoding, OutputEncoding};

use crate::{Error, entity::Object};

/// Reads the body of a backend's answer (reference 5.2).
pub trait Decoder: Send + Sync {
    /// The data in `body`; `None` for `null`. With `is_collection` the body is a list, found under the key
    /// `collection` afterwards.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if the body is not what the encoding says.
    fn decode(&self, body: Bytes, is_collection: bool) -> Result<Option<Object>, Error>;
}

/// Writes the data of a response (reference 6.1).
pub trait Encoder: Send + Sync {
    /// The media type of what [`Encoder::encode`] writes.
    fn content_type(&self) -> HeaderValue;

    /// Writes data; `None` is `null`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if raw data cannot be read; cannot happen for data that was
    /// checked.
    fn encode(&self, data: Option<&Object>) -> Result<Bytes, Error>;

    /// The body when there is no response at all.
    fn no_response(&self) -> Bytes {
        Bytes::new()
    }
}

/// Key under which a list is found.
pub const COLLECTION: &str = "collection";

/// Key under which a text or scalar is found.
pub const CONTENT: &str = "content";

/// The decoder of an encoding.
#[must_use]
pub fn decoder(encoding: Encoding) -> &'static dyn Decoder {
    match encoding {
        Encoding::Json | Encoding::FastJson => &json::Json,
        Encoding::SafeJson => &safejson::SafeJson,
        Encoding::Xml => &xml::Xml,
        Encoding::Rss => &rss::Rss,
        Encoding::Yaml => &yaml::Yaml,
        Encoding::String => &string::Text,
        Encoding::NoOp => &Undecoded,
    }
}

/// The encoder of an output encoding. `accept` is the client's `Accept` field, for `negotiate`. With `no-op` there is
/// data only if a component made it: that is written as JSON.
#[must_use]
pub fn encoder(output: OutputEncoding, accept: Option<&str>) -> &'static dyn Encoder {
    match output {
        OutputEncoding::Json | OutputEncoding::FastJson | OutputEncoding::NoOp => &json::Json,
        OutputEncoding::JsonCollection => &collection::Collection,
        OutputEncoding::Xml => &xml::Xml,
        OutputEncoding::Yaml => &yaml::Yaml,
        OutputEncoding::String => &string::Text,
        OutputEncoding::Negotiate => negotiate::encoder(accept.unwrap_or_default()),
    }
}

/// `no-op`: the body is not looked at.
struct Undecoded;

impl Decoder for Undecoded {
    fn decode(&self, _: Bytes, _: bool) -> Result<Option<Object>, Error> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
