//! Templates: text with `{{ name }}` for values.

use serde_json::Value;
use torana_plugin::{Error, Result};

use crate::{format::Format, source::Source};

/// A template: a text, and values each with the text behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    head: String,
    tail: Vec<(Source, String)>,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut pieces = text.split("{{");
        let head = pieces.next().unwrap_or_default().to_owned();
        let tail = pieces.map(|piece| {
            let (name, text) = piece
                .split_once("}}")
                .ok_or_else(|| Error::new(format!("`{{{{{piece}` has no end `}}}}`")))?;
            Ok((name.trim().parse()?, text.to_owned()))
        });
        Ok(Self { head, tail: tail.collect::<Result<_>>()? })
    }

    /// The values, in order.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.tail.iter().map(|(source, _)| source)
    }

    /// The text with its values, written so that they stay what they are in this format.
    pub(crate) fn render(
        &self,
        format: Format,
        mut value: impl FnMut(&Source) -> Result<Value>,
    ) -> Result<String> {
        let mut out = self.head.clone();
        for (source, text) in &self.tail {
            out.push_str(&format.write(&value(source)?));
            out.push_str(text);
        }
        Ok(out)
    }
}
