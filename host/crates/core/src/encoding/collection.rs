//! `json-collection`: a bare list.

use bytes::{Bytes, BytesMut};
use http::HeaderValue;

use super::{COLLECTION, Encoder, json::Json};
use crate::{Error, entity::Object};

/// The value of the key `collection`, or an empty list.
pub(super) struct Collection;

impl Encoder for Collection {
    fn content_type(&self) -> HeaderValue {
        Json.content_type()
    }

    fn encode(&self, data: Option<&Object>) -> Result<Bytes, Error> {
        let Some(collection) = data.and_then(|object| object.get(COLLECTION)) else {
            return Ok(self.no_response());
        };
        let mut out = BytesMut::new();
        collection.write(&mut out);
        Ok(out.freeze())
    }

    fn no_response(&self) -> Bytes {
        Bytes::from_static(b"[]")
    }
}
