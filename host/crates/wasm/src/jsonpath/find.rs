//! Walking from the root of a document to the places that a query names.

use jsonpath_rust::parser::model::{Segment, Selector};
use torana_core::entity::Tree;

use super::{MATCHES, Query, QueryError};

/// Values that are looked at for one query: some 20 ms at most. `$..a..b` on a large document needs many, and a host
/// function is not interrupted by the plugin's time limit.
pub(super) const STEPS: usize = 1_000_000;

/// A place that a query found.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The way from the root.
    pub(crate) steps: Vec<Step<&'a str>>,
    /// What is there.
    pub(crate) value: &'a Tree,
}

/// A member or an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step<K> {
    Index(usize),
    Key(K),
}

impl Step<&str> {
    /// The step without the document.
    pub(crate) fn own(&self) -> Step<String> {
        match *self {
            Self::Index(index) => Step::Index(index),
            Self::Key(key) => Step::Key(key.to_owned()),
        }
    }
}

/// A value on the way, with the link that leads to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Tree,
    link: Link,
}

/// Where a node stands: an index into [`Walk::links`], so that a step costs no allocation.
#[derive(Debug, Clone, Copy)]
enum Link {
    Root,
    At(usize),
    /// In a filter nobody asks where a value stands.
    Nowhere,
}

/// A query that runs.
pub(super) struct Walk<'a> {
    pub(super) query: &'a Query,
    pub(super) root: &'a Tree,
    links: Vec<(Link, Step<&'a str>)>,
    left: usize,
}

/// The places that the query finds, in the order of the document.
pub(super) fn find<'a>(query: &'a Query, root: &'a Tree) -> Result<Vec<Place<'a>>, QueryError> {
    let mut walk = Walk { query, root, links: Vec::new(), left: STEPS };
    let start = vec![Node { value: root, link: Link::Root }];
    let found = walk.segments(start, &query.compiled.segments)?;
    if found.len() > MATCHES {
        return Err(QueryError::Matches);
    }
    let mut places: Vec<_> = found
        .into_iter()
        .map(|node| Place { steps: walk.steps(node.link), value: node.value })
        .collect();
    places.sort_unstable_by(|a, b| a.steps.cmp(&b.steps));
    // A union may name a place twice.
    places.dedup_by(|a, b| a.steps == b.steps);
    Ok(places)
}

