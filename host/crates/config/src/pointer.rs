//! Where a value stands in a configuration document: RFC 6901 JSON pointers.

use std::fmt::{self, Write};

/// An owned JSON pointer such as `/endpoints/3/backend/0/url_pattern`. The empty pointer is the document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pointer(Box<str>);

impl Pointer {
    /// The document itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// A pointer from its RFC 6901 text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.into())
    }

    /// The pointer's RFC 6901 text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The child under an object key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + key.len() + 1);
        text.push_str(&self.0);
        push_key(&mut text, key);
        Self(text.into())
    }

    /// The child at an array index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0).into())
    }

    /// Whether it names `other` or something inside of it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(&*other.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The unescaped segments, outermost first.
    pub fn segments(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
    }
}

fn push_key(text: &mut String, key: &str) {
    text.push('/');
    for c in key.chars() {
        match c {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            c => text.push(c),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A borrowed path while a document is read: costs nothing until a [`Pointer`] is asked for.
#[derive(Debug, Clone, Copy)]
pub enum At<'a> {
    /// The value that an owned pointer names.
    Root(&'a Pointer),
    /// A member of an object.
    Key(&'a At<'a>, &'a str),
    /// An element of an array.
    Index(&'a At<'a>, usize),
}

impl At<'_> {
    /// The owned pointer of this path.
    #[must_use]
    pub fn pointer(&self) -> Pointer {
        // Every part of a gateway knows its place, so there are many: one allocation each.
        let mut text = String::with_capacity(self.length());
        self.write(&mut text);
        Pointer(text.into())
    }

    /// Bytes of the pointer's text.
    fn length(&self) -> usize {
        match self {
            At::Root(pointer) => pointer.as_str().len(),
            At::Key(parent, key) => {
                let escaped = key.bytes().filter(|byte| matches!(byte, b'~' | b'/')).count();
                parent.length() + 1 + key.len() + escaped
            }
            At::Index(parent, index) => {
                parent.length() + 2 + index.checked_ilog10().unwrap_or(0) as usize
            }
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            At::Root(pointer) => text.push_str(pointer.as_str()),
            At::Key(parent, key) => {
                parent.write(text);
                push_key(text, key);
            }
            At::Index(parent, index) => {
                parent.write(text);
                // Writing to a string cannot fail.
                let _ = write!(text, "/{index}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_another() {
        let grants = Pointer::root().key("a").key("grants");
        for inside in [grants.clone(), grants.key("http"), grants.key("http").index(0)] {
            assert!(inside.is_within(&grants) && inside.is_within(&Pointer::root()));
        }
        for outside in [Pointer::root(), Pointer::parse("/a"), Pointer::parse("/a/grants2")] {
            assert!(!outside.is_within(&grants));
        }
    }

    #[test]
    fn escapes_and_unescapes_keys() {
        let root = Pointer::root();
        let pointer = root.key("extra_config").key("qos/a~b").index(2);
        assert_eq!(pointer.as_str(), "/extra_config/qos~1a~0b/2");
        assert_eq!(pointer.segments().collect::<Vec<_>>(), ["extra_config", "qos/a~b", "2"]);
        let (a, k);
        let at = At::Index(
            {
                a = At::Root(&root);
                k = At::Key(&a, "x/y");
                &k
            },
            1,
        );
        assert_eq!(at.pointer().as_str(), "/x~1y/1");
        for index in [0, 9, 10, 12_345] {
            let at = At::Index(&at, index);
            assert_eq!(at.length(), at.pointer().as_str().len());
        }
    }
}
