//! A tree as a YAML document in block style. Texts that any reader could take for something else are quoted.

use std::fmt::Write;

use crate::entity::Tree;

/// Longest text of a key that stands in front of its colon (YAML 1.2.2, 7.4: 1024 characters).
const MAX_SIMPLE_KEY: usize = 1000;

/// A document.
pub(super) fn document(tree: &Tree) -> String {
    let mut out = String::new();
    match tree {
        Tree::Object(map) if !map.is_empty() => block(&mut out, tree, 0),
        Tree::Array(items) if !items.is_empty() => block(&mut out, tree, 0),
        _ => {
            leaf(&mut out, tree);
            out.push('\n');
        }
    }
    out
}

/// The lines of a container that is not empty. The first line is not indented: the caller stands where it starts.
fn block(out: &mut String, tree: &Tree, indent: usize) {
    let mut first = true;
    let mut line = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    match tree {
        Tree::Object(map) => {
            for (key, value) in map {
                line(out);
                self::key(out, key, indent);
                member(out, value, indent);
            }
        }
        Tree::Array(items) => {
            for item in items {
                line(out);
                out.push('-');
                if is_block(item) {
                    out.push(' ');
                    block(out, item, indent + 2);
                } else {
                    out.push(' ');
                    leaf(out, item);
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

fn key(out: &mut String, key: &str, indent: usize) {
    if key.len() <= MAX_SIMPLE_KEY {
        text(out, key);
    } else {
        out.push_str("? ");
        text(out, key);
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push(':');
}

/// The value behind a key's colon.
fn member(out: &mut String, value: &Tree, indent: usize) {
    if is_block(value) {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent + 2));
        block(out, value, indent + 2);
    } else {
        out.push(' ');
        leaf(out, value);
        out.push('\n');
    }
}

fn is_block(tree: &Tree) -> bool {
    match tree {
        Tree::Object(map) => !map.is_empty(),
        Tree::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// A scalar or an empty container.
fn leaf(out: &mut String, tree: &Tree) {
    match tree {
        Tree::String(string) => text(out, string),
        Tree::Array(_) => out.push_str("[]"),
        Tree::Object(_) => out.push_str("{}"),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Text: plain where no reader can mistake it, else in double quotes.
fn text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Not printable, or a line break for YAML 1.1.
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether text needs no quotes: letters first, no sign that means something, and no word that YAML 1.1 or 1.2 reads
/// as a boolean or null.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b' ' | b'_' | b'-' | b'.' | b'/' | b'@' | b'+')
        })
        && !text.ends_with(' ')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}
