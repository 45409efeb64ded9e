//! What is wrong in a configuration: gathered while it is read, checked and built, rendered by the binary.

use crate::Pointer;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a look; the gateway runs. `check --lint` treats it as an error.
    Warning,
    /// `check` fails and `run` refuses to start.
    Error,
}

/// Which part of the text under a pointer a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key of an object member (unknown keys, misplaced namespaces).
    Key,
    /// The value.
    Value,
}

/// One finding: a stable code, a place, what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable rule code such as `unknown-key`; listed in `docs/reference/diagnostics.md`.
    pub code: &'static str,
    /// The place in the document.
    pub at: Pointer,
    /// Key or value of that place.
    pub part: Part,
    /// What is wrong: lower case, names the thing, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Another place that belongs to the finding, such as the first of two equal routes, with its caption.
    pub related: Option<(Pointer, String)>,
}

impl Diagnostic {
    /// An error about a value.
    #[must_use]
    pub fn error(code: &'static str, at: Pointer, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            at,
            part: Part::Value,
            message: message.into(),
            help: None,
            related: None,
        }
    }

    /// A warning about a value.
    #[must_use]
    pub fn warning(code: &'static str, at: Pointer, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, message) }
    }

    /// Points at the key instead of the value.
    #[must_use]
    pub fn on_key(mut self) -> Self {
        self.part = Part::Key;
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn related(mut self, at: Pointer, caption: impl Into<String>) -> Self {
        self.related = Some((at, caption.into()));
        self
    }
}

/// All findings of one configuration, in the order in which they were found.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// The findings.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Turns every warning into an error (`check --lint`).
    pub fn deny_warnings(&mut self) {
        for diagnostic in &mut self.0 {
            diagnostic.severity = Severity::Error;
        }
    }
}

/// The known word nearest to a misspelt one, as a hint.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).clamp(1, 4))
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
