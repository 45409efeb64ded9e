//! Words that stand for methods, encodings and name lists.

use super::Context;
use crate::{
    At, Diagnostic, Diagnostics, did_you_mean,
    raw::{self, List},
    valid::{Encoding, Method, Names, OutputEncoding},
};

/// The words of `output_encoding`.
const OUTPUTS: [(&str, OutputEncoding); 8] = [
    ("json", OutputEncoding::Json),
    ("fast-json", OutputEncoding::FastJson),
    ("json-collection", OutputEncoding::JsonCollection),
    ("xml", OutputEncoding::Xml),
    ("yaml", OutputEncoding::Yaml),
    ("negotiate", OutputEncoding::Negotiate),
    ("string", OutputEncoding::String),
    ("no-op", OutputEncoding::NoOp),
];

/// The words of `encoding`, each with the output encoding of the same name.
const ENCODINGS: [(&str, Encoding, OutputEncoding); 8] = [
    ("json", Encoding::Json, OutputEncoding::Json),
    ("fast-json", Encoding::FastJson, OutputEncoding::FastJson),
    ("safejson", Encoding::SafeJson, OutputEncoding::Json),
    ("xml", Encoding::Xml, OutputEncoding::Xml),
    ("rss", Encoding::Rss, OutputEncoding::Json),
    ("yaml", Encoding::Yaml, OutputEncoding::Yaml),
    ("string", Encoding::String, OutputEncoding::String),
    ("no-op", Encoding::NoOp, OutputEncoding::NoOp),
];

impl Encoding {
    /// Its word in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        ENCODINGS.iter().find(|(_, known, _)| *known == self).map_or("json", |(word, ..)| word)
    }
}

impl OutputEncoding {
    /// Its word in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        OUTPUTS.iter().find(|(_, known)| *known == self).map_or("json", |(word, _)| word)
    }
}

/// A method in any case; `None` for an unknown one, which is an error.
pub(super) fn method(word: &str, at: At<'_>, out: &mut Diagnostics) -> Option<Method> {
    let found = Method::ALL.into_iter().find(|method| method.name().eq_ignore_ascii_case(word));
    if found.is_none() {
        let message = format!("unknown method \"{word}\"");
        let mut finding = Diagnostic::error("unknown-method", at.pointer(), message);
        finding.help = did_you_mean(word, Method::ALL.map(Method::name));
        out.push(finding);
    }
    found
}

/// The word of `output_encoding`, with a warning if nobody knows it.
pub(super) fn checked_output(
    word: Option<raw::OutputEncoding>,
    parent: At<'_>,
    cx: &mut Context<'_>,
) -> Option<String> {
    let word = word.map(|word| word.0).filter(|word| !word.is_empty())?;
    if known_output(&word).is_none() {
        let at = At::Key(&parent, "output_encoding");
        cx.out.push(unknown_encoding(&word, at, OUTPUTS.iter().map(|(known, _)| *known)));
    }
    Some(word)
}

fn known_output(word: &str) -> Option<OutputEncoding> {
    OUTPUTS.iter().find(|(known, _)| *known == word).map(|(_, encoding)| *encoding)
}

/// The output encoding that a word stands for. An unknown one takes that of a sole backend, else JSON (reference 6.1).
pub(super) fn output(word: Option<&str>, sole_backend: Option<Encoding>) -> OutputEncoding {
    let Some(word) = word else { return OutputEncoding::Json };
    known_output(word).unwrap_or_else(|| {
        let same = ENCODINGS.iter().find(|(_, encoding, _)| Some(*encoding) == sole_backend);
        same.map_or(OutputEncoding::Json, |(_, _, output)| *output)
    })
}

/// How a backend's answer is read, by a word in any case (reference 5.2); an unknown one means JSON (reference 2.4).
pub(super) fn encoding(
    word: Option<&raw::Encoding>,
    at: At<'_>,
    out: &mut Diagnostics,
) -> Encoding {
    let word = word.map(|word| word.0.as_str()).filter(|word| !word.is_empty());
    let Some(word) = word else { return Encoding::Json };
    match ENCODINGS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word)) {
        Some((_, encoding, _)) => *encoding,
        None => {
            out.push(unknown_encoding(word, at, ENCODINGS.iter().map(|(known, ..)| *known)));
            Encoding::Json
        }
    }
}

fn unknown_encoding(
    word: &str,
    at: At<'_>,
    known: impl Iterator<Item = &'static str> + Clone,
) -> Diagnostic {
    let message = format!("unknown encoding \"{word}\" means json");
    let list = || format!("known are {}", known.clone().collect::<Vec<_>>().join(", "));
    let help = did_you_mean(word, known.clone()).unwrap_or_else(list);
    Diagnostic::warning("unknown-encoding", at.pointer(), message).help(help)
}

/// An allow-list of an endpoint.
pub(super) fn names(list: List<String>) -> Names {
    let names = list.into_values();
    if names.is_empty() {
        Names::Default
    } else if names.iter().any(|name| name == "*") {
        Names::All
    } else {
        Names::Listed(names)
    }
}
