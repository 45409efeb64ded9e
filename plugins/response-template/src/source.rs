//! Where a value of the template comes from.

use std::str::FromStr;

use serde_json::Value;
use torana_plugin::{Error, Request, Response};

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Method,
    Path,
    Query(String),
    RequestHeader(String),
    Param(String),
    Ip,
    Id,
    Status,
    ResponseHeader(String),
    /// A JSON Pointer into the data.
    Data(String),
}

impl Source {
    /// Whether a request hook cannot know it.
    pub(crate) fn is_of_response(&self) -> bool {
        matches!(self, Self::Status | Self::ResponseHeader(_) | Self::Data(_))
    }

    /// Whether it needs the data.
    pub(crate) fn is_of_data(&self) -> bool {
        matches!(self, Self::Data(_))
    }

    /// The value; null for what is not there.
    pub(crate) fn of_request(&self, request: &Request) -> Value {
        match self {
            Self::Method => request.method().into(),
            Self::Path => request.path().into(),
            Self::Query(name) => parameter(&request.query(), name).into(),
            Self::RequestHeader(name) => request.header(name).into(),
            Self::Param(name) => request.param(name).into(),
            Self::Ip => request.client_ip().into(),
            Self::Id => request.request_id().into(),
            Self::Status | Self::ResponseHeader(_) | Self::Data(_) => Value::Null,
        }
    }

    /// The value; null for what is not there.
    pub(crate) fn of_response(&self, response: &Response, data: &Value) -> Value {
        match self {
            Self::Status => response.status().into(),
            Self::ResponseHeader(name) => response.header(name).into(),
            Self::Data(pointer) => data.pointer(pointer).cloned().unwrap_or_default(),
            _ => Value::Null,
        }
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let named = |prefix: &str| name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        Ok(match name {
            "request.method" => Self::Method,
            "request.path" => Self::Path,
            "request.ip" => Self::Ip,
            "request.id" => Self::Id,
            "response.status" => Self::Status,
            "data" => Self::Data(String::new()),
            _ => {
                if let Some(name) = named("request.query.") {
                    Self::Query(name.to_owned())
                } else if let Some(name) = named("request.header.") {
                    Self::RequestHeader(name.to_owned())
                } else if let Some(name) = named("request.param.") {
                    Self::Param(name.to_owned())
                } else if let Some(name) = named("response.header.") {
                    Self::ResponseHeader(name.to_owned())
                } else if let Some(pointer) = named("data").filter(|rest| rest.starts_with('/')) {
                    Self::Data(pointer.to_owned())
                } else {
                    return Err(Error::new(format!(
                        "there is no value `{name}`: use request.method, .path, .ip, .id, .query.NAME, .header.NAME, \
                         .param.NAME, response.status, .header.NAME, data or data/JSON/POINTER"
                    )));
                }
            }
        })
    }
}

/// The first parameter of that name in a query, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && decode(found) == name).then(|| decode(value))
    })
}

/// Decodes `%XX` and `+`; bytes that are not UTF-8 become U+FFFD.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digits = |bytes: &std::str::Bytes<'_>| {
            let mut ahead = bytes.clone();
            let mut digit = || ahead.next().and_then(|byte| char::from(byte).to_digit(16));
            let value = digit()? << 4 | digit()?;
            u8::try_from(value).ok()
        };
        match byte {
            b'+' => out.push(b' '),
            b'%' if digits(&bytes).is_some() => {
                out.extend(digits(&bytes));
                bytes.nth(1);
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = "a=1&b+c=%C3%A4+%&empty&a=2&&x=%zz%4";
        for (name, expected) in [
            ("a", Some("1")),
            ("b c", Some("ä %")),
            ("empty", Some("")),
            ("x", Some("%zz%4")),
            ("", None),
            ("n", None),
        ] {
            assert_eq!(parameter(query, name).as_deref(), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_decoded(text in "[%0-9a-f+ä]{0,16}|.{0,8}") {
            let _ = decode(&text);
            let _ = text.parse::<Source>();
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decode(&escaped), text);
        }
    }
}
