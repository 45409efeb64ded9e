//! The tree that a flatmap works on. It differs from JSON in one thing: elements of a list keep their index as a label
//! when others are moved or deleted, so that `del a.0, a.1` deletes the first two (as `krakend/flatmap` does).

use super::{Path, Segment};
use crate::entity::{Map, Tree};

/// A value; containers are taken apart only where a path leads through them.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Closed(Tree),
    Object(Vec<Edge>),
    List(Vec<Edge>),
}

/// A child and its label.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    label: Label,
    node: Node,
}

#[derive(Debug, Clone)]
enum Label {
    Index(usize),
    Name(String),
}

impl Label {
    fn matches(&self, segment: &Segment) -> bool {
        match self {
            Self::Index(index) => segment.index == Some(*index),
            Self::Name(name) => *name == segment.text,
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Index(a), Self::Index(b)) => a == b,
            (Self::Name(a), Self::Name(b)) => a == b,
            (Self::Index(index), Self::Name(name)) | (Self::Name(name), Self::Index(index)) => {
                index.to_string() == *name
            }
        }
    }

    fn into_key(self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Name(name) => name,
        }
    }
}

impl From<&Segment> for Label {
    fn from(segment: &Segment) -> Self {
        Self::Name(segment.text.clone())
    }
}

impl From<Tree> for Node {
    fn from(tree: Tree) -> Self {
        Self::Closed(tree)
    }
}

impl From<Node> for Tree {
    fn from(node: Node) -> Self {
        match node {
            Node::Closed(tree) => tree,
            Node::List(edges) => {
                Self::Array(edges.into_iter().map(|edge| edge.node.into()).collect())
            }
            Node::Object(edges) => Self::Object(
                edges
                    .into_iter()
                    .map(|edge| (edge.label.into_key(), edge.node.into()))
                    .collect::<Map>(),
            ),
        }
    }
}

impl Node {
    /// The children, to work on; `None` if this is a scalar.
    fn edges(&mut self) -> Option<&mut Vec<Edge>> {
        if let Self::Closed(tree) = self {
            *self = match std::mem::take(tree) {
                Tree::Object(map) => Self::Object(
                    map.into_iter()
                        .map(|(key, value)| Edge { label: Label::Name(key), node: value.into() })
                        .collect(),
                ),
                Tree::Array(items) => Self::List(
                    items
                        .into_iter()
                        .enumerate()
                        .map(|(index, value)| Edge {
                            label: Label::Index(index),
                            node: value.into(),
                        })
                        .collect(),
                ),
                scalar => Self::Closed(scalar),
            };
        }
        match self {
            Self::Object(edges) | Self::List(edges) => Some(edges),
            Self::Closed(_) => None,
        }
    }

    fn child(&mut self, segment: &Segment) -> Option<&mut Self> {
        let edges = self.edges()?;
        edges.iter_mut().find(|edge| edge.label.matches(segment)).map(|edge| &mut edge.node)
    }

    /// Adds a child: in place of an equal key, at the end of a list. A scalar gives way to an object.
    fn attach(&mut self, label: Label, node: Self) {
        if self.edges().is_none() {
            *self = Self::Object(Vec::new());
        }
        match self {
            Self::List(edges) => edges.push(Edge { label, node }),
            Self::Object(edges) => {
                edges.retain(|edge| !edge.label.equals(&label));
                edges.push(Edge { label, node });
            }
            Self::Closed(_) => {}
        }
    }

    /// Takes out the child that the segment names, literally.
    fn detach(&mut self, segment: &Segment) -> Option<Self> {
        let edges = self.edges()?;
        let index = edges.iter().position(|edge| edge.label.matches(segment))?;
        Some(edges.remove(index).node)
    }

    /// Calls `visit` with each node at `path` and the labels that lead to it.
    fn visit(
        &mut self,
        path: &[Segment],
        labels: &mut Vec<Label>,
        visit: &mut impl FnMut(&mut Self, &[Label]),
    ) {
        let Some((segment, rest)) = path.split_first() else {
            visit(self, labels);
            return;
        };
        for edge in self.edges().into_iter().flatten() {
            if segment.is_wildcard() || edge.label.matches(segment) {
                labels.push(edge.label.clone());
                edge.node.visit(rest, labels, visit);
                labels.pop();
            }
        }
    }

