//! Places in a tree, named by normalized paths (RFC 9535, 2.7).

use serde_json::{Map, Value};

/// A place: the steps from the root.
pub(super) type Location = Vec<Step>;

/// One step of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Index(usize),
    Key(String),
}

/// Reads a normalized path: `$['a'][0]`.
pub(super) fn parse(path: &str) -> Option<Location> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let inside = rest.strip_prefix('[')?;
        let (step, behind) = match inside.strip_prefix('\'') {
            Some(quoted) => name(quoted)?,
            None => {
                let (digits, behind) = inside.split_once(']')?;
                (Step::Index(digits.parse().ok()?), behind)
            }
        };
        steps.push(step);
        rest = behind;
    }
    Some(steps)
}

/// Reads a name behind its opening quote, up to `']`.
fn name(quoted: &str) -> Option<(Step, &str)> {
    let mut name = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '\'' => return Some((Step::Key(name), characters.as_str().strip_prefix(']')?)),
            '\\' => name.push(match characters.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let rest = characters.as_str();
                    let unit = u32::from_str_radix(rest.get(..4)?, 16).ok()?;
                    characters = rest[4..].chars();
                    char::from_u32(unit)?
                }
                escaped @ ('\'' | '\\') => escaped,
                _ => return None,
            }),
            character => name.push(character),
        }
    }
}

/// Removes what is at the places. The root itself becomes empty.
pub(super) fn delete(map: &mut Map<String, Value>, mut places: Vec<Location>) {
    // Last ones first: indices in front stay true, and what is inside goes before what is around it.
    places.sort_unstable_by(|a, b| b.cmp(a));
    places.dedup();
    for place in places {
        let Some((last, parents)) = place.split_last() else {
            map.clear();
            return;
        };
        match (last, parents.split_first()) {
            (Step::Key(key), None) => drop(map.remove(key)),
            (Step::Index(_), None) => {}
            (last, Some(_)) => {
                if let Some(parent) = at(map, parents) {
                    remove(parent, last);
                }
            }
        }
    }
}

fn remove(parent: &mut Value, step: &Step) {
    match (parent, step) {
        (Value::Object(map), Step::Key(key)) => drop(map.remove(key)),
        (Value::Array(items), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}

/// The value at a place other than the root.
pub(super) fn at<'m>(map: &'m mut Map<String, Value>, place: &[Step]) -> Option<&'m mut Value> {
    let (first, rest) = place.split_first()?;
    let Step::Key(key) = first else { return None };
    rest.iter().try_fold(map.get_mut(key)?, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    #[test]
    fn reads_normalized_paths() {
        assert_eq!(parse("$"), Some(vec![]));
        assert_eq!(parse("$['a'][10]['b c']"), Some(vec![key("a"), Step::Index(10), key("b c")]));
        assert_eq!(parse(r"$['\'][\\\n\u000b']['ü']"), Some(vec![key("'][\\\n\u{b}"), key("ü")]));
    }

    #[test]
    fn refuses_what_is_no_normalized_path() {
        for path in ["", "a", "$.a", "$['a", "$['a'", "$[x]", "$[-1]", "$['\\x']", "$['\\u12']"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