impl<'a> Walk<'a> {
    /// Counts what is looked at.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), QueryError> {
        self.left = self.left.checked_sub(steps).ok_or(QueryError::Steps)?;
        Ok(())
    }

    /// What segments find from one value on, in a filter.
    pub(super) fn values(
        &mut self,
        from: &'a Tree,
        segments: &'a [Segment],
    ) -> Result<Vec<Node<'a>>, QueryError> {
        self.segments(vec![Node { value: from, link: Link::Nowhere }], segments)
    }

    fn segments(
        &mut self,
        mut nodes: Vec<Node<'a>>,
        segments: &'a [Segment],
    ) -> Result<Vec<Node<'a>>, QueryError> {
        for segment in segments {
            let mut found = Vec::new();
            self.segment(&nodes, segment, &mut found)?;
            nodes = found;
        }
        Ok(nodes)
    }

    fn segment(
        &mut self,
        nodes: &[Node<'a>],
        segment: &'a Segment,
        found: &mut Vec<Node<'a>>,
    ) -> Result<(), QueryError> {
        match segment {
            Segment::Descendant(inner) => {
                let mut all = Vec::new();
                nodes.iter().try_for_each(|node| self.descendants(*node, &mut all))?;
                self.segment(&all, inner, found)
            }
            Segment::Selector(selector) => self.select(nodes, selector, found),
            Segment::Selectors(selectors) => {
                selectors.iter().try_for_each(|selector| self.select(nodes, selector, found))
            }
        }
    }

    /// The node and the containers below it. The depth of documents is bounded where they are read.
    fn descendants(&mut self, node: Node<'a>, all: &mut Vec<Node<'a>>) -> Result<(), QueryError> {
        if !(node.value.is_object() || node.value.is_array()) {
            return Ok(());
        }
        all.push(node);
        self.each_child(node, |walk, child| walk.descendants(child, all))
    }

    fn select(
        &mut self,
        nodes: &[Node<'a>],
        selector: &'a Selector,
        found: &mut Vec<Node<'a>>,
    ) -> Result<(), QueryError> {
        nodes.iter().try_for_each(|node| self.select_in(*node, selector, found))
    }

    fn select_in(
        &mut self,
        node: Node<'a>,
        selector: &'a Selector,
        found: &mut Vec<Node<'a>>,
    ) -> Result<(), QueryError> {
        match (selector, node.value) {
            (Selector::Name(name), Tree::Object(map)) => {
                let member = map.get_key_value(name);
                let step = member.map(|(key, value)| (Step::Key(key.as_str()), value));
                self.push(node, step, found)
            }
            (Selector::Index(index), Tree::Array(items)) => {
                let at = position(*index, items.len());
                let step = at.and_then(|at| Some((Step::Index(at), items.get(at)?)));
                self.push(node, step, found)
            }
            (Selector::Slice(start, end, by), Tree::Array(items)) => {
                for at in slice(*start, *end, *by, items.len()) {
                    self.push(node, items.get(at).map(|item| (Step::Index(at), item)), found)?;
                }
                Ok(())
            }
            (Selector::Wildcard, _) => self.each_child(node, |_, child| {
                found.push(child);
                Ok(())
            }),
            (Selector::Filter(filter), _) => self.each_child(node, |walk, child| {
                if walk.accepts(filter, child.value)? {
                    found.push(child);
                }
                Ok(())
            }),
            _ => self.charge(1),
        }
    }

    fn each_child(
        &mut self,
        node: Node<'a>,
        mut work: impl FnMut(&mut Self, Node<'a>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        match node.value {
            Tree::Object(map) => map.iter().try_for_each(|(key, value)| {
                let child = self.child(node, Step::Key(key), value)?;
                work(self, child)
            }),
            Tree::Array(items) => items.iter().enumerate().try_for_each(|(index, value)| {
                let child = self.child(node, Step::Index(index), value)?;
                work(self, child)
            }),
            _ => self.charge(1),
        }
    }

    fn push(
        &mut self,
        node: Node<'a>,
        step: Option<(Step<&'a str>, &'a Tree)>,
        found: &mut Vec<Node<'a>>,
    ) -> Result<(), QueryError> {
        let Some((step, value)) = step else { return self.charge(1) };
        found.push(self.child(node, step, value)?);
        Ok(())
    }

    fn child(
        &mut self,
        parent: Node<'a>,
        step: Step<&'a str>,
        value: &'a Tree,
    ) -> Result<Node<'a>, QueryError> {
        self.charge(1)?;
        let link = match parent.link {
            Link::Nowhere => Link::Nowhere,
            link => {
                self.links.push((link, step));
                Link::At(self.links.len() - 1)
            }
        };
        Ok(Node { value, link })
    }

    fn steps(&self, mut link: Link) -> Vec<Step<&'a str>> {
        let mut steps = Vec::new();
        while let Link::At(index) = link {
            let (parent, step) = self.links[index];
            steps.push(step);
            link = parent;
        }
        steps.reverse();
        steps
    }
}

/// The element that an index names; negative ones count from the end.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    let from_end = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { length.checked_sub(from_end) } else { Some(from_end) }
}

/// The elements of a slice (RFC 9535, 2.3.4.2.2).
fn slice(
    start: Option<i64>,
    end: Option<i64>,
    step: Option<i64>,
    length: usize,
) -> impl Iterator<Item = usize> {
    // Integers of queries are within 2^53, lengths of documents far below: nothing overflows.
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    let normal = |index: i64| if index >= 0 { index } else { length + index };
    let (first, last) = if step > 0 {
        let first = normal(start.unwrap_or(0)).clamp(0, length);
        (first, normal(end.unwrap_or(length)).clamp(0, length))
    } else {
        let first = normal(start.unwrap_or(length - 1)).clamp(-1, length - 1);
        (first, end.map_or(-1, |end| normal(end).clamp(-1, length - 1)))
    };
    let mut next = first;
    std::iter::from_fn(move || {
        let inside = (step > 0 && next < last) || (step < 0 && next > last);
        let at = usize::try_from(next).ok().filter(|_| inside)?;
        next += step;
        Some(at)
    })
}
