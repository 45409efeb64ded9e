//! `xml`: documents as objects and back, with the conventions of KrakenD's `mxj` (reference 5.2 and 6.1): attributes
//! are keys with `-` in front, text beside attributes or children is `#text`, repeated elements are a list.

mod charset;
pub(super) mod element;
mod writer;

use bytes::Bytes;
use http::HeaderValue;

use self::element::{Element, Node};
pub(super) use self::writer::text as escape;
use super::{COLLECTION, Decoder, Encoder};
use crate::{
    Error,
    entity::{Map, Object, Tree},
};

/// XML documents.
pub(super) struct Xml;

/// Key of an element's text beside its attributes or children.
const TEXT: &str = "#text";

/// In front of an attribute's name.
const ATTRIBUTE: char = '-';

impl Decoder for Xml {
    fn decode(&self, body: Bytes, is_collection: bool) -> Result<Option<Object>, Error> {
        let root = element::read(&body)?;
        let mut map = Map::new();
        map.insert(root.name.clone(), value(root));
        let mut object = Object::from_tree(map);
        if is_collection {
            let mut outer = Object::new();
            outer.insert(COLLECTION, object);
            object = outer;
        }
        Ok(Some(object))
    }
}

impl Encoder for Xml {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/xml")
    }

    fn encode(&self, data: Option<&Object>) -> Result<Bytes, Error> {
        let map = data.cloned().unwrap_or_default().into_tree()?;
        Ok(writer::document(&map).into())
    }
}

/// The value that an element stands for. All leaves are strings; an empty element is `""`.
fn value(element: Element) -> Tree {
    let mut map = Map::new();
    for attribute in element.attributes {
        map.insert(format!("{ATTRIBUTE}{}", attribute.name), attribute.value.into());
    }
    let mut text = None;
    for node in element.nodes {
        match node {
            // Of several texts between children the last one counts, as in mxj.
            Node::Text(piece) => {
                let piece = piece.trim_matches(['\t', '\r', '\n', ' ', '\u{8}']);
                if !piece.is_empty() {
                    text = Some(piece.to_owned());
                }
            }
            Node::Element(child) => add(&mut map, child.name.clone(), value(child)),
        }
    }
    match text {
        Some(text) if map.is_empty() => text.into(),
        Some(text) => {
            map.insert(TEXT.to_owned(), text.into());
            Tree::Object(map)
        }
        None if map.is_empty() => "".into(),
        None => Tree::Object(map),
    }
}

/// Adds a child; a name that comes again makes a list. A child's value is never a list itself.
fn add(map: &mut Map, name: String, value: Tree) {
    match map.get_mut(&name) {
        None => {
            map.insert(name, value);
        }
        Some(Tree::Array(items)) => items.push(value),
        Some(first) => *first = Tree::Array(vec![first.take(), value]),
    }
}

#[cfg(test)]
mod tests;
