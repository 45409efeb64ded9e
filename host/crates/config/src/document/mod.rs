//! One configuration file: its text, its values, and where each value stands in the text.
//!
//! Values come from well-tested parsers that know no positions (JSON, the usual case) or from ones that do (YAML,
//! TOML). Positions are worked out only when a finding asks for one, so that a good file does not pay for them.

mod json;
mod node;
#[cfg(test)]
mod tests;
mod toml;
mod yaml;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;

use self::node::Node;
use crate::{Diagnostic, Diagnostics, Located, Part, Pointer, Severity};

/// The language of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// YAML 1.2, core schema, with `<<` merge keys.
    Yaml,
    /// TOML 1.1.
    Toml,
}

impl Format {
    /// The format that a file's suffix names; JSON for any unknown one (reference 2.1).
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("yml" | "yaml") => Self::Yaml,
            Some("toml") => Self::Toml,
            _ => Self::Json,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
        })
    }
}

/// A part of a document's text, within one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte. What goes over several lines is cut at the end of its first.
    pub end: usize,
    /// Line of its start, from 1.
    pub line: usize,
    /// Column of its start in characters, from 1.
    pub column: usize,
}

/// A file that could not be read as a document.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Its text is not of its format.
    #[error("{0}")]
    Syntax(Box<Located>),
}

impl LoadError {
    /// The finding with its position, if the text is at fault.
    #[must_use]
    pub fn located(&self) -> Option<&Located> {
        match self {
            Self::Read { .. } => None,
            Self::Syntax(located) => Some(located),
        }
    }
}

/// What a parser says about a text it refuses: a byte offset and why.
#[derive(Debug)]
struct SyntaxError {
    offset: usize,
    message: String,
}

/// A configuration file.
#[derive(Debug)]
pub struct Document {
    name: String,
    text: String,
    format: Format,
    value: Value,
    findings: Vec<Diagnostic>,
    lines: OnceLock<Vec<usize>>,
    tree: OnceLock<Node>,
}

impl Document {
    /// Reads a file; its suffix names the format.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8 or is not of its format.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(name, text, Format::of(path)),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let message = "the file is not UTF-8".to_owned();
                let syntax = SyntaxError { offset, message };
                Err(Self::unread(name, text, Format::of(path)).refuse(syntax))
            }
        }
    }

    /// Reads a text. A byte order mark at its start is skipped and does not count in positions.
    ///
    /// # Errors
    /// The text is not of the format.
    pub fn parse(
        name: impl Into<String>,
        text: impl Into<String>,
        format: Format,
    ) -> Result<Self, LoadError> {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let mut document = Self::unread(name.into(), text, format);
        match document.read() {
            Ok(()) => Ok(document),
            Err(error) => Err(document.refuse(error)),
        }
    }

    fn unread(name: String, text: String, format: Format) -> Self {
        Self {
            name,
            text,
            format,
            value: Value::Null,
            findings: Vec::new(),
            lines: OnceLock::new(),
            tree: OnceLock::new(),
        }
    }

    fn read(&mut self) -> Result<(), SyntaxError> {
        match self.format {
            Format::Json => {
                self.value = json::parse(&self.text)?;
                if json::has_duplicates(&self.text, &self.value) {
                    self.findings = json::tree(&self.text).duplicates();
                }
            }
            Format::Yaml => {
                let tree;
                (self.value, tree) = yaml::parse(&self.text)?;
                self.findings = tree.duplicates();
            }
            Format::Toml => (self.value, _) = toml::parse(&self.text)?,
        }
        Ok(())
    }

    fn refuse(self, error: SyntaxError) -> LoadError {
        let span = self.span(error.offset..error.offset);
        LoadError::Syntax(Box::new(Located {
            severity: Severity::Error,
            code: "syntax",
            message: format!("not valid {}: {}", self.format, error.message),
            help: None,
            pointer: Pointer::root(),
            file: self.name.clone(),
            span,
            excerpt: self.line(span.line).to_owned(),
            related: None,
        }))
    }

    /// Name of the file, as messages show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The language of the text.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The values; numbers keep their text.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What the reading itself found, such as duplicate keys.
    pub(crate) fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Where a value or its key stands. A place that does not exist is found at its nearest ancestor.
    #[must_use]
    pub fn locate(&self, at: &Pointer, part: Part) -> Span {
        let tree = self.tree.get_or_init(|| match self.format {
            Format::Json => json::tree(&self.text),
            // The text was parsed before, so it is parsed again without an error.
            Format::Yaml => yaml::parse(&self.text).map(|(_, tree)| tree).unwrap_or_default(),
            Format::Toml => toml::parse(&self.text).map(|(_, tree)| tree).unwrap_or_default(),
        });
        self.span(tree.find(at, part))
    }

    /// A finding with its positions.
    #[must_use]
    pub fn located(&self, diagnostic: &Diagnostic) -> Located {
        let span = self.locate(&diagnostic.at, diagnostic.part);
        Located {
            severity: diagnostic.severity,
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            pointer: diagnostic.at.clone(),
            file: self.name.clone(),
            span,
            excerpt: self.line(span.line).to_owned(),
            related: diagnostic
                .related
                .as_ref()
                .map(|(at, caption)| (self.locate(at, Part::Value), caption.clone())),
        }
    }

    /// All findings with their positions, in the order of the text.
    #[must_use]
    pub fn locate_all(&self, diagnostics: &Diagnostics) -> Vec<Located> {
        let mut all: Vec<_> = diagnostics.iter().map(|d| self.located(d)).collect();
        all.sort_by_key(|located| located.span.start);
        all
    }

    /// The text of a line, counted from 1, without its end.
    fn line(&self, number: usize) -> &str {
        let lines = self.lines();
        let start = number.checked_sub(1).and_then(|index| lines.get(index).copied());
        let start = start.unwrap_or(self.text.len());
        let end = lines.get(number).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\r', '\n'])
    }

    /// Offset of each line's first byte.
    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        })
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        let start = self.text.floor_char_boundary(range.start);
        let lines = self.lines();
        let line = lines.partition_point(|first| *first <= start);
        let first = lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let last = first + self.line(line).len();
        let end = self.text.floor_char_boundary(range.end.clamp(start, last.max(start)));
        let column = self.text.get(first..start).unwrap_or_default().chars().count() + 1;
        Span { start, end, line, column }
    }
}
