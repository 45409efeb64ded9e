//! The characters of an XML document, whatever its character encoding.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use crate::{Error, ErrorKind};

/// How far the XML declaration is looked for.
const DECLARATION: usize = 256;

/// The document's text: by its byte order mark, else by the encoding in its XML declaration, else UTF-8.
pub(super) fn text(body: &[u8]) -> Result<Cow<'_, str>, Error> {
    let encoding = match Encoding::for_bom(body) {
        Some((encoding, _)) => encoding,
        None => declared(body)?,
    };
    let (text, _, malformed) = encoding.decode(body);
    if malformed {
        let message = format!("XML document is not valid {}", encoding.name());
        return Err(Error::new(ErrorKind::Decode, message));
    }
    Ok(text)
}

/// The encoding that `<?xml … encoding="…"?>` names.
fn declared(body: &[u8]) -> Result<&'static Encoding, Error> {
    let head = &body[..body.len().min(DECLARATION)];
    let label = || {
        let end = head.windows(2).position(|pair| pair == b"?>")?;
        let declaration = std::str::from_utf8(&head[..end]).ok()?.strip_prefix("<?xml")?;
        let value =
            declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        value[1..].split(quote).next()
    };
    match label() {
        None => Ok(UTF_8),
        // A document whose declaration could be read byte by byte is not UTF-16, whatever it says.
        Some(label) if label.to_ascii_lowercase().starts_with("utf-16") => Ok(UTF_8),
        Some(label) => Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::new(ErrorKind::Decode, format!("unknown character encoding {label:?} in XML"))
        }),
    }
}