    /// `move`: renames the last segment where both paths are equally long, else lifts the node out or puts it deeper.
    pub(super) fn relocate(&mut self, from: &Path, to: &Path) {
        // The last segment is taken literally: a `*` there names the key `*`.
        let Some((last, parents)) = from.split_last() else { return };
        let mut labels = Vec::new();
        if to.len() < from.len() {
            let mut lifted = Vec::new();
            self.visit(parents, &mut labels, &mut |parent, labels| {
                lifted.extend(parent.detach(last).map(|node| (labels.to_vec(), node)));
            });
            for (labels, node) in lifted {
                self.lift(to, &labels, node);
            }
        } else {
            let below = &to[parents.len()..];
            self.visit(parents, &mut labels, &mut |parent, _| match below {
                [name] => parent.rename(last, name),
                _ => {
                    if let Some(node) = parent.detach(last) {
                        parent.bury(below, node);
                    }
                }
            });
        }
    }

    fn rename(&mut self, from: &Segment, to: &Segment) {
        if from == to {
            return;
        }
        match self.edges() {
            None => {}
            Some(edges) => {
                let Some(index) = edges.iter().position(|edge| edge.label.matches(from)) else {
                    return;
                };
                edges[index].label = to.into();
                if let Self::Object(edges) = self {
                    let edge = edges.remove(index);
                    self.attach(edge.label, edge.node);
                }
            }
        }
    }

    /// Puts a node at `path` from the root; wildcards are the labels that it was found by. Where the path does not
    /// exist, the deepest node on it takes the child.
    fn lift(&mut self, path: &Path, labels: &[Label], node: Self) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut parent = self;
        for (segment, label) in parents.iter().zip(labels) {
            let edge = parent.edges().and_then(|edges| {
                edges.iter().position(|edge| match segment.is_wildcard() {
                    true => edge.label.equals(label),
                    false => edge.label.matches(segment),
                })
            });
            let Some(index) = edge else { break };
            match parent {
                Self::Object(edges) | Self::List(edges) => parent = &mut edges[index].node,
                Self::Closed(_) => return,
            }
        }
        parent.attach(last.into(), node);
    }

    /// Puts a node at `path` below this one; what is missing on the way is made.
    fn bury(&mut self, path: &[Segment], node: Self) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut parent = self;
        for segment in parents {
            if parent.child(segment).is_none() {
                parent.attach(segment.into(), Self::Object(Vec::new()));
            }
            match parent.child(segment) {
                Some(child) => parent = child,
                None => return,
            }
        }
        parent.attach(last.into(), node);
    }

    /// `append`: the elements of one list go to the end of another, the first list disappears. Nothing happens
    /// unless both are lists.
    pub(super) fn append(&mut self, from: &Path, to: &Path) {
        let Some(Tree::Array(added)) = self.copy_at(from) else { return };
        let mut target = &mut *self;
        for segment in to {
            match target.child(segment) {
                Some(child) => target = child,
                None => return,
            }
        }
        target.edges();
        let Self::List(edges) = target else { return };
        let old = std::mem::take(edges).into_iter().map(|edge| edge.node);
        *edges = old
            .chain(added.into_iter().map(Self::from))
            .enumerate()
            .map(|(index, node)| Edge { label: Label::Index(index), node })
            .collect();
        self.delete(from);
    }

    /// The value at `path`; with wildcards, a list of all matches, `null` where one has no such key.
    fn copy_at(&mut self, path: &[Segment]) -> Option<Tree> {
        let Some((segment, rest)) = path.split_first() else { return Some(self.clone().into()) };
        if !segment.is_wildcard() {
            return self.child(segment)?.copy_at(rest);
        }
        let edges = self.edges().filter(|edges| !edges.is_empty())?;
        Some(edges.iter_mut().map(|edge| edge.node.copy_at(rest).unwrap_or_default()).collect())
    }

    /// `del`: removes whatever is at `path`.
    pub(super) fn delete(&mut self, path: &[Segment]) {
        let Some((segment, rest)) = path.split_first() else { return };
        let Some(edges) = self.edges() else { return };
        let matches = |edge: &Edge| segment.is_wildcard() || edge.label.matches(segment);
        if rest.is_empty() {
            edges.retain(|edge| !matches(edge));
            return;
        }
        for edge in edges.iter_mut().filter(|edge| matches(edge)) {
            edge.node.delete(rest);
        }
    }
}
