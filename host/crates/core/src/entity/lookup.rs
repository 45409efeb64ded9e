//! Looking up one value by its dot path, for placeholders that later calls are filled with.

use super::{Object, Raw, Tree, Value};

impl Object {
    /// The value at a dot path as text (reference 4.3, value conversion): strings as they are, numbers as they were
    /// written, lists joined with `,`, `null` as `<nil>`. The path walks objects only. `None` if there is nothing. An
    /// object is its JSON text, where KrakenD prints Go's map notation.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<String> {
        let (first, rest) = cut(path);
        self.get(first)?.text_at(rest)
    }
}

impl Value {
    fn text_at(&self, path: Option<&str>) -> Option<String> {
        match (self, path) {
            (Self::Raw(raw), None) => raw_text(raw),
            (Self::Raw(raw), Some(path)) => {
                let (first, rest) = cut(path);
                Self::Raw(raw.member(first)?).text_at(rest)
            }
            (Self::Object(object), None) => {
                Some(String::from_utf8_lossy(&object.to_bytes()).into_owned())
            }
            (Self::Object(object), Some(path)) => object.text_at(path),
            (Self::Tree(tree), None) => Some(tree_text(tree)),
            (Self::Tree(tree), Some(path)) => {
                path.split('.').try_fold(tree, |tree, segment| tree.get(segment)).map(tree_text)
            }
        }
    }
}

/// The first segment of a dot path and the rest.
fn cut(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    }
}

fn raw_text(raw: &Raw) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' | b'[' | b'n' => raw.to_tree().ok().as_ref().map(tree_text),
        // Numbers, booleans and objects are their own text.
        _ => Some(raw.as_str().to_owned()),
    }
}

fn tree_text(tree: &Tree) -> String {
    match tree {
        Tree::Null => "<nil>".to_owned(),
        Tree::String(text) => text.clone(),
        Tree::Array(items) => items.iter().map(tree_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
