//! A piece of UTF-8 text: a copy in place when it is short, else a slice of the body that it came with.

use std::ops::Range;

use bytes::Bytes;

/// What fits beside the discriminant in the space that a [`Bytes`] takes anyway.
const INLINE: usize = 23;

/// Text. Short text is copied in place: cheaper than a reference count up and down again.
#[derive(Clone)]
pub(super) enum Text {
    /// At most [`INLINE`] bytes.
    Inline { len: u8, bytes: [u8; INLINE] },
    /// A slice of a body, or text made here.
    Shared(Bytes),
}

impl Text {
    /// The text at `range` of `body`, which is UTF-8 and whose characters the range does not cut.
    #[inline]
    pub(super) fn slice(body: &Bytes, range: Range<usize>) -> Self {
        match Self::inline(body, range.clone()) {
            Some(inline) => inline,
            None => Self::Shared(body.slice(range)),
        }
    }

    #[inline]
    fn inline(source: &[u8], range: Range<usize>) -> Option<Self> {
        let len = range.len();
        if len > INLINE {
            return None;
        }
        let mut bytes = [0; INLINE];
        // A copy of fixed length is two moves; only at the end of a body is a real copy needed.
        match source[range.start..].first_chunk::<INLINE>() {
            Some(chunk) => bytes = *chunk,
            None => bytes[..len].copy_from_slice(&source[range]),
        }
        Some(Self::Inline { len: len as u8, bytes })
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(bytes) => bytes,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("texts are cut from checked UTF-8")
    }

    /// The text of `part`, which lies inside this text, without a copy if it is long.
    #[inline]
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::Inline { len, bytes } => {
                Self::inline(&bytes[..usize::from(*len)], range).expect("a part is not longer")
            }
            Self::Shared(bytes) => Self::slice(bytes, range),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        match Self::inline(text.as_bytes(), 0..text.len()) {
            Some(inline) => inline,
            None => Self::Shared(Bytes::copy_from_slice(text.as_bytes())),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        match Self::inline(text.as_bytes(), 0..text.len()) {
            Some(inline) => inline,
            None => Self::Shared(text.into()),
        }
    }
}
