//! `safejson`: JSON of any shape.

use bytes::Bytes;

use super::{
    COLLECTION, CONTENT, Decoder,
    json::{first_byte, wrap},
};
use crate::{Error, entity::Object};

/// Objects as they are, lists under `collection`, scalars under `content`; `is_collection` does not matter.
pub(super) struct SafeJson;

impl Decoder for SafeJson {
    fn decode(&self, body: Bytes, _: bool) -> Result<Option<Object>, Error> {
        match first_byte(&body) {
            Some(b'{') => Object::parse(&body).map(Some),
            Some(b'[') => wrap(COLLECTION, &body).map(Some),
            _ => wrap(CONTENT, &body).map(Some),
        }
    }
}
