//! The codes of all findings this crate makes. Components have codes of their own.

/// Each code with what it means, in alphabetical order.
#[must_use]
pub fn codes() -> &'static [(&'static str, &'static str)] {
    CODES
}

const CODES: &[(&str, &str)] = &[("syntax", "the file is not valid JSON, YAML or TOML")];
