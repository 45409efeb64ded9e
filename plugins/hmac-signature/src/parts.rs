//! What is signed.

use std::borrow::Cow;

use serde::Deserialize;
use torana_plugin::{Error, Request, Result, header};

/// A part of the text that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Cow<'_, str>")]
pub(crate) enum Part {
    /// The method.
    Method,
    /// The path, as it is on the wire.
    Path,
    /// The query, as it is on the wire, without `?`.
    Query,
    /// The values of a header, with `, ` between them; empty if there is none.
    Header(String),
    /// The time of the signature.
    Timestamp,
    /// A text that is always the same.
    Text(String),
    /// The body.
    Body,
}

impl Part {
    /// Whether its text may contain any separator but a line break.
    pub(crate) fn is_free_text(&self) -> bool {
        matches!(self, Self::Method | Self::Path | Self::Query | Self::Header(_))
    }

    fn write(&self, time: &str, request: &Request, out: &mut Vec<u8>) -> Result<(), Gap> {
        match self {
            Self::Method => out.extend(request.method().into_bytes()),
            Self::Path => out.extend(request.path().into_bytes()),
            Self::Query => out.extend(request.query().into_bytes()),
            Self::Header(name) => out.extend(header_text(request, name)?.into_bytes()),
            Self::Timestamp => out.extend(time.as_bytes()),
            Self::Text(text) => out.extend(text.as_bytes()),
            Self::Body => out.extend(request.body().ok_or(Gap::Body)?),
        }
        Ok(())
    }
}

impl TryFrom<Cow<'_, str>> for Part {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        Ok(match &*text {
            "method" => Self::Method,
            "path" => Self::Path,
            "query" => Self::Query,
            "timestamp" => Self::Timestamp,
            "body" => Self::Body,
            other => match other.split_once(':') {
                Some(("header", name)) if name.eq_ignore_ascii_case("host") => {
                    return Err("`host` is the gateway's and cannot be signed".to_owned());
                }
                Some(("header", name)) => {
                    header::check_name(name)?;
                    Self::Header(name.to_owned())
                }
                Some(("text", text)) if !text.contains('\n') => Self::Text(text.to_owned()),
                _ => {
                    return Err(format!(
                        "`{text}` is no part: use method, path, query, header:NAME, timestamp, text:TEXT or body"
                    ));
                }
            },
        })
    }
}

/// Something that is signed, but cannot be read as it is on the wire.
#[derive(Debug)]
pub(crate) enum Gap {
    /// A header whose value is not UTF-8.
    Header(String),
    /// A body that streams.
    Body,
}

impl From<Gap> for Error {
    fn from(gap: Gap) -> Self {
        match gap {
            Gap::Header(name) => Self::new(format!(
                "the header `{name}` is not UTF-8 and cannot be signed: remove it, or take it out of `parts`"
            )),
            Gap::Body => Self::new(
                "the body streams past: set `limits.body` of the plugin, which collects it",
            ),
        }
    }
}

/// The values of a header. Bytes that are not UTF-8 come as U+FFFD, so that a text with it stands for many values: a
/// signature of one would be good for all.
fn header_text(request: &Request, name: &str) -> Result<String, Gap> {
    let text = request.headers(name).join(", ");
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Gap::Header(name.to_owned()));
    }
    Ok(text)
}

/// The text that is signed.
pub(crate) fn join(
    parts: &[Part],
    separator: &str,
    time: &str,
    request: &Request,
) -> Result<Vec<u8>, Gap> {
    let mut out = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.extend(separator.as_bytes());
        }
        part.write(time, request, &mut out)?;
    }
    Ok(out)
}
