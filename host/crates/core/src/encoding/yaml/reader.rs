//! YAML text as a tree. Aliases are expanded within a limit, so a small document cannot become a large one.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::scalar;
use crate::{
    Error, ErrorKind,
    entity::{Map, Tree},
};

/// Deepest nesting, as for JSON.
const MAX_DEPTH: usize = 126;

/// Most memory, roughly, that the values of one document may take, copies by aliases included.
const MAX_WEIGHT: usize = 32 << 20;

/// What a value takes beside its text.
const VALUE_WEIGHT: usize = 64;

/// The key that merges another mapping (YAML 1.1, `tag:yaml.org,2002:merge`).
const MERGE: &str = "<<";

/// Reads the first document of a stream; `null` if there is none.
pub(super) fn read(body: &[u8]) -> Result<Tree, Error> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::new(ErrorKind::Decode, "YAML is not UTF-8").with_source(error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event
            .map_err(|error| Error::new(ErrorKind::Decode, format!("invalid YAML: {error}")))?;
        if let Some(document) = builder.event(event)? {
            return Ok(document);
        }
    }
    Ok(Tree::Null)
}

/// A tree under construction.
#[derive(Default)]
struct Builder {
    open: Vec<Container>,
    /// Anchored values with their weights.
    anchors: HashMap<usize, (Tree, usize)>,
    weight: usize,
}

struct Container {
    anchor: usize,
    /// Weight of the document when this was opened.
    before: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Tree>),
    Mapping { map: Map, merged: Vec<Tree>, key: Option<Key> },
}

enum Key {
    Name(String),
    Merge,
}

impl Builder {
    /// Takes an event; gives the document when it is whole.
    fn event(&mut self, event: Event<'_>) -> Result<Option<Tree>, Error> {
        match event {
            Event::Alias(anchor) => {
                // An alias inside of its own anchor is not known yet either.
                let Some((tree, weight)) = self.anchors.get(&anchor) else {
                    return Err(error("YAML alias without an anchor in front of it"));
                };
                // Weighed before it is cloned.
                weigh(&mut self.weight, *weight)?;
                let tree = tree.clone();
                self.add(tree, false)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let before = self.weight;
                weigh(&mut self.weight, VALUE_WEIGHT + text.len())?;
                let plain = style == ScalarStyle::Plain;
                let merge = plain && text == MERGE;
                let tree = resolve(&text, plain, tag.as_deref());
                self.anchor(anchor, before, &tree)?;
                self.add(tree, merge)
            }
            Event::SequenceStart(anchor, _) => self.open(anchor, Content::Sequence(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let content = Content::Mapping { map: Map::new(), merged: Vec::new(), key: None };
                self.open(anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            // An empty document has no value event of its own kind: the parser gives a null scalar.
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(None),
        }
    }

    fn open(&mut self, anchor: usize, content: Content) -> Result<Option<Tree>, Error> {
        if self.open.len() >= MAX_DEPTH {
            return Err(error("YAML is nested too deeply"));
        }
        let before = self.weight;
        weigh(&mut self.weight, VALUE_WEIGHT)?;
        self.open.push(Container { anchor, before, content });
        Ok(None)
    }

    fn close(&mut self) -> Result<Option<Tree>, Error> {
        let Some(container) = self.open.pop() else { return Err(error("invalid YAML")) };
        let tree = match container.content {
            Content::Sequence(items) => Tree::Array(items),
            Content::Mapping { mut map, merged, .. } => {
                merged.into_iter().for_each(|source| merge(&mut map, source));
                Tree::Object(map)
            }
        };
        self.anchor(container.anchor, container.before, &tree)?;
        self.add(tree, false)
    }

    /// Remembers an anchored value, which is a copy and weighs as much again.
    fn anchor(&mut self, anchor: usize, before: usize, tree: &Tree) -> Result<(), Error> {
        if anchor > 0 {
            let weight = self.weight - before;
            weigh(&mut self.weight, weight)?;
            self.anchors.insert(anchor, (tree.clone(), weight));
        }
        Ok(())
    }

    /// Puts a value into the innermost container; gives it back if there is none.
    fn add(&mut self, tree: Tree, is_merge: bool) -> Result<Option<Tree>, Error> {
        match self.open.last_mut().map(|container| &mut container.content) {
            None => return Ok(Some(tree)),
            Some(Content::Sequence(items)) => items.push(tree),
            Some(Content::Mapping { map, merged, key }) => match key.take() {
                None if is_merge => *key = Some(Key::Merge),
                None => *key = Some(Key::Name(name(tree)?)),
                Some(Key::Merge) => merged.push(tree),
                Some(Key::Name(name)) => {
                    map.insert(name, tree);
                }
            },
        }
        Ok(None)
    }
}

fn weigh(weight: &mut usize, more: usize) -> Result<(), Error> {
    *weight += more;
    if *weight > MAX_WEIGHT { Err(error("YAML expands to too much data")) } else { Ok(()) }
}

/// The value of a scalar by its tag, else by the core schema (YAML 1.2, 10.3.2). What is quoted is text.
fn resolve(text: &str, plain: bool, tag: Option<&Tag>) -> Tree {
    match tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str()) {
        Some("str" | "binary") => text.into(),
        Some(_) => scalar::value(text),
        None if plain => scalar::value(text),
        None => text.into(),
    }
}

/// A key as text. JSON has no others.
fn name(key: Tree) -> Result<String, Error> {
    match key {
        Tree::String(text) => Ok(text),
        Tree::Array(_) | Tree::Object(_) => Err(error("a YAML key that is not a scalar")),
        scalar => Ok(scalar.to_string()),
    }
}

/// Adds what is not there yet: own keys win over merged ones, and of those the first.
fn merge(map: &mut Map, source: Tree) {
    match source {
        Tree::Object(source) => {
            for (key, value) in source {
                map.entry(key).or_insert(value);
            }
        }
        Tree::Array(sources) => sources.into_iter().for_each(|source| merge(map, source)),
        _ => {}
    }
}

fn error(message: &'static str) -> Error {
    Error::new(ErrorKind::Decode, message)
}
