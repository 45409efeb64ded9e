//! A JSONPath query, compiled at load, and which members of the data it can reach.

use jsonpath_rust::{
    parser::{
        model::{JpQuery, Segment, Selector},
        parse_json_path,
    },
    query::{QueryRef, js_path_process},
};
use serde_json::{Map, Value};
use torana_config::{At, Diagnostic, Diagnostics, FromConfig, wrong_type};
use torana_core::{
    Error, ErrorKind,
    entity::{self, Object},
};

use super::location::{Location, parse};

/// A compiled query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: String,
    compiled: JpQuery,
    reach: Reach,
}

/// Which top-level members can hold what a query finds. The others are not parsed.
#[derive(Debug, Clone, PartialEq)]
enum Reach {
    /// All of them.
    All,
    /// The one with this key: `$.a…`.
    Member(String),
    /// Those that have this key somewhere: `$..a…`.
    Mentioning(String),
}

impl FromConfig for Query {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let Value::String(text) = value else {
            out.push(wrong_type("a JSONPath such as \"$.items[*].name\"", value, at));
            return None;
        };
        match parse_json_path(text) {
            Ok(compiled) => {
                Some(Self { reach: reach(text, &compiled), text: text.clone(), compiled })
            }
            Err(error) => {
                let message = error.to_string();
                // The parser draws the place over several lines; the last one says what it expected.
                let reason =
                    message.lines().last().unwrap_or_default().trim().trim_start_matches("= ");
                out.push(
                    Diagnostic::error(
                        "invalid-jsonpath",
                        at.pointer(),
                        format!("invalid JSONPath {text:?}: {reason}"),
                    )
                    .help("paths start at the root `$`, as in $.items[*].name or $..password (RFC 9535)"),
                );
                None
            }
        }
    }

    fn schema() -> Value {
        torana_config::json!({"type": "string", "pattern": "^\\$"})
    }
}

fn reach(text: &str, query: &JpQuery) -> Reach {
    // A second `$` is a filter that looks elsewhere in the data.
    if text.matches('$').count() > 1 {
        return Reach::All;
    }
    match query.segments.first() {
        Some(Segment::Selector(Selector::Name(name))) => Reach::Member(name.clone()),
        Some(Segment::Descendant(segment)) => match &**segment {
            // Names that JSON may write in more than one way without `\u` are not searched for.
            Segment::Selector(Selector::Name(name))
                if name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') =>
            {
                Reach::Mentioning(name.clone())
            }
            _ => Reach::All,
        },
        _ => Reach::All,
    }
}

impl Query {
    /// The query as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the query can find one value at most (RFC 9535, 2.3.5.1: a singular query).
    #[must_use]
    pub fn is_singular(&self) -> bool {
        self.compiled.segments.iter().all(|segment| {
            matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_)))
        })
    }

    fn reaches(&self, key: &str, value: &entity::Value) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Member(name) => key == name,
            Reach::Mentioning(name) => {
                key == name
                    || match value {
                        // The name, or an escape that may spell it.
                        entity::Value::Raw(raw) => {
                            let text = raw.as_bytes();
                            memchr::memmem::find(text, name.as_bytes()).is_some()
                                || memchr::memmem::find(text, b"\\u").is_some()
                        }
                        entity::Value::Object(_) | entity::Value::Tree(_) => true,
                    }
            }
        }
    }

    /// Copies of what the query finds.
    pub(super) fn find(&self, object: &Object) -> Result<Vec<Value>, Error> {
        let mut reached = Map::new();
        for (key, value) in object.iter().filter(|(key, value)| self.reaches(key, value)) {
            reached.insert(key.to_owned(), value.clone().into_tree()?);
        }
        let root = Value::Object(reached);
        Ok(self.run(&root)?.into_iter().map(|found| found.val.clone()).collect())
    }

    /// Works on the reached members with the places of what the query finds in them.
    pub(super) fn edit(
        &self,
        object: &mut Object,
        work: impl FnOnce(&mut Map<String, Value>, Vec<Location>),
    ) -> Result<(), Error> {
        object.edit_members(
            |key, value| self.reaches(key, value),
            |map| {
                if map.is_empty() && self.reach != Reach::All {
                    return Ok(());
                }
                let root = Value::Object(std::mem::take(map));
                let places: Result<Vec<_>, Error> = self
                    .run(&root)?
                    .iter()
                    .map(|found| parse(&found.path).ok_or_else(|| self.fault()))
                    .collect();
                let places = places?;
                if let Value::Object(members) = root {
                    *map = members;
                }
                work(map, places);
                Ok(())
            },
        )?
    }

    fn run<'v>(&self, root: &'v Value) -> Result<Vec<QueryRef<'v, Value>>, Error> {
        js_path_process(&self.compiled, root).map_err(|error| self.fault().with_source(error))
    }

    fn fault(&self) -> Error {
        Error::new(ErrorKind::Internal, format!("JSONPath {:?} cannot be applied", self.text))
    }
}
