//! TOML documents: values and positions from `toml_edit`.

use serde_json::{Map, Number, Value};
use toml_edit::{Item, Key, TableLike};

use super::{
    SyntaxError,
    node::{Children, Member, Node},
};

/// Reads values and positions.
pub(super) fn parse(text: &str) -> Result<(Value, Node), SyntaxError> {
    let document = toml_edit::Document::parse(text).map_err(|error| SyntaxError {
        offset: error.span().map_or(0, |span| span.start),
        message: error.message().to_owned(),
    })?;
    let (value, mut node) = table(document.as_table(), text);
    node.range = 0..text.len();
    Ok((value, node))
}

fn table(table: &dyn TableLike, text: &str) -> (Value, Node) {
    let mut values = Map::new();
    let mut members = Vec::new();
    for (name, child) in table.iter() {
        let (value, mut node) = item(child, text);
        let key = table.get_key_value(name).map(|(key, _): (&Key, _)| key);
        let key_range = key.and_then(Key::span).unwrap_or_else(|| node.range.clone());
        // A table that only `[a.b]` names has no text of its own but its key.
        if node.range.is_empty() {
            node.range = key_range.clone();
        }
        values.insert(name.to_owned(), value);
        members.push(Member { key: name.to_owned(), key_range, value: node });
    }
    (Value::Object(values), Node { range: 0..0, children: Children::Members(members) })
}

fn item(item: &Item, text: &str) -> (Value, Node) {
    let (value, mut node) = match item {
        Item::None => (Value::Null, Node::default()),
        Item::Value(found) => value(found, text),
        Item::Table(found) => table(found, text),
        Item::ArrayOfTables(found) => array(found.iter().map(|element| {
            let (value, mut node) = table(element, text);
            node.range = element.span().unwrap_or(0..0);
            (value, node)
        })),
    };
    if let Some(range) = item.span() {
        node.range = range;
    }
    (value, node)
}

fn value(found: &toml_edit::Value, text: &str) -> (Value, Node) {
    let (value, mut node) = match found {
        toml_edit::Value::String(string) => (string.value().as_str().into(), Node::default()),
        toml_edit::Value::Integer(integer) => ((*integer.value()).into(), Node::default()),
        toml_edit::Value::Boolean(boolean) => ((*boolean.value()).into(), Node::default()),
        toml_edit::Value::Float(float) => {
            let written = float.span().and_then(|range| text.get(range)).unwrap_or_default();
            (self::float(written, *float.value()), Node::default())
        }
        toml_edit::Value::Datetime(time) => (time.value().to_string().into(), Node::default()),
        toml_edit::Value::Array(items) => array(items.iter().map(|item| value(item, text))),
        toml_edit::Value::InlineTable(members) => table(members, text),
    };
    node.range = found.span().unwrap_or(0..0);
    (value, node)
}

fn array(items: impl Iterator<Item = (Value, Node)>) -> (Value, Node) {
    let (values, nodes) = items.unzip();
    (Value::Array(values), Node { range: 0..0, children: Children::Items(nodes) })
}

/// Keeps the text where it is a JSON number; JSON knows no infinities, so they become text.
fn float(written: &str, number: f64) -> Value {
    match written.parse::<Number>().ok().or_else(|| Number::from_f64(number)) {
        Some(number) => Value::Number(number),
        None => Value::String(written.to_owned()),
    }
}
