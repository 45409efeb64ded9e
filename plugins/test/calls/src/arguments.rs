//! Arguments of a call, from JSON.

use serde::de::DeserializeOwned;
use serde_json::Value;
use torana_plugin::{Error, Result};

/// What stands behind a function's name.
pub(crate) struct Arguments<'a>(pub(crate) &'a [Value]);

impl Arguments<'_> {
    /// An argument; one that is missing is `null`.
    pub(crate) fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T> {
        let value = self.0.get(index).cloned().unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| Error::new(format!("argument {}: {error}", index + 1)))
    }

    /// A text, or `{"repeat": "x", "times": 70000}` for a long one.
    pub(crate) fn text(&self, index: usize) -> Result<String> {
        match self.0.get(index) {
            Some(Value::Object(repeated)) => {
                let text = repeated.get("repeat").and_then(Value::as_str).unwrap_or_default();
                let times = repeated.get("times").and_then(Value::as_u64).unwrap_or_default();
                Ok(text
                    .repeat(usize::try_from(times).map_err(|error| Error::new(error.to_string()))?))
            }
            _ => self.get(index),
        }
    }

    /// The bytes of a text.
    pub(crate) fn bytes(&self, index: usize) -> Result<Vec<u8>> {
        self.text(index).map(String::into_bytes)
    }

    /// Labels or header fields: `[["name", "value"]]`.
    pub(crate) fn pairs(&self, index: usize) -> Result<Vec<(String, String)>> {
        self.get(index)
    }
}
