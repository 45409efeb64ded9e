//! XML text as a tree of elements. Document types and entities of one's own are not expanded, so a small document
//! stays small; depth and counts have limits.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
};

use super::charset;
use crate::{Error, ErrorKind};

/// Deepest nesting of elements, as for JSON.
const MAX_DEPTH: usize = 127;

/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 256;

/// Most elements, attributes and texts of one document together: they cost far more memory than the four bytes that
/// an element takes at least.
const MAX_PARTS: usize = 250_000;

/// An element.
#[derive(Debug, Default)]
pub(in crate::encoding) struct Element {
    /// Namespace prefix as written.
    pub(in crate::encoding) prefix: String,
    /// Name without prefix.
    pub(in crate::encoding) name: String,
    pub(in crate::encoding) attributes: Vec<Attribute>,
    pub(in crate::encoding) nodes: Vec<Node>,
}

/// An attribute.
#[derive(Debug)]
pub(in crate::encoding) struct Attribute {
    /// Name without prefix.
    pub(in crate::encoding) name: String,
    pub(in crate::encoding) value: String,
}

/// What stands in an element.
#[derive(Debug)]
pub(in crate::encoding) enum Node {
    Element(Element),
    Text(String),
}

/// Reads the first element of a document; what follows it is ignored.
pub(in crate::encoding) fn read(body: &[u8]) -> Result<Element, Error> {
    let text = charset::text(body)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut parts = 0;
    loop {
        let event = reader.read_event().map_err(|error| invalid(&error))?;
        match event {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(limit("XML is nested too deeply"));
                }
                let element = element(&start)?;
                count(&mut parts, 1 + element.attributes.len())?;
                open.push(element);
            }
            Event::End(_) => {
                // The reader checks that ends match starts.
                let Some(element) = open.pop() else {
                    return Err(limit("unexpected end of element"));
                };
                match open.last_mut() {
                    Some(parent) => parent.nodes.push(Node::Element(element)),
                    None => return Ok(element),
                }
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content(), &mut parts)?,
            Event::CData(data) => add_text(&mut open, &data.xml10_content(), &mut parts)?,
            Event::GeneralRef(reference) => {
                let mut buffer = [0; 4];
                add_text(&mut open, resolve(&reference)?.encode_utf8(&mut buffer), &mut parts)?;
            }
            Event::Eof => return Err(limit("XML ends before its root element does")),
            Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::Comment(_)
            | Event::Empty(_) => {}
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Error> {
    let name = start.name();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| invalid(&error.into()))?;
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(limit("too many attributes on one XML element"));
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| invalid(&error))?
            .into_owned();
        let name = attribute.key.local_name().as_ref().to_owned();
        attributes.push(Attribute { name, value });
    }
    Ok(Element {
        prefix: name.prefix().map(|prefix| prefix.as_ref().to_owned()).unwrap_or_default(),
        name: name.local_name().as_ref().to_owned(),
        attributes,
        nodes: Vec::new(),
    })
}

/// Adds text to the innermost element, joined with text right before it. Text outside of the root is ignored.
fn add_text(open: &mut [Element], text: &str, parts: &mut usize) -> Result<(), Error> {
    let Some(element) = open.last_mut() else { return Ok(()) };
    if let Some(Node::Text(before)) = element.nodes.last_mut() {
        before.push_str(text);
        return Ok(());
    }
    count(parts, 1)?;
    element.nodes.push(Node::Text(text.to_owned()));
    Ok(())
}

/// The character of a reference. Only XML's own five entities are known.
fn resolve(reference: &BytesRef<'_>) -> Result<char, Error> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| invalid(&error))? {
        return Ok(character);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        name => Err(Error::new(ErrorKind::Decode, format!("unknown entity {name:?} in XML"))),
    }
}

fn count(parts: &mut usize, more: usize) -> Result<(), Error> {
    *parts += more;
    if *parts > MAX_PARTS { Err(limit("XML has too many elements")) } else { Ok(()) }
}

fn limit(message: &'static str) -> Error {
    Error::new(ErrorKind::Decode, message)
}

fn invalid(error: &quick_xml::Error) -> Error {
    Error::new(ErrorKind::Decode, format!("invalid XML: {error}"))
}
