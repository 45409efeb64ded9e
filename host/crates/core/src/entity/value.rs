//! Values of an object's members.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{
    Object, decode_error,
    scan::{Fault, Scanner, Spans},
    text::Text,
};
use crate::{Error, ErrorKind};

/// A JSON tree. Numbers keep their text.
pub use serde_json::Value as Tree;
/// The members of a [`Tree`] object, sorted by key.
pub type Map = serde_json::Map<String, Tree>;

/// A value: as it arrived, taken apart one level, or as a tree.
#[derive(Clone)]
pub enum Value {
    /// JSON text as it arrived.
    Raw(Raw),
    /// An object whose members are values of any kind.
    Object(Object),
    /// A tree.
    Tree(Tree),
}

/// JSON text that was checked: one value, valid UTF-8, no white space around it.
#[derive(Clone)]
pub struct Raw(Text);

impl Raw {
    /// Checks that `text` is one JSON value, with white space around it at most.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] for anything else, also for nesting deeper than 126 levels.
    pub fn parse(text: &Bytes) -> Result<Self, Error> {
        Self::scan(text, |scanner| match scanner.peek() {
            None => Ok(()),
            Some(_) => Err(scanner.fault("unexpected text behind the value")),
        })
    }

    /// As [`Raw::parse`], with any text behind the value.
    ///
    /// # Errors
    /// As [`Raw::parse`].
    pub fn parse_prefix(text: &Bytes) -> Result<Self, Error> {
        Self::scan(text, |_| Ok(()))
    }

    fn scan(
        text: &Bytes,
        end: impl FnOnce(&mut Scanner<'_>) -> Result<(), Fault>,
    ) -> Result<Self, Error> {
        let (text, range) = super::check(text, |scanner| {
            scanner.peek();
            let start = scanner.position();
            // Depth 1, as the value becomes a member of an object.
            scanner.value(1)?;
            let range = start..scanner.position();
            end(scanner)?;
            Ok(range)
        })?;
        Ok(Self(Text::slice(&text, range)))
    }

    pub(super) fn new(text: Text) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Takes an object apart, one level deep; `keep` chooses members by their unescaped key. `None` if this is no
    /// object.
    #[must_use]
    pub fn members(&self, keep: impl FnMut(&str) -> bool) -> Option<Object> {
        if self.as_bytes().first() != Some(&b'{') {
            return None;
        }
        let mut spans = Spans::new();
        // The text was checked before, so this finds what it found then.
        Scanner::new(self.as_bytes()).members(0, &mut spans).ok()?;
        Some(Object::from_spans(&self.0, spans, keep))
    }

    /// The text of a member's value; the last one of equal keys. `None` if this is no object or has no such member.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<Self> {
        self.members(|name| name == key)?.remove(key).and_then(|value| match value {
            Value::Raw(raw) => Some(raw),
            _ => None,
        })
    }

    /// The tree of this text.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`]; cannot happen for text that was checked.
    pub fn to_tree(&self) -> Result<Tree, Error> {
        serde_json::from_slice(self.as_bytes())
            .map_err(|error| decode_error("invalid JSON").with_source(error))
    }
}

impl Value {
    /// The value as a tree.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`]; cannot happen for values that were checked.
    pub fn into_tree(self) -> Result<Tree, Error> {
        match self {
            Self::Raw(raw) => raw.to_tree(),
            Self::Object(object) => object.into_tree().map(Tree::Object),
            Self::Tree(tree) => Ok(tree),
        }
    }

    /// The value as an object with its members as they are; `Err` gives back what is no object.
    ///
    /// # Errors
    /// The value itself, when it is not an object.
    pub fn into_object(self) -> Result<Object, Self> {
        match self {
            Self::Object(object) => Ok(object),
            Self::Tree(Tree::Object(map)) => Ok(Object::from_tree(map)),
            Self::Raw(raw) => raw.members(|_| true).ok_or(Self::Raw(raw)),
            other => Err(other),
        }
    }

    /// Whether this is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        match self {
            Self::Raw(raw) => raw.as_bytes().first() == Some(&b'{'),
            Self::Object(_) => true,
            Self::Tree(tree) => tree.is_object(),
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match self {
            Self::Raw(raw) => raw.as_bytes() == b"null",
            Self::Object(_) => false,
            Self::Tree(tree) => tree.is_null(),
        }
    }

    /// Writes the value as JSON.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
            Self::Object(object) => object.write(out),
            Self::Tree(tree) => write_tree(tree, out),
        }
    }

    /// How many bytes [`Value::write`] will write, roughly for trees.
    pub(super) fn size_hint(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.as_bytes().len(),
            Self::Object(object) => object.size_hint(),
            Self::Tree(_) => 64,
        }
    }
}

/// Writes a tree as JSON, without white space.
fn write_tree(tree: &Tree, out: &mut BytesMut) {
    struct Sink<'a>(&'a mut BytesMut);
    impl std::io::Write for Sink<'_> {
        fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
            self.0.extend_from_slice(data);
            Ok(data.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Sink(out), tree).expect("a tree has text keys and the sink never fails");
}

/// Writes a key as a JSON string.
pub(super) fn write_key(key: &Text, out: &mut BytesMut) {
    let bytes = key.as_bytes();
    if bytes.iter().any(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
        write_tree(&Tree::from(key.as_str()), out);
    } else {
        out.extend_from_slice(b"\"");
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\"");
    }
}

impl From<Tree> for Value {
    fn from(tree: Tree) -> Self {
        Self::Tree(tree)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Raw> for Value {
    fn from(raw: Raw) -> Self {
        Self::Raw(raw)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Tree(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Tree(text.into())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = BytesMut::new();
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of [`ErrorKind::Decode`] at a byte.
impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::new(ErrorKind::Decode, format!("invalid JSON at byte {}: {}", fault.at, fault.what))
    }
}
