//! Decoded data of a response: a JSON object whose untouched parts stay the bytes that arrived.

mod lookup;
mod scan;
mod text;
mod value;

use std::fmt;

use bytes::{Bytes, BytesMut};

pub use value::{Map, Raw, Tree, Value};

use self::{
    scan::{Fault, Scanner, Spans},
    text::Text,
};
use crate::{Error, ErrorKind};

/// A JSON object. Members are sorted by key, the order in which they are written.
#[derive(Clone, Default)]
pub struct Object {
    members: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    key: Text,
    value: Value,
}

impl Object {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self { members: Vec::new() }
    }

    /// Reads the object at the start of `body` and checks all of it: what stays raw is valid JSON. Of equal keys the
    /// last wins. Text behind the object is ignored (reference 5.2).
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if there is no object, for invalid JSON or UTF-8 and for nesting deeper than 127 levels.
    pub fn parse(body: &Bytes) -> Result<Self, Error> {
        let (body, spans) = check(body, |scanner| {
            let mut spans = Spans::new();
            scanner.members(0, &mut spans)?;
            Ok(spans)
        })?;
        Ok(Self::from_spans(&Text::Shared(body), spans, |_| true))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|member| member.key.as_bytes().cmp(key.as_bytes()))
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.find(key).ok().map(|index| &self.members[index].value)
    }

    /// The value of a member, to work on.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.find(key).ok().map(|index| &mut self.members[index].value)
    }

    /// Adds or replaces a member; gives back the value it had.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) -> Option<Value> {
        match self.find(key) {
            Ok(index) => Some(std::mem::replace(&mut self.members[index].value, value.into())),
            Err(index) => {
                self.members.insert(index, Member { key: key.into(), value: value.into() });
                None
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.find(key).ok().map(|index| self.members.remove(index).value)
    }

    /// Keeps the members for which `keep` says so; it may edit their values.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.members.retain_mut(|member| keep(member.key.as_str(), &mut member.value));
    }

    /// The members, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.iter().map(|member| (member.key.as_str(), &member.value))
    }

    /// Adds the members of `other`; of equal keys those of `other` win. Not deep (reference 4.2).
    pub fn merge(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        // Few into many: insert. Else one pass over both, as both are sorted.
        if other.len() <= 1 + self.len() / 8 {
            for Member { key, value } in other.members {
                match self.members.binary_search_by(|m| m.key.as_bytes().cmp(key.as_bytes())) {
                    Ok(index) => self.members[index].value = value,
                    Err(index) => self.members.insert(index, Member { key, value }),
                }
            }
            return;
        }
        let mut merged = Vec::with_capacity(self.len() + other.len());
        let mut ours = std::mem::take(&mut self.members).into_iter().peekable();
        for theirs in other.members {
            let before = |member: &Member| member.key.as_bytes() < theirs.key.as_bytes();
            while let Some(member) = ours.next_if(before) {
                merged.push(member);
            }
            ours.next_if(|member| member.key.as_bytes() == theirs.key.as_bytes());
            merged.push(theirs);
        }
        merged.extend(ours);
        self.members = merged;
    }

    /// An object from the members of a tree.
    #[must_use]
    pub fn from_tree(map: Map) -> Self {
        let mut members: Vec<_> = map
            .into_iter()
            .map(|(key, value)| Member { key: key.into(), value: Value::Tree(value) })
            .collect();
        // Free when the map is sorted, as it is unless some crate asks serde_json to keep another order.
        members.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        Self { members }
    }

    /// The whole object as a tree.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`]; cannot happen for members that were checked.
    pub fn into_tree(self) -> Result<Map, Error> {
        self.members
            .into_iter()
            .map(|member| Ok((member.key.as_str().to_owned(), member.value.into_tree()?)))
            .collect()
    }

    /// Works on the object as a tree. Every member is parsed: prefer [`Object::edit_members`].
    ///
    /// # Errors
    /// As [`Object::into_tree`].
    pub fn edit<R>(&mut self, work: impl FnOnce(&mut Map) -> R) -> Result<R, Error> {
        let mut tree = std::mem::take(self).into_tree()?;
        let result = work(&mut tree);
        *self = Self::from_tree(tree);
        Ok(result)
    }

    /// Works on the members that `chosen` names, as a tree that has only these; what `work` leaves in it replaces
    /// them. The others are not parsed.
    ///
    /// # Errors
    /// As [`Object::into_tree`].
    pub fn edit_members<R>(
        &mut self,
        mut chosen: impl FnMut(&str, &Value) -> bool,
        work: impl FnOnce(&mut Map) -> R,
    ) -> Result<R, Error> {
        let mut tree = Map::new();
        let mut failed = None;
        self.retain(|key, value| {
            if !chosen(key, value) {
                return true;
            }
            match std::mem::replace(value, Value::Tree(Tree::Null)).into_tree() {
                Ok(value) => drop(tree.insert(key.to_owned(), value)),
                Err(error) => failed = Some(error),
            }
            false
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let result = work(&mut tree);
        self.merge(Self::from_tree(tree));
        Ok(result)
    }

    /// Writes the object as JSON: keys sorted at this level, raw parts as they arrived.
    pub fn write(&self, out: &mut BytesMut) {
        let mut separator: &[u8] = b"{";
        for member in &self.members {
            out.extend_from_slice(separator);
            value::write_key(&member.key, out);
            out.extend_from_slice(b":");
            member.value.write(out);
            separator = b",";
        }
        out.extend_from_slice(if self.is_empty() { b"{}" } else { b"}" });
    }

    /// The object as JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.size_hint());
        self.write(&mut out);
        out.freeze()
    }

    fn size_hint(&self) -> usize {
        let members = self.members.iter().map(|m| m.key.as_bytes().len() + m.value.size_hint() + 4);
        2 + members.sum::<usize>()
    }

    /// Members at their places in `text`, which was checked; `keep` chooses by the unescaped key.
    fn from_spans(text: &Text, mut spans: Spans, mut keep: impl FnMut(&str) -> bool) -> Self {
        let bytes = text.as_bytes();
        // Plain keys are sorted where they stand, as small records. Escaped ones, which are rare, only as members.
        let mut sorted = true;
        if spans.iter().all(|span| !span.escaped) {
            spans.sort_by(|a, b| {
                a.order.cmp(&b.order).then_with(|| bytes[a.key.clone()].cmp(&bytes[b.key.clone()]))
            });
        } else {
            sorted = false;
        }
        let mut members: Vec<Member> = Vec::with_capacity(spans.len());
        for span in spans {
            let key = text.part(span.key);
            let key = if span.escaped { unescape(key) } else { key };
            if !keep(key.as_str()) {
                continue;
            }
            let member = Member { key, value: Value::Raw(Raw::new(text.part(span.value))) };
            match members.last_mut() {
                // Of equal keys the last counts.
                Some(last) if last.key.as_bytes() == member.key.as_bytes() => *last = member,
                _ => members.push(member),
            }
        }
        if !sorted {
            sort(&mut members);
        }
        Self { members }
    }
}

