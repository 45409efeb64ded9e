//! YAML documents: events and positions from `saphyr-parser`; scalars as YAML 1.2's core schema has them.

use std::{collections::HashMap, ops::Range};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

use super::{
    SyntaxError,
    node::{Children, Member, Node},
};

/// As deep as JSON documents may be.
const MAX_DEPTH: usize = 128;
/// How many values aliases may add: a few lines of nested aliases can stand for billions.
const MAX_ALIASED: usize = 1_000_000;

/// Reads values and positions of the only document of a stream.
pub(super) fn parse(text: &str) -> Result<(Value, Node), SyntaxError> {
    let mut reader = Reader::new(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| reader.scan_error(&error))?;
        let range = reader.offset(&span.start)..reader.offset(&span.end);
        reader.event(event, range)?;
    }
    Ok(reader.root.unwrap_or_default())
}

/// A collection that is being read.
struct Open {
    value: Collection,
    start: usize,
    anchor: usize,
    /// Values in it, itself included, and levels below it.
    weight: usize,
    height: usize,
}

enum Collection {
    Sequence(Vec<Value>, Vec<Node>),
    Mapping {
        values: Map<String, Value>,
        members: Vec<Member>,
        merged: Vec<(Value, Node)>,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
enum Key {
    /// An ordinary key and its place.
    Name(String, Range<usize>),
    /// `<<`.
    Merge,
}

/// A finished value with an anchor.
struct Anchor {
    value: Value,
    node: Node,
    weight: usize,
    height: usize,
}

/// A finished value.
struct Done {
    value: Value,
    node: Node,
    anchor: usize,
    weight: usize,
    height: usize,
    /// A scalar written without quotes: only such a `<<` merges.
    plain: bool,
}

struct Reader {
    /// Byte offset of each character; `None` while all are ASCII.
    offsets: Option<Vec<usize>>,
    length: usize,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    aliased: usize,
    root: Option<(Value, Node)>,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self {
            offsets: (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect()),
            length: text.len(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            aliased: 0,
            root: None,
        }
    }

    fn offset(&self, marker: &Marker) -> usize {
        match &self.offsets {
            None => marker.index().min(self.length),
            Some(offsets) => offsets.get(marker.index()).copied().unwrap_or(self.length),
        }
    }

    fn scan_error(&self, error: &ScanError) -> SyntaxError {
        SyntaxError { offset: self.offset(error.marker()), message: error.info().to_owned() }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), SyntaxError> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(SyntaxError { offset: range.start, message: "a second document".to_owned() })
            }
            Event::SequenceStart(anchor, _) => {
                self.open(Collection::Sequence(Vec::new(), Vec::new()), anchor, range.start)
            }
            Event::MappingStart(anchor, _) => {
                let mapping = Collection::Mapping {
                    values: Map::new(),
                    members: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(mapping, anchor, range.start)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = scalar(&text, plain, tag.as_deref());
                let key = self.expects_key().then(|| text.into_owned());
                let node = Node { range, children: Children::None };
                self.add(key, Done { value, node, anchor, weight: 1, height: 0, plain })
            }
            Event::Alias(anchor) => self.alias(anchor, range),
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { value: Collection::Mapping { key: None, .. }, .. }))
    }

    fn open(&mut self, value: Collection, anchor: usize, start: usize) -> Result<(), SyntaxError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(start));
        }
        self.stack.push(Open { value, start, anchor, weight: 1, height: 1 });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), SyntaxError> {
        let Some(Open { value, start, anchor, weight, height }) = self.stack.pop() else {
            return Ok(());
        };
        let (value, children) = match value {
            Collection::Sequence(values, nodes) => (Value::Array(values), Children::Items(nodes)),
            Collection::Mapping { values, members, merged, .. } => {
                let (values, members) = merge(values, members, merged);
                (Value::Object(values), Children::Members(members))
            }
        };
        let node = Node { range: start..end.max(start), children };
        self.add(None, Done { value, node, anchor, weight, height, plain: false })
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), SyntaxError> {
        let Some(found) = self.anchors.get(&anchor) else {
            let message = "an alias inside of what it names".to_owned();
            return Err(SyntaxError { offset: range.start, message });
        };
        self.aliased += found.weight;
        if self.aliased > MAX_ALIASED {
            let message = format!("aliases stand for more than {MAX_ALIASED} values");
            return Err(SyntaxError { offset: range.start, message });
        }
        if self.stack.len() + found.height > MAX_DEPTH {
            return Err(too_deep(range.start));
        }
        let mut node = found.node.clone();
        node.range = range;
        let done = Done {
            value: found.value.clone(),
            node,
            anchor: 0,
            weight: found.weight,
            height: found.height,
            plain: false,
        };
        let key = match &done.value {
            Value::String(text) if self.expects_key() => Some(text.clone()),
            Value::Number(number) if self.expects_key() => Some(number.to_string()),
            _ => None,
        };
        self.add(key, done)
    }

    /// Puts a finished value where it belongs; `key` is its text if it may be a key.
    fn add(&mut self, key: Option<String>, done: Done) -> Result<(), SyntaxError> {
        let Done { value, node, anchor, weight, height, plain } = done;
        if anchor != 0 {
            let (value, node) = (value.clone(), node.clone());
            // The copy that waits for aliases counts as well.
            self.aliased += weight;
            self.anchors.insert(anchor, Anchor { value, node, weight, height });
        }
        let Some(parent) = self.stack.last_mut() else {
            self.root = Some((value, node));
            return Ok(());
        };
        parent.weight += weight;
        parent.height = parent.height.max(height + 1);
        match &mut parent.value {
            Collection::Sequence(values, nodes) => {
                values.push(value);
                nodes.push(node);
            }
            Collection::Mapping { values, members, merged, key: waiting } => match waiting.take() {
                None => {
                    let Some(text) = key else {
                        let message = "a key must be a scalar".to_owned();
                        return Err(SyntaxError { offset: node.range.start, message });
                    };
                    let merges = plain && text == "<<";
                    *waiting = Some(if merges { Key::Merge } else { Key::Name(text, node.range) });
                }
                Some(Key::Merge) => merged.push((value, node)),
                Some(Key::Name(key, key_range)) => {
                    values.insert(key.clone(), value);
                    members.push(Member { key, key_range, value: node });
                }
            },
        }
        Ok(())
    }
}

