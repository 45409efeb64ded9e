//! Percent-encoding (RFC 3986 2.1) of parameters: how they are read from a path, and how they are put into a backend's
//! path or query so that they cannot leave their place.

use std::borrow::Cow;

/// Decodes escapes; `None` if one is malformed.
#[must_use]
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (byte, after) = escape(after)?;
        bytes.push(byte);
        rest = after;
    }
    Some(Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        // What is no UTF-8 is shown with replacement characters; the raw text is what travels on.
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }))
}

/// The byte of an escape whose `%` has been read, and what follows.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], after) = text.split_first_chunk::<2>()?;
    Some((hex(high)? << 4 | hex(low)?, after))
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// A path in the one form that stands for all that the router takes for the same: what may stand as it is does, and all
/// else is escaped with capital letters. A path with a malformed escape stays as it is.
#[must_use]
pub fn canonical(path: &str) -> Cow<'_, str> {
    if path.bytes().all(|byte| byte == b'/' || stays(byte, Place::Segment)) {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'/' => out.push('/'),
            b'%' => {
                let Some((byte, after)) = escape(after) else { return Cow::Borrowed(path) };
                rest = after;
                push(byte, Place::Segment, &mut out);
            }
            _ => push(byte, Place::Segment, &mut out),
        }
    }
    Cow::Owned(out)
}

/// Where an encoded text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One segment of a path: RFC 3986 `pchar` stays, everything else is escaped, `/` too.
    Segment,
    /// A value inside a query: what would end the value or mean a space is escaped as well.
    QueryValue,
}

/// Appends `text` encoded for its place.
pub fn encode(text: &str, place: Place, out: &mut String) {
    text.bytes().for_each(|byte| push(byte, place, out));
}

fn push(byte: u8, place: Place, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if stays(byte, place) {
        out.push(byte as char);
    } else {
        out.push('%');
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
}

fn stays(byte: u8, place: Place) -> bool {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
        b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b',' | b':' | b'@' => true,
        b'&' | b'+' | b';' | b'=' => place == Place::Segment,
        _ => false,
    }
}

/// Whether a decoded text, put into a path, could name another place: a `.` or `..` segment behind any kind of slash,
/// or a control character that some server on the way may cut at. Servlet containers drop what follows a `;` in a
/// segment before they look for dots, and a server behind another one may decode twice.
#[must_use]
pub fn escapes_its_place(decoded: &str) -> bool {
    has_dot_segment(decoded)
        || decoded.bytes().any(|byte| byte < 0x20 || byte == 0x7f)
        || decoded.contains('%') && decode(decoded).is_some_and(|again| has_dot_segment(&again))
}

fn has_dot_segment(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| matches!(segment.split(';').next(), Some("." | "..")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_escapes_are_seen() {
        for text in ["%", "%4", "%zz", "a%2"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode("a%2Fb%20c").as_deref(), Some("a/b c"));
    }

    #[test]
    fn dot_segments_and_controls_escape() {
        for text in
            ["..", ".", "a/../b", "..\\x", "a\r\nb", "a\0", "..;", ".;x=1/y", "%2e%2E", "a%2f.."]
        {
            assert!(escapes_its_place(text), "{text:?}");
        }
        for text in ["a.b", "...", "a..b", "a/b", "a;b", "100%", "%41", "%25"] {
            assert!(!escapes_its_place(text), "{text:?}");
        }
    }

    #[test]
    fn one_form_for_all_that_means_the_same() {
        for (path, form) in [
            ("/admin", "/admin"),
            ("/%61dmin", "/admin"),
            ("/admi%6e/%41", "/admin/A"),
            ("/a%3ab", "/a:b"),
            ("/a%2fb%2Fc", "/a%2Fb%2Fc"),
            ("/a%20b%25", "/a%20b%25"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/%zz%61", "/%zz%61"),
            ("/%2e%2E/x", "/../x"),
        ] {
            assert_eq!(canonical(path), form, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_form_is_its_own_and_means_the_same(path in "(/|%[0-9a-fA-F]{2}|[^%])*") {
            let form = canonical(&path).into_owned();
            prop_assert_eq!(canonical(&form), form.as_str());
            prop_assert_eq!(decode(&form), decode(&path));
        }

        #[test]
        fn encoding_round_trips(text in any::<String>()) {
            for place in [Place::Segment, Place::QueryValue] {
                let mut encoded = String::new();
                encode(&text, place, &mut encoded);
                prop_assert!(encoded.bytes().all(|b| b.is_ascii_graphic() && !b"/?#&".contains(&b)
                    || place == Place::Segment && b == b'&'));
                prop_assert_eq!(decode(&encoded).unwrap(), text.as_str());
            }
        }
    }
}