/// Sorts by key; of equal keys only the last stays.
fn sort(members: &mut Vec<Member>) {
    members.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    members.reverse();
    members.dedup_by(|a, b| a.key.as_bytes() == b.key.as_bytes());
    members.reverse();
}

/// The text that a key's escapes stand for.
fn unescape(key: Text) -> Text {
    let quoted = format!("\"{}\"", key.as_str());
    serde_json::from_str::<String>(&quoted).map_or(key, Text::from)
}

/// Checks `body` as UTF-8 and with `scan`. Escapes that are half of a surrogate pair become `\ufffd`, as Go's decoder
/// has it, so that what stays raw is text for every reader; that costs a copy, but only then.
fn check<T>(
    body: &Bytes,
    scan: impl FnOnce(&mut Scanner<'_>) -> Result<T, Fault>,
) -> Result<(Bytes, T), Error> {
    // Text behind the first value is ignored, so bad UTF-8 only counts where the scan comes to it.
    let (valid, utf8_ends) = match simdutf8::basic::from_utf8(body) {
        Ok(_) => (&body[..], false),
        // Only the slower check says where.
        Err(_) => match std::str::from_utf8(body) {
            Ok(_) => (&body[..], false),
            Err(error) => (&body[..error.valid_up_to()], true),
        },
    };
    let mut scanner = Scanner::new(valid);
    let found = scan(&mut scanner).map_err(|fault| match fault.at {
        at if utf8_ends && at >= valid.len() => Fault { at, what: "invalid UTF-8" },
        _ => fault,
    })?;
    let lone = scanner.lone_surrogates();
    if lone.is_empty() {
        return Ok((body.clone(), found));
    }
    let mut patched = BytesMut::from(&body[..]);
    for at in lone {
        patched[*at..at + 6].copy_from_slice(b"\\ufffd");
    }
    Ok((patched.freeze(), found))
}

fn decode_error(message: &'static str) -> Error {
    Error::new(ErrorKind::Decode, message)
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

#[cfg(test)]
mod tests;