fn too_deep(offset: usize) -> SyntaxError {
    SyntaxError { offset, message: format!("more than {MAX_DEPTH} levels deep") }
}

/// `<<: *base` and `<<: [*a, *b]`: keys that are not there yet are taken over, earlier ones first.
fn merge(
    mut values: Map<String, Value>,
    mut members: Vec<Member>,
    merged: Vec<(Value, Node)>,
) -> (Map<String, Value>, Vec<Member>) {
    for (value, node) in merged {
        match (value, node.children) {
            (Value::Object(base), Children::Members(places)) => {
                take_over(&mut values, &mut members, base, places);
            }
            (Value::Array(bases), Children::Items(nodes)) => {
                for (base, node) in bases.into_iter().zip(nodes) {
                    if let (Value::Object(base), Children::Members(places)) = (base, node.children)
                    {
                        take_over(&mut values, &mut members, base, places);
                    }
                }
            }
            _ => {}
        }
    }
    (values, members)
}

fn take_over(
    values: &mut Map<String, Value>,
    members: &mut Vec<Member>,
    base: Map<String, Value>,
    mut places: Vec<Member>,
) {
    places.retain(|member| !values.contains_key(&member.key));
    members.append(&mut places);
    for (key, value) in base {
        values.entry(key).or_insert(value);
    }
}

fn scalar(text: &str, plain: bool, tag: Option<&Tag>) -> Value {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix != "str" => plain_scalar(text),
        None if plain => plain_scalar(text),
        _ => Value::String(text.to_owned()),
    }
}

/// YAML 1.2.2, 10.3.2. Numbers keep their text where JSON can write it.
fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Ok(number) = text.parse::<Number>() {
        return Some(number);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    let decimal = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !text.chars().all(decimal) {
        return None;
    }
    let whole = text.strip_prefix('+').unwrap_or(text).parse::<i64>().ok().map(Number::from);
    whole.or_else(|| text.parse().ok().and_then(Number::from_f64))
}
