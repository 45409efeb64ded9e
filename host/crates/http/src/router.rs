//! From host path and method to an endpoint (reference 6.4, 13.1-13.3).
//!
//! Literal segments win over mixed ones, those over parameters, those over wildcards, and the catch-all comes last.
//! Paths are matched as they came: an escape is decoded within its segment only, so that `%2F` never becomes a slash.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use http::Method;
use torana_config::valid::{Route, RouteSegment, SegmentPart};
use torana_core::percent;

/// What a router finds: an index that the caller gave to [`Router::add`].
pub type Target = usize;

/// All routes of a gateway.
#[derive(Debug, Default)]
pub struct Router {
    /// Routes without parameters: one look-up however many there are.
    exact: HashMap<Box<str>, Leaf>,
    root: Node,
    catch_all: Option<Target>,
    /// Hash of the lower-case path → exact path, for redirects to the right case.
    folded: HashMap<u64, Box<str>>,
    methods: Vec<Method>,
}

/// The targets of one path by method.
#[derive(Debug, Default)]
struct Leaf(Vec<(Method, Entry)>);

#[derive(Debug, Clone)]
struct Entry {
    target: Target,
    names: Arc<[Arc<str>]>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    mixed: Vec<(Box<[SegmentPart]>, Node)>,
    param: Option<Box<Node>>,
    leaf: Leaf,
    wildcard: Leaf,
}

/// A match: the target, and the raw text of each parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Match<'p> {
    /// What was found.
    pub target: Target,
    /// Names of the route's parameters; a wildcard's rest is last, under `*`.
    pub names: Option<Arc<[Arc<str>]>>,
    /// Their values as they came.
    pub values: Vec<Cow<'p, str>>,
}

/// What becomes of a path and method.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'p> {
    /// This target.
    Match(Match<'p>),
    /// The path is known with other methods only.
    OtherMethods(Vec<Method>),
    /// Nothing.
    Nothing,
}

impl Leaf {
    fn get(&self, method: &Method) -> Option<&Entry> {
        self.0.iter().find(|(m, _)| m == method).map(|(_, entry)| entry)
    }
}

impl Router {
    /// Adds a route. The configuration's checks have made sure that no two are equal; the first would win.
    pub fn add(&mut self, method: &Method, route: &Route, target: Target) {
        if route.catch_all {
            self.catch_all.get_or_insert(target);
            return;
        }
        if !self.methods.contains(method) {
            self.methods.push(method.clone());
        }
        let mut names: Vec<Arc<str>> = Vec::new();
        for segment in &route.segments {
            match segment {
                RouteSegment::Literal(_) => {}
                RouteSegment::Param(name) => names.push(name.as_str().into()),
                RouteSegment::Mixed(parts) => names.extend(parts.iter().filter_map(|part| {
                    if let SegmentPart::Param(name) = part {
                        Some(name.as_str().into())
                    } else {
                        None
                    }
                })),
            }
        }
        if route.wildcard {
            names.push(torana_core::step::WILDCARD.into());
        }
        let entry = Entry { target, names: names.into() };
        let leaf = match (entry.names.is_empty(), exact_path(route)) {
            (true, Some(path)) => {
                self.folded.insert(fold(&path), path.as_str().into());
                self.exact.entry(path.into()).or_default()
            }
            _ => self.root.leaf_mut(route),
        };
        if leaf.get(method).is_none() {
            leaf.0.push((method.clone(), entry));
        }
    }

