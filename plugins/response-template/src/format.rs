//! What the template makes, and how values are written in it.

use serde::Deserialize;
use serde_json::Value;
use torana_plugin::{Error, Result};

use crate::template::Template;

/// A kind of text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// JSON: values stand where JSON values stand, with their quotes.
    #[default]
    Json,
    /// HTML: values are text, with what HTML would read escaped.
    Html,
    /// Plain text: values as they are.
    Text,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// Finds a template that could not make JSON: with a text in each place, it must be JSON.
    pub(crate) fn check(self, template: &Template) -> Result<()> {
        if self != Self::Json {
            return Ok(());
        }
        let text = template.render(self, |_| Ok(Value::String(String::new())))?;
        let checked: Result<serde::de::IgnoredAny, _> = serde_json::from_str(&text);
        checked.map(drop).map_err(|error| {
            Error::new(format!("`body` makes no JSON ({error}): values bring their own quotes"))
        })
    }

    pub(crate) fn write(self, value: &Value) -> String {
        let text = match (self, value) {
            (Self::Json, value) => return value.to_string(),
            (_, Value::Null) => return String::new(),
            (_, Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        };
        if self == Self::Html { escape(&text) } else { text }
    }
}

/// Text for elements and quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
