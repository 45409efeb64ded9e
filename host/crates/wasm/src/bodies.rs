//! `limits.body`: up to how many bytes bodies are collected for a plugin.

use torana_config::{At, ByteSize, Diagnostics, FromConfig, Value, config, json, wrong_type};

config! {
    /// Sizes of bodies by message. Where one is left out, the bodies of these messages are not collected.
    pub(crate) struct BodySizes {
        /// Of request bodies; larger ones are refused with 413.
        "request" request: Option<ByteSize> = None,
        /// Of response bodies; larger ones are refused with 502.
        "response" response: Option<ByteSize> = None,
    }
}

/// Up to how many bytes bodies are collected: one size for all, or one for each kind of message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BodyLimit {
    pub(crate) request: Option<usize>,
    pub(crate) response: Option<usize>,
}

impl BodyLimit {
    /// The larger one; `None` if none is collected.
    pub(crate) fn largest(self) -> Option<usize> {
        self.request.max(self.response)
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}

impl FromConfig for BodyLimit {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::Object(_) => {
                let sizes = BodySizes::from_config(value, at, out)?;
                Some(Self {
                    request: sizes.request.map(bytes),
                    response: sizes.response.map(bytes),
                })
            }
            Value::Number(_) | Value::String(_) => {
                let size = bytes(ByteSize::from_config(value, at, out)?);
                Some(Self { request: Some(size), response: Some(size) })
            }
            other => {
                let expected = "a size such as \"1MB\", or an object with `request` and `response`";
                out.push(wrong_type(expected, other, at));
                None
            }
        }
    }

    fn schema() -> Value {
        let mut schema = BodySizes::schema();
        schema["type"] = json!(["integer", "string", "object"]);
        schema
    }
}