    /// Finds a path and method.
    #[must_use]
    pub fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'p> {
        if let Some(found) = self.find_method(method, path) {
            return Found::Match(found);
        }
        if let Some(target) = self.catch_all {
            return Found::Match(Match {
                target,
                names: Some([torana_core::step::WILDCARD.into()].into()),
                values: vec![Cow::Borrowed(path)],
            });
        }
        let others = self.methods_of(path);
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }

    /// The methods that a path is known with, sorted.
    #[must_use]
    pub fn methods_of(&self, path: &str) -> Vec<Method> {
        let mut methods: Vec<Method> = self
            .methods
            .iter()
            .filter(|method| self.find_method(method, path).is_some())
            .cloned()
            .collect();
        methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        methods
    }

    fn find_method<'p>(&self, method: &Method, path: &'p str) -> Option<Match<'p>> {
        let literal = if path.contains('%') { percent::decode(path)? } else { Cow::Borrowed(path) };
        // A decoded slash would make another path of it.
        let same_shape =
            path.len() == literal.len() || count_slashes(path) == count_slashes(&literal);
        if same_shape
            && let Some(entry) = self.exact.get(&*literal).and_then(|leaf| leaf.get(method))
        {
            return Some(Match { target: entry.target, names: None, values: Vec::new() });
        }
        let rest = path.strip_prefix('/')?;
        let mut values = Vec::new();
        let entry = self.root.find(method, rest, false, &mut values)?;
        let (values, names) = (values, Some(entry.names.clone()));
        Some(Match { target: entry.target, names, values })
    }

    /// The path that differs from `path` by a trailing slash only, if that one is known for the method.
    #[must_use]
    pub fn other_slash(&self, method: &Method, path: &str) -> Option<String> {
        if path == "/" {
            return None;
        }
        let other = match path.strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{path}/"),
        };
        self.find_method(method, &other).is_some().then_some(other)
    }

    /// The known path that differs from `path` by case, doubled slashes or dot segments only.
    #[must_use]
    pub fn fixed(&self, method: &Method, path: &str) -> Option<String> {
        let clean = clean(path);
        if self.find_method(method, &clean).is_some() && clean != path {
            return Some(clean);
        }
        if let Some(exact) = self.folded.get(&fold(&clean))
            && exact.eq_ignore_ascii_case(&clean)
            && self.exact.get(exact).and_then(|leaf| leaf.get(method)).is_some()
        {
            return Some(exact.to_string());
        }
        let mut spelled = String::new();
        self.root.find_folded(method, clean.strip_prefix('/')?, &mut spelled)?;
        (spelled != path).then_some(spelled)
    }
}

fn count_slashes(path: &str) -> usize {
    path.bytes().filter(|&byte| byte == b'/').count()
}

fn exact_path(route: &Route) -> Option<String> {
    let mut path = String::new();
    for segment in &route.segments {
        path.push('/');
        let RouteSegment::Literal(text) = segment else { return None };
        path.push_str(text);
    }
    (!route.wildcard).then_some(path)
}

fn fold(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for byte in path.bytes() {
        byte.to_ascii_lowercase().hash(&mut hasher);
    }
    hasher.finish()
}

/// Without doubled slashes and dot segments; a trailing slash stays.
fn clean(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut clean = String::with_capacity(path.len());
    for segment in &segments {
        clean.push('/');
        clean.push_str(segment);
    }
    if clean.is_empty() || path.ends_with('/') {
        clean.push('/');
    }
    clean
}

/// Doubled slashes made single: `remove_extra_slash`.
#[must_use]
pub fn without_extra_slashes(path: &str) -> Option<String> {
    if !path.contains("//") {
        return None;
    }
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    Some(single)
}

impl Node {
    fn leaf_mut(&mut self, route: &Route) -> &mut Leaf {
        let mut node = self;
        for segment in &route.segments {
            node = match segment {
                RouteSegment::Literal(text) => {
                    node.literals.entry(text.as_str().into()).or_default()
                }
                RouteSegment::Param(_) => node.param.get_or_insert_default(),
                RouteSegment::Mixed(parts) => {
                    let index = match node.mixed.iter().position(|(p, _)| same_shape(p, parts)) {
                        Some(index) => index,
                        None => {
                            node.mixed.push((parts.as_slice().into(), Self::default()));
                            node.mixed.len() - 1
                        }
                    };
                    &mut node.mixed[index].1
                }
            };
        }
        if route.wildcard { &mut node.wildcard } else { &mut node.leaf }
    }

