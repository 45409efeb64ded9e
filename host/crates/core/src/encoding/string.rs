//! `string`: plain text under the key `content`.

use bytes::Bytes;
use http::HeaderValue;

use super::{CONTENT, Decoder, Encoder};
use crate::{
    Error,
    entity::{Object, Tree, Value},
};

/// Plain text. Bytes that are not UTF-8 become U+FFFD, as JSON has no place for them.
pub(super) struct Text;

impl Decoder for Text {
    fn decode(&self, body: Bytes, _: bool) -> Result<Option<Object>, Error> {
        let mut object = Object::new();
        object.insert(CONTENT, String::from_utf8_lossy(&body).into_owned());
        Ok(Some(object))
    }
}

impl Encoder for Text {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/plain; charset=utf-8")
    }

    fn encode(&self, data: Option<&Object>) -> Result<Bytes, Error> {
        let content = match data.and_then(|object| object.get(CONTENT)) {
            Some(Value::Raw(raw)) => raw.to_tree()?,
            Some(Value::Tree(tree)) => tree.clone(),
            Some(Value::Object(_)) | None => Tree::Null,
        };
        Ok(match content {
            Tree::String(text) => text.into(),
            _ => Bytes::new(),
        })
    }
}
