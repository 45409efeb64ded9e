//! The regular expressions of `match` and `search`: I-Regexp (RFC 9485), compiled when the query is parsed.

use std::collections::HashMap;

use jsonpath_rust::parser::model::{
    Comparable, Filter, FilterAtom, FnArg, Literal, Segment, Selector, Test, TestFunction,
};
use regex::{Regex, RegexBuilder};

use super::QueryError;

/// Bytes of one compiled expression: bounds the time it takes to compile.
const SIZE: usize = 256 << 10;

/// The expressions of a query by their text.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Those that are to match a whole text.
    whole: HashMap<String, Regex>,
    /// Those that are searched for.
    part: HashMap<String, Regex>,
}

impl Patterns {
    /// The patterns of a query. Refuses functions that are not in RFC 9535.
    pub(super) fn of(segments: &[Segment]) -> Result<Self, QueryError> {
        let mut patterns = Self::default();
        of_segments(segments, &mut patterns)?;
        Ok(patterns)
    }

    /// The expression of a `match` (`whole`) or `search` with this argument.
    pub(super) fn get(&self, argument: &FnArg, whole: bool) -> Option<&Regex> {
        let FnArg::Literal(Literal::String(text)) = argument else { return None };
        if whole { self.whole.get(text) } else { self.part.get(text) }
    }

    fn add(&mut self, argument: &FnArg, whole: bool) -> Result<(), QueryError> {
        let FnArg::Literal(Literal::String(text)) = argument else {
            return Err(QueryError::Pattern);
        };
        let compiled = RegexBuilder::new(&translated(text, whole))
            .size_limit(SIZE)
            .dfa_size_limit(SIZE)
            .build()
            .map_err(|error| {
                let message = error.to_string();
                QueryError::Regex(message.lines().last().unwrap_or_default().trim().to_owned())
            })?;
        let patterns = if whole { &mut self.whole } else { &mut self.part };
        patterns.insert(text.clone(), compiled);
        Ok(())
    }
}

/// The pattern in the syntax of the crate `regex`, anchored if it is for a whole text.
fn translated(pattern: &str, whole: bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    out.push_str(if whole { "^(?:" } else { "(?:" });
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                out.push(character);
                out.extend(characters.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            // RFC 9485 section 5.3: not a line break of either kind.
            '.' if !in_class => {
                out.push_str(r"[^\n\r]");
                continue;
            }
            _ => {}
        }
        out.push(character);
    }
    out.push_str(if whole { ")$" } else { ")" });
    out
}

fn of_segments(segments: &[Segment], patterns: &mut Patterns) -> Result<(), QueryError> {
    segments.iter().try_for_each(|segment| of_segment(segment, patterns))
}

fn of_segment(segment: &Segment, patterns: &mut Patterns) -> Result<(), QueryError> {
    match segment {
        Segment::Descendant(inner) => of_segment(inner, patterns),
        Segment::Selector(selector) => of_selector(selector, patterns),
        Segment::Selectors(all) => all.iter().try_for_each(|one| of_selector(one, patterns)),
    }
}

fn of_selector(selector: &Selector, patterns: &mut Patterns) -> Result<(), QueryError> {
    match selector {
        Selector::Filter(filter) => of_filter(filter, patterns),
        _ => Ok(()),
    }
}

fn of_filter(filter: &Filter, patterns: &mut Patterns) -> Result<(), QueryError> {
    match filter {
        Filter::Or(all) | Filter::And(all) => {
            all.iter().try_for_each(|one| of_filter(one, patterns))
        }
        Filter::Atom(FilterAtom::Filter { expr, .. }) => of_filter(expr, patterns),
        Filter::Atom(FilterAtom::Test { expr, .. }) => of_test(expr, patterns),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            [left, right].into_iter().try_for_each(|side| match side {
                Comparable::Function(function) => of_function(function, patterns),
                _ => Ok(()),
            })
        }
    }
}

fn of_test(test: &Test, patterns: &mut Patterns) -> Result<(), QueryError> {
    match test {
        Test::RelQuery(segments) => of_segments(segments, patterns),
        Test::AbsQuery(query) => of_segments(&query.segments, patterns),
        Test::Function(function) => of_function(function, patterns),
    }
}

fn of_function(function: &TestFunction, patterns: &mut Patterns) -> Result<(), QueryError> {
    match function {
        TestFunction::Custom(name, _) => Err(QueryError::Function(name.clone())),
        TestFunction::Length(argument) => of_argument(argument, patterns),
        TestFunction::Value(argument) | TestFunction::Count(argument) => {
            of_argument(argument, patterns)
        }
        TestFunction::Match(text, pattern) => {
            patterns.add(pattern, true)?;
            of_argument(text, patterns)
        }
        TestFunction::Search(text, pattern) => {
            patterns.add(pattern, false)?;
            of_argument(text, patterns)
        }
    }
}

fn of_argument(argument: &FnArg, patterns: &mut Patterns) -> Result<(), QueryError> {
    match argument {
        FnArg::Literal(_) => Ok(()),
        FnArg::Test(test) => of_test(test, patterns),
        FnArg::Filter(filter) => of_filter(filter, patterns),
    }
}
