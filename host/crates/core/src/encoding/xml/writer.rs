//! A tree as an XML document. Whatever the keys and texts are, the document is well-formed.

use super::{ATTRIBUTE, TEXT};
use crate::entity::{Map, Tree};

/// The root where there is more than one top-level element.
const ROOT: &str = "doc";

/// A document: a single element of the data is its root, else the data stands in `<doc>`.
pub(super) fn document(map: &Map) -> String {
    let mut out = String::new();
    let mut entries = map.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None)
            if !value.is_array() && !key.starts_with(ATTRIBUTE) && key != TEXT =>
        {
            element(&mut out, key, value);
        }
        _ => object(&mut out, ROOT, map),
    }
    out
}

/// One element; a list is one element for each item.
fn element(out: &mut String, name: &str, value: &Tree) {
    match value {
        Tree::Object(map) => object(out, name, map),
        Tree::Array(items) => items.iter().for_each(|item| element(out, name, item)),
        scalar => wrap(out, name, "", |out| text(out, &scalar_text(scalar))),
    }
}

fn object(out: &mut String, name: &str, map: &Map) {
    let mut attributes = String::new();
    for (key, value) in map {
        if let Some(attribute) = attribute(key, value) {
            attributes.push(' ');
            self::name(&mut attributes, attribute);
            attributes.push_str("=\"");
            let start = attributes.len();
            text(&mut attributes, &scalar_text(value));
            // In an attribute readers would make spaces of these.
            let value = attributes.split_off(start).replace('\n', "&#10;").replace('\t', "&#9;");
            attributes.push_str(&value);
            attributes.push('"');
        }
    }
    wrap(out, name, &attributes, |out| {
        for (key, value) in map {
            if key == TEXT && !value.is_object() && !value.is_array() {
                text(out, &scalar_text(value));
            } else if attribute(key, value).is_none() {
                element(out, key, value);
            }
        }
    });
}

/// The attribute's name if a member is one: `-name` with a value that fits into an attribute.
fn attribute<'k>(key: &'k str, value: &Tree) -> Option<&'k str> {
    let name = key.strip_prefix(ATTRIBUTE)?;
    (!name.is_empty() && !value.is_object() && !value.is_array()).then_some(name)
}

fn wrap(out: &mut String, element: &str, attributes: &str, content: impl FnOnce(&mut String)) {
    out.push('<');
    name(out, element);
    out.push_str(attributes);
    let start = out.len();
    out.push('>');
    let inside = out.len();
    content(out);
    if out.len() == inside {
        out.truncate(start);
        out.push_str("/>");
    } else {
        out.push_str("</");
        name(out, element);
        out.push('>');
    }
}

fn scalar_text(scalar: &Tree) -> String {
    match scalar {
        Tree::Null => String::new(),
        Tree::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Writes a name; characters that a name cannot have become `_` (XML 1.0, production 5, without the colon, which
/// would name a namespace).
fn name(out: &mut String, name: &str) {
    if !name.starts_with(starts_name) {
        out.push('_');
    }
    let part = |c: char| {
        starts_name(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
    };
    out.extend(name.chars().map(|c| if part(c) { c } else { '_' }));
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// Writes text, escaped; characters that XML cannot have become U+FFFD (XML 1.0, production 2).
pub(in crate::encoding) fn text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // As a character, readers would make a line feed of it.
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
