//! The shape of a document's text: where each key and value stands. The same for all formats.

use std::{collections::HashMap, ops::Range};

use crate::{Diagnostic, Part, Pointer};

/// The place of a value and of what is in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Bytes of the value.
    pub(super) range: Range<usize>,
    /// What is in it.
    pub(super) children: Children,
}

/// What is in a value.
#[derive(Debug, Clone, Default)]
pub(super) enum Children {
    /// A scalar.
    #[default]
    None,
    /// An object, in the order of the text, duplicates included.
    Members(Vec<Member>),
    /// An array.
    Items(Vec<Node>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The key, unescaped.
    pub(super) key: String,
    /// Bytes of the key.
    pub(super) key_range: Range<usize>,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// The bytes of a value or key, or of its nearest ancestor that exists.
    pub(super) fn find(&self, at: &Pointer, part: Part) -> Range<usize> {
        let mut node = self;
        let mut key = None;
        for segment in at.segments() {
            let next = match &node.children {
                // The last of several equal keys counts, as for the values.
                Children::Members(members) => members
                    .iter()
                    .rfind(|member| member.key == segment)
                    .map(|member| (Some(&member.key_range), &member.value)),
                Children::Items(items) => segment
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .map(|item| (None, item)),
                Children::None => None,
            };
            match next {
                Some(next) => (key, node) = next,
                None => return node.range.clone(),
            }
        }
        match (part, key) {
            (Part::Key, Some(key)) => key.clone(),
            _ => node.range.clone(),
        }
    }

    /// A warning for each key that an object has more than once.
    pub(super) fn duplicates(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        self.gather_duplicates(&Pointer::root(), &mut found);
        found
    }

    fn gather_duplicates(&self, at: &Pointer, found: &mut Vec<Diagnostic>) {
        match &self.children {
            Children::None => {}
            Children::Items(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.gather_duplicates(&at.index(index), found);
                }
            }
            Children::Members(members) => {
                let mut times = HashMap::<&str, usize>::with_capacity(members.len());
                for member in members {
                    let at = at.key(&member.key);
                    let times = times.entry(&member.key).or_default();
                    *times += 1;
                    if *times == 2 {
                        let message =
                            format!("duplicate key `{}`: only the last counts", member.key);
                        found.push(
                            Diagnostic::warning("duplicate-key", at.clone(), message).on_key(),
                        );
                    }
                    member.value.gather_duplicates(&at, found);
                }
            }
        }
    }
}
