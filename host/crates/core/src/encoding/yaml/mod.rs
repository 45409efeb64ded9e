//! `yaml`: documents as objects and back.

mod reader;
mod scalar;
mod writer;

use bytes::Bytes;
use http::HeaderValue;

use super::{COLLECTION, Decoder, Encoder};
use crate::{
    Error, ErrorKind,
    entity::{Object, Tree},
};

/// YAML documents.
pub(super) struct Yaml;

impl Decoder for Yaml {
    fn decode(&self, body: Bytes, is_collection: bool) -> Result<Option<Object>, Error> {
        match (reader::read(&body)?, is_collection) {
            (Tree::Object(map), false) => Ok(Some(Object::from_tree(map))),
            (list @ Tree::Array(_), true) => {
                let mut object = Object::new();
                object.insert(COLLECTION, list);
                Ok(Some(object))
            }
            (Tree::Null, _) => Ok(None),
            (_, true) => Err(mismatch("a YAML document that is not the expected sequence")),
            (_, false) => Err(mismatch("a YAML document that is not the expected mapping")),
        }
    }
}

impl Encoder for Yaml {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/yaml; charset=utf-8")
    }

    fn encode(&self, data: Option<&Object>) -> Result<Bytes, Error> {
        let tree = match data {
            Some(object) => Tree::Object(object.clone().into_tree()?),
            None => Tree::Null,
        };
        Ok(writer::document(&tree).into())
    }

    fn no_response(&self) -> Bytes {
        Bytes::from_static(b"{}\n")
    }
}

fn mismatch(found: &'static str) -> Error {
    Error::new(ErrorKind::Decode, found)
}

#[cfg(test)]
mod tests;
