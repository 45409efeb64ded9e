//! JSON documents: `serde_json` reads the values, a small scanner finds positions when they are asked for.

use serde_json::Value;

use super::{
    SyntaxError,
    node::{Children, Member, Node},
};

/// Reads the values.
pub(super) fn parse(text: &str) -> Result<Value, SyntaxError> {
    serde_json::from_str(text).map_err(|error| {
        let line = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let offset = line.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let message = error.to_string();
        let message = match message.rfind(" at line ") {
            Some(end) => message[..end].to_owned(),
            None => message,
        };
        SyntaxError { offset: offset.min(text.len()), message }
    })
}

/// Whether any object of a valid text has a key twice: then the text has more colons outside of strings than the
/// values have members. Cheaper than to look for each key while reading.
pub(super) fn has_duplicates(text: &str, value: &Value) -> bool {
    let mut colons = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons != members(value)
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

/// The positions in a valid text. Never fails: an invalid one gives a shape that ends early.
pub(super) fn tree(text: &str) -> Node {
    Scanner { text, at: 0 }.value(0)
}

/// As deep as `serde_json` reads.
const MAX_DEPTH: usize = 128;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_while(&mut self, mut wanted: impl FnMut(u8) -> bool) {
        while self.peek().is_some_and(&mut wanted) {
            self.at += 1;
        }
    }

    fn skip_space(&mut self) {
        self.skip_while(|byte| byte.is_ascii_whitespace());
    }

    fn skip(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Node {
        self.skip_space();
        let start = self.at;
        let children = match self.peek() {
            Some(b'{') if depth < MAX_DEPTH => Children::Members(self.members(depth)),
            Some(b'[') if depth < MAX_DEPTH => Children::Items(self.items(depth)),
            Some(b'"') => {
                self.string();
                Children::None
            }
            _ => {
                self.skip_while(|byte| {
                    !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')
                });
                Children::None
            }
        };
        Node { range: start..self.at, children }
    }

    fn members(&mut self, depth: usize) -> Vec<Member> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                break;
            }
            let start = self.at;
            self.string();
            let key_range = start..self.at;
            let raw = self.text.get(key_range.clone()).unwrap_or_default();
            let key = serde_json::from_str(raw).unwrap_or_default();
            self.skip(b':');
            members.push(Member { key, key_range, value: self.value(depth + 1) });
            if !self.skip(b',') {
                break;
            }
        }
        self.skip(b'}');
        members
    }

    fn items(&mut self, depth: usize) -> Vec<Node> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.skip(b']') {
            let before = self.at;
            items.push(self.value(depth + 1));
            self.skip(b',');
            if self.at == before {
                break;
            }
        }
        items
    }

    fn string(&mut self) {
        self.at += 1;
        let mut escaped = false;
        self.skip_while(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            !ends
        });
        self.at = (self.at + 1).min(self.text.len());
    }
}
