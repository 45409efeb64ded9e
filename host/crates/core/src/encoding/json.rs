//! `json` (and `fast-json`): the body stays as it is, checked in one pass.

use bytes::Bytes;
use http::HeaderValue;

use super::{COLLECTION, Decoder, Encoder};
use crate::{
    Error, ErrorKind,
    entity::{Object, Raw},
};

/// JSON objects, or lists where the configuration says so.
pub(super) struct Json;

impl Decoder for Json {
    fn decode(&self, body: Bytes, is_collection: bool) -> Result<Option<Object>, Error> {
        match (first_byte(&body), is_collection) {
            (Some(b'{'), false) => Object::parse(&body).map(Some),
            (Some(b'['), true) => wrap(COLLECTION, &body).map(Some),
            (Some(b'n'), _) => Raw::parse_prefix(&body).map(|_| None),
            (Some(b'['), false) => Err(mismatch("a JSON array where an object is expected")),
            (Some(b'{'), true) => Err(mismatch("a JSON object where an array is expected")),
            (None, _) => Err(mismatch("an empty body where JSON is expected")),
            (Some(_), _) => match Raw::parse_prefix(&body) {
                Ok(_) => Err(mismatch("a JSON scalar where an object or array is expected")),
                Err(error) => Err(error),
            },
        }
    }
}

impl Encoder for Json {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/json; charset=utf-8")
    }

    fn encode(&self, data: Option<&Object>) -> Result<Bytes, Error> {
        Ok(data.map_or(Bytes::from_static(b"null"), Object::to_bytes))
    }

    fn no_response(&self) -> Bytes {
        Bytes::from_static(b"{}")
    }
}

/// The first byte that is not JSON's white space.
pub(super) fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// An object with the JSON value at the start of `body` as its only member.
pub(super) fn wrap(key: &str, body: &Bytes) -> Result<Object, Error> {
    let mut object = Object::new();
    object.insert(key, Raw::parse_prefix(body)?);
    Ok(object)
}

fn mismatch(found: &'static str) -> Error {
    Error::new(ErrorKind::Decode, found)
}
