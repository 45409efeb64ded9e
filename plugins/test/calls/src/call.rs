//! One call, and what it should return.

use serde::Deserialize;
use serde_json::Value;
use torana_plugin::{Error, Result};

use crate::{arguments::Arguments, interfaces};

/// Without an expectation a call must succeed, whatever it returns.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The function as `wit/` names it, such as `exchange.get-header`, and its arguments.
    call: Vec<Value>,
    /// What it returns; of an object only the keys that are written.
    #[serde(default, deserialize_with = "also_null")]
    is: Option<Value>,
    /// How long a text, bytes or a list is that it returns.
    length: Option<usize>,
    /// What a number that it returns is above of.
    above: Option<f64>,
    /// It fails: with this case of its error, or, for errors that are texts, with any (`""`).
    fails: Option<String>,
}

/// `"is": null` expects nothing, which is not the same as to expect nothing in particular.
fn also_null<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Call {
    /// Makes the call.
    pub(crate) fn make(&self) -> Result<()> {
        let (name, arguments) = match self.call.split_first() {
            Some((Value::String(name), arguments)) => (name, arguments),
            _ => return Err("a call begins with the name of a function".into()),
        };
        let outcome = interfaces::call(name, &Arguments(arguments))?;
        if self.fits(&outcome) {
            return Ok(());
        }
        let found =
            outcome.map_or_else(|error| format!("failed: {error}"), |value| value.to_string());
        Err(Error::new(format!("{} {found}", Value::from(self.call.as_slice()))))
    }

    fn fits(&self, outcome: &std::result::Result<Value, String>) -> bool {
        let value = match (outcome, &self.fails) {
            (Ok(value), None) => value,
            (Err(error), Some(expected)) => return expected.is_empty() || error == expected,
            _ => return false,
        };
        self.is.as_ref().is_none_or(|expected| is(expected, value))
            && self.length.is_none_or(|expected| length(value) == Some(expected))
            && self.above.is_none_or(|bound| value.as_f64().is_some_and(|number| number > bound))
    }
}

fn is(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|other| is(value, other)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(one, other)| is(one, other))
        }
        (expected, found) => expected == found,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(list) => Some(list.len()),
        _ => None,
    }
}
