//! `flatmap_filter`: moves, appends and deletes by paths with wildcards, also inside lists (reference 5.4).

mod node;

use torana_config::{
    At, Diagnostic, Diagnostics, FromConfig, Pointer, config, did_you_mean, valid::Extra,
};

use self::node::Node;
use crate::{
    Error,
    entity::{Map, Object, Tree},
};

config! {
    /// One operation of a flatmap.
    pub struct FlatmapOperation {
        /// `move` (from, to), `append` (from, to) or `del` (any number of paths).
        "type" kind: String,
        /// Dot paths; `*` stands for any key or index.
        "args" args: Vec<String>,
    }
}

/// Operations in the order in which they run, compiled at load.
#[derive(Debug, Clone)]
pub struct Flatmap {
    operations: Box<[Operation]>,
    /// The top-level keys that any operation can touch; `None` for all of them. The others are never parsed.
    touched: Option<Box<[String]>>,
}

#[derive(Debug, Clone)]
enum Operation {
    Move { from: Path, to: Path },
    Append { from: Path, to: Path },
    Delete { path: Path },
}

/// A dot path.
type Path = Box<[Segment]>;

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    text: String,
    /// The place in a list that the text names.
    index: Option<usize>,
}

const WILDCARD: &str = "*";

/// Key of the configuration.
const KEY: &str = "flatmap_filter";

impl Segment {
    fn is_wildcard(&self) -> bool {
        self.text == WILDCARD
    }
}

fn path(text: &str) -> Path {
    text.split('.')
        .map(|text| {
            // Only the way Go prints an index names one: not `01`, not `+1`.
            let index = text.parse::<usize>().ok().filter(|index| index.to_string() == text);
            Segment { text: text.to_owned(), index }
        })
        .collect()
}

impl Flatmap {
    /// The flatmap of a level: `flatmap_filter` under the namespace `proxy`, if there is one.
    pub fn of(extra: &Extra, out: &mut Diagnostics) -> Option<Self> {
        let component = extra.get("proxy")?;
        let value = component.value.get(KEY).filter(|value| !value.is_null())?;
        Self::read(value, &component.at.key(KEY), out)
    }

    /// Reads the value of `flatmap_filter`. Problems go to `out`; an unknown type is a warning and does nothing.
    pub fn read(value: &Tree, at: &Pointer, out: &mut Diagnostics) -> Option<Self> {
        let Tree::Array(items) = value else {
            out.push(torana_config::wrong_type("an array of operations", value, At::Root(at)));
            return None;
        };
        let root = At::Root(at);
        let mut operations = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let at = At::Index(&root, index);
            if let Some(operation) = FlatmapOperation::from_config(item, at, out) {
                compile(&operation, &at.pointer(), out, &mut operations);
            }
        }
        (!operations.is_empty()).then(|| Self::new(operations))
    }

    fn new(operations: Vec<Operation>) -> Self {
        let mut touched = Vec::new();
        let mut bounded = true;
        for operation in &operations {
            let (source, destination) = match operation {
                Operation::Move { from, to } | Operation::Append { from, to } => (from, Some(to)),
                Operation::Delete { path } => (path, None),
            };
            bounded &= !source[0].is_wildcard();
            touched.push(source[0].text.clone());
            touched.extend(destination.map(|path| path[0].text.clone()));
        }
        touched.sort();
        touched.dedup();
        Self { operations: operations.into(), touched: bounded.then(|| touched.into_boxed_slice()) }
    }

    /// Runs the operations.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if raw data cannot be read; cannot happen for data that was
    /// checked.
    pub fn apply(&self, object: &mut Object) -> Result<(), Error> {
        match &self.touched {
            Some(keys) => object.edit_members(
                |key, _| keys.binary_search_by(|known| known.as_str().cmp(key)).is_ok(),
                |map| self.run(map),
            ),
            None => object.edit(|map| self.run(map)),
        }
    }

    fn run(&self, map: &mut Map) {
        let mut root = Node::from(Tree::Object(std::mem::take(map)));
        for operation in &self.operations {
            match operation {
                Operation::Move { from, to } => root.relocate(from, to),
                Operation::Append { from, to } => root.append(from, to),
                Operation::Delete { path } => root.delete(path),
            }
        }
        if let Tree::Object(result) = Tree::from(root) {
            *map = result;
        }
    }

    /// What it does, in a few words: `move a.*.b to a.*.c; del d`.
    #[must_use]
    pub fn describe(&self) -> String {
        let text = |path: &Path| {
            path.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(".")
        };
        let words = self.operations.iter().map(|operation| match operation {
            Operation::Move { from, to } => format!("move {} to {}", text(from), text(to)),
            Operation::Append { from, to } => format!("append {} to {}", text(from), text(to)),
            Operation::Delete { path } => format!("del {}", text(path)),
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

fn compile(
    operation: &FlatmapOperation,
    at: &Pointer,
    out: &mut Diagnostics,
    operations: &mut Vec<Operation>,
) {
    let kind = operation.kind.as_str();
    match (kind, &operation.args[..]) {
        ("move", [from, to]) => {
            operations.push(Operation::Move { from: path(from), to: path(to) });
        }
        ("append", [from, to]) => {
            let to = path(to);
            if to.iter().any(Segment::is_wildcard) {
                out.push(
                    Diagnostic::error(
                        "flatmap-args",
                        at.key("args").index(1),
                        "`append` cannot write to a path with a wildcard",
                    )
                    .help("name the one list to append to"),
                );
                return;
            }
            operations.push(Operation::Append { from: path(from), to });
        }
        ("del", paths) => {
            operations.extend(paths.iter().map(|text| Operation::Delete { path: path(text) }));
        }
        ("move" | "append", args) => out.push(Diagnostic::error(
            "flatmap-args",
            at.key("args"),
            format!("`{kind}` takes two paths, from and to, not {}", args.len()),
        )),
        _ => {
            let mut diagnostic = Diagnostic::warning(
                "unknown-word",
                at.key("type"),
                format!("unknown flatmap operation `{kind}`, which does nothing"),
            );
            diagnostic.help = did_you_mean(kind, ["move", "append", "del"])
                .or_else(|| Some("write move, append or del".to_owned()));
            out.push(diagnostic);
        }
    }
}

#[cfg(test)]
mod tests;
