//! JSONPath (RFC 9535) for plugins: a query finds places in decoded data, in bounded time and memory.
//!
//! Queries are parsed by `jsonpath-rust` and evaluated here: its own evaluation has no bounds, and whoever wrote the
//! plugin need not be whoever runs the gateway.

mod cache;
mod filter;
mod find;
mod pattern;
mod pointer;

use jsonpath_rust::parser::{
    model::{JpQuery, Segment, Selector},
    parse_json_path,
};
use torana_core::entity::{Map, Object, Tree, Value};

use self::pattern::Patterns;
pub(crate) use cache::Queries;
pub(crate) use find::{Place, Step};

/// Values that a query may find.
const MATCHES: usize = 10_000;
/// Bytes of a query.
const LENGTH: usize = 1024;
/// Brackets and parentheses in each other: the parser tries calls within calls three times per level.
const NESTING: usize = 6;

/// A query, ready to be run.
#[derive(Debug)]
pub(crate) struct Query {
    compiled: JpQuery,
    patterns: Patterns,
    reach: Reach,
}

/// Which members of the data can hold what a query finds. The others are not parsed.
#[derive(Debug, PartialEq)]
enum Reach {
    All,
    /// The one with this key: `$.a…`.
    Member(String),
    /// Those that have this key somewhere: `$..a…`.
    Mentioning(String),
}

/// Why a query cannot be used, or not on this data.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("a query may have {LENGTH} bytes")]
    Length,
    #[error("a query may have {NESTING} brackets and parentheses in each other")]
    Nesting,
    #[error("invalid JSONPath: {0}")]
    Syntax(String),
    #[error("`{0}` is no function of RFC 9535")]
    Function(String),
    #[error("the pattern of `match` and `search` must be a literal")]
    Pattern,
    #[error("invalid pattern: {0}")]
    Regex(String),
    #[error("the query finds more than {MATCHES} values")]
    Matches,
    #[error("the query needs more than {} steps on this data", find::STEPS)]
    Steps,
    #[error("{0}")]
    Data(String),
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > LENGTH {
            return Err(QueryError::Length);
        }
        if nesting(text) > NESTING {
            return Err(QueryError::Nesting);
        }
        let compiled = parse_json_path(text).map_err(|error| {
            let message = error.to_string();
            // The parser draws the place over several lines; the last one says what it expected.
            let reason = message.lines().last().unwrap_or_default();
            QueryError::Syntax(reason.trim().trim_start_matches("= ").to_owned())
        })?;
        let patterns = Patterns::of(&compiled.segments)?;
        let reach = reach(text, &compiled);
        Ok(Self { compiled, patterns, reach })
    }

    /// Whether the query is `$`, which finds everything as one value.
    pub(crate) fn is_root(&self) -> bool {
        self.compiled.segments.is_empty()
    }

    /// Hands the places that the query finds to `work`, each once, in the order of the document. The data stays as it
    /// is, raw parts included.
    pub(crate) fn look<R>(
        &self,
        object: &Object,
        work: impl FnOnce(&[Place<'_>]) -> Result<R, QueryError>,
    ) -> Result<R, QueryError> {
        let mut reached = Map::new();
        for (key, value) in object.iter().filter(|(key, value)| self.reaches(key, value)) {
            let tree = value.clone().into_tree();
            reached.insert(key.to_owned(), tree.map_err(|e| QueryError::Data(e.to_string()))?);
        }
        let root = Tree::Object(reached);
        work(&find::find(self, &root)?)
    }

    /// Puts `new` at each place that the query finds; says how many there are. `fits` may refuse that number.
    pub(crate) fn replace(
        &self,
        object: &mut Object,
        new: &Tree,
        fits: impl FnOnce(usize) -> Result<(), QueryError>,
    ) -> Result<usize, QueryError> {
        let edit = |map: &mut Map| {
            let mut root = Tree::Object(std::mem::take(map));
            let outcome = replace_in(self, &mut root, new, fits);
            if let Tree::Object(members) = root {
                *map = members;
            }
            outcome
        };
        object
            .edit_members(|key, value| self.reaches(key, value), edit)
            .map_err(|error| QueryError::Data(error.to_string()))?
    }

    fn reaches(&self, key: &str, value: &Value) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Member(name) => key == name,
            Reach::Mentioning(name) => key == name || mentions(value, name),
        }
    }
}

fn replace_in(
    query: &Query,
    root: &mut Tree,
    new: &Tree,
    fits: impl FnOnce(usize) -> Result<(), QueryError>,
) -> Result<usize, QueryError> {
    let places: Vec<Vec<Step<String>>> = find::find(query, root)?
        .iter()
        .map(|place| place.steps.iter().map(Step::own).collect())
        .collect();
    fits(places.len())?;
    // Last ones first: what is inside goes before what is around it, so that each place is still there.
    for place in places.iter().rev() {
        let value = place.iter().try_fold(&mut *root, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(index),
        });
        if let Some(value) = value {
            value.clone_from(new);
        }
    }
    Ok(places.len())
}

/// Whether the name occurs in the value; an escape may spell it too.
fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::Raw(raw) => {
            let text = raw.as_bytes();
            memchr::memmem::find(text, name.as_bytes()).is_some()
                || memchr::memmem::find(text, b"\\u").is_some()
        }
        Value::Object(_) | Value::Tree(_) => true,
    }
}

/// How deep brackets and parentheses stand in each other, outside of quoted text.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut quote = None;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn reach(text: &str, query: &JpQuery) -> Reach {
    // A second `$` is a filter that looks elsewhere in the data.
    if text.matches('$').count() > 1 {
        return Reach::All;
    }
    // Names that JSON may write in more than one way without `\u` are not searched for.
    let plain = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    match query.segments.first() {
        Some(Segment::Selector(Selector::Name(name))) => Reach::Member(name.clone()),
        Some(Segment::Descendant(segment)) => match &**segment {
            Segment::Selector(Selector::Name(name)) if plain(name) => {
                Reach::Mentioning(name.clone())
            }
            _ => Reach::All,
        },
        _ => Reach::All,
    }
}

#[cfg(test)]
mod tests;