    /// Finds `path` (without its leading slash; `ended` once its last segment is taken) below this node.
    fn find<'n, 'p>(
        &'n self,
        method: &Method,
        path: &'p str,
        ended: bool,
        values: &mut Vec<Cow<'p, str>>,
    ) -> Option<&'n Entry> {
        if ended {
            return self.leaf.get(method);
        }
        let (segment, rest, last) = match path.split_once('/') {
            Some((segment, rest)) => (segment, rest, false),
            None => (path, "", true),
        };
        let decoded =
            if segment.contains('%') { percent::decode(segment)? } else { Cow::Borrowed(segment) };
        let taken = values.len();
        if let Some(node) = self.literals.get(&*decoded) {
            if let Some(entry) = node.find(method, rest, last, values) {
                return Some(entry);
            }
            values.truncate(taken);
        }
        for (parts, node) in &self.mixed {
            if match_mixed(parts, segment, values)
                && let Some(entry) = node.find(method, rest, last, values)
            {
                return Some(entry);
            }
            values.truncate(taken);
        }
        // A parameter is never empty: `/a/` is not `/a/{x}`.
        if let Some(node) = &self.param
            && !segment.is_empty()
        {
            values.push(Cow::Borrowed(segment));
            if let Some(entry) = node.find(method, rest, last, values) {
                return Some(entry);
            }
            values.truncate(taken);
        }
        let entry = self.wildcard.get(method)?;
        values.push(Cow::Borrowed(path));
        Some(entry)
    }

    /// As [`Node::find`], but literals in any case; writes the path as the routes spell it.
    fn find_folded<'n>(
        &'n self,
        method: &Method,
        path: &str,
        spelled: &mut String,
    ) -> Option<&'n Entry> {
        let (segment, rest, last) = match path.split_once('/') {
            Some((segment, rest)) => (segment, rest, false),
            None => (path, "", true),
        };
        let length = spelled.len();
        let literals = self
            .literals
            .iter()
            .filter(|(text, _)| text.eq_ignore_ascii_case(segment))
            .map(|(text, node)| (&**text, node));
        let param =
            self.param.iter().filter(|_| !segment.is_empty()).map(|node| (segment, &**node));
        for (text, node) in literals.chain(param) {
            spelled.push('/');
            spelled.push_str(text);
            let found =
                if last { node.leaf.get(method) } else { node.find_folded(method, rest, spelled) };
            if found.is_some() {
                return found;
            }
            spelled.truncate(length);
        }
        None
    }
}

fn same_shape(a: &[SegmentPart], b: &[SegmentPart]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|pair| match pair {
            (SegmentPart::Literal(a), SegmentPart::Literal(b)) => a == b,
            (SegmentPart::Param(_), SegmentPart::Param(_)) => true,
            _ => false,
        })
}

/// Matches one segment; each parameter takes the shortest text that lets the rest match, and at least one character.
fn match_mixed<'p>(
    parts: &[SegmentPart],
    segment: &'p str,
    values: &mut Vec<Cow<'p, str>>,
) -> bool {
    let Some((part, later)) = parts.split_first() else { return segment.is_empty() };
    match part {
        SegmentPart::Literal(text) => {
            segment.strip_prefix(text.as_str()).is_some_and(|rest| match_mixed(later, rest, values))
        }
        SegmentPart::Param(_) => {
            let taken = values.len();
            for (end, c) in segment.char_indices() {
                let end = end + c.len_utf8();
                values.push(Cow::Borrowed(&segment[..end]));
                if match_mixed(later, &segment[end..], values) {
                    return true;
                }
                values.truncate(taken);
            }
            false
        }
    }
}

#[cfg(test)]
mod tests;
