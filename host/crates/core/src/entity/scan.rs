//! One pass over JSON text: checks it against RFC 8259 and finds where the members of an object are.
//!
//! Nothing is built: numbers stay text, strings stay escaped. An own scanner rather than `serde_json`'s skipping
//! parser, as this is what every decoded byte costs; `benches/micro` compares the two.

use std::ops::Range;

use smallvec::SmallVec;
use wide::u8x16;

/// Deepest nesting of arrays and objects. `serde_json` stops at the same depth.
pub(super) const MAX_DEPTH: u32 = 127;

/// Why text is not JSON, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// Where a member of an object stands.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// The key between its quotes.
    pub(super) key: Range<usize>,
    /// The first eight bytes of the key as a big-endian number: sorts as the key does, but for keys that begin alike.
    pub(super) order: u64,
    /// The key contains escapes.
    pub(super) escaped: bool,
    /// The value without white space around it.
    pub(super) value: Range<usize>,
}

/// The members of an object in the order of the text. Most objects have few.
pub(super) type Spans = SmallVec<[Span; 16]>;

/// A scanner over text that is known to be UTF-8.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// Where `\uD800` to `\uDFFF` stand without their other half.
    lone_surrogates: Vec<usize>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, lone_surrogates: Vec::new() }
    }

    /// Where the scanner stands.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Positions of `\uXXXX` escapes that are half of a surrogate pair.
    pub(super) fn lone_surrogates(&self) -> &[usize] {
        &self.lone_surrogates
    }

    /// The next byte that is not white space, without going past it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => {
                self.at = skip_space(self.text, self.at);
                self.text.get(self.at).copied()
            }
        }
    }

    pub(super) fn fault(&self, what: &'static str) -> Fault {
        fault(self.text, self.at, what)
    }

    /// Reads one value; `depth` containers stand around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<(), Fault> {
        self.at = value(self.text, self.at, depth, &mut self.lone_surrogates)?;
        Ok(())
    }

    /// Reads an object and gives the places of its members; `depth` containers stand around it.
    pub(super) fn members(&mut self, depth: u32, spans: &mut Spans) -> Result<(), Fault> {
        if self.peek() != Some(b'{') {
            return Err(self.fault("expected an object"));
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let (key, escaped, at) = key(self.text, self.at, &mut self.lone_surrogates)?;
            self.at = at;
            self.peek();
            let start = self.at;
            self.value(depth + 1)?;
            let order = order(&self.text[key.clone()]);
            spans.push(Span { key, order, escaped, value: start..self.at });
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.fault("expected `,` or `}`")),
            }
        }
    }
}

// What follows are functions of text and place, not methods: so the place stays in a register.

#[cold]
fn fault(text: &[u8], at: usize, what: &'static str) -> Fault {
    let what = if at >= text.len() { "unexpected end" } else { what };
    Fault { at: at.min(text.len()), what }
}

/// The place of the next byte that is not white space. The functions below look for what they expect first, and call
/// this only when it is not there: most JSON on the wire has no white space.
#[cold]
#[inline(never)]
fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b'\t' | b'\n' | b'\r' | b' ') = text.get(at) {
        at += 1;
    }
    at
}

/// The place behind `byte`, which white space may precede.
#[inline(always)]
fn expect(text: &[u8], mut at: usize, byte: u8, fails: &'static str) -> Result<usize, Fault> {
    if text.get(at) != Some(&byte) {
        at = skip_space(text, at);
        if text.get(at) != Some(&byte) {
            return Err(fault(text, at, fails));
        }
    }
    Ok(at + 1)
}

/// Reads `"key":`: the key between its quotes, whether it has escapes, and the place behind.
#[inline(always)]
fn key(
    text: &[u8],
    at: usize,
    lone_surrogates: &mut Vec<usize>,
) -> Result<(Range<usize>, bool, usize), Fault> {
    let start = expect(text, at, b'"', "expected a key")?;
    let (end, escaped) = string(text, start, lone_surrogates)?;
    let at = expect(text, end, b':', "expected `:`")?;
    Ok((start..end - 1, escaped, at))
}

/// Reads one value: the place behind it. Iterative, as the nesting is the sender's choice.
fn value(
    text: &[u8],
    mut at: usize,
    depth: u32,
    lone_surrogates: &mut Vec<usize>,
) -> Result<usize, Fault> {
    // One bit for each open container, the innermost lowest: 1 is an object.
    let mut open: u128 = 0;
    let mut level = depth;
    loop {
        match text.get(at) {
            Some(b'"') => (at, _) = string(text, at + 1, lone_surrogates)?,
            Some(b'-' | b'0'..=b'9') => at = number(text, at)?,
            Some(first @ (b'{' | b'[')) => {
                level += 1;
                if level > MAX_DEPTH {
                    return Err(fault(text, at, "nested too deeply"));
                }
                open = open << 1 | u128::from(*first == b'{');
                at = skip_space(text, at + 1);
                match (first, text.get(at)) {
                    (b'{', Some(b'}')) | (b'[', Some(b']')) => {
                        at += 1;
                        level -= 1;
                        open >>= 1;
                    }
                    (b'{', _) => {
                        (_, _, at) = key(text, at, lone_surrogates)?;
                        continue;
                    }
                    _ => continue,
                }
            }
            Some(b't') => at = literal(text, at, b"true")?,
            Some(b'f') => at = literal(text, at, b"false")?,
            Some(b'n') => at = literal(text, at, b"null")?,
            Some(b' ' | b'\n' | b'\r' | b'\t') => {
                at = skip_space(text, at);
                continue;
            }
            _ => return Err(fault(text, at, "expected a value")),
        }
        // A value has ended: close what ends with it.
        loop {
            if level == depth {
                return Ok(at);
            }
            let object = open & 1 == 1;
            match text.get(at) {
                Some(b',') => {
                    at += 1;
                    if object {
                        (_, _, at) = key(text, at, lone_surrogates)?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                Some(b' ' | b'\n' | b'\r' | b'\t') => {
                    at = skip_space(text, at);
                    continue;
                }
                _ if object => return Err(fault(text, at, "expected `,` or `}`")),
                _ => return Err(fault(text, at, "expected `,` or `]`")),
            }
            at += 1;
            level -= 1;
            open >>= 1;
        }
    }
}

#[inline(always)]
fn literal(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    if text[at..].starts_with(word) {
        return Ok(at + word.len());
    }
    Err(fault(text, at, "expected a value"))
}

/// Reads the rest of a string behind its opening quote: the place behind it, and whether it has escapes.
#[inline(always)]
fn string(
    text: &[u8],
    mut at: usize,
    lone_surrogates: &mut Vec<usize>,
) -> Result<(usize, bool), Fault> {
    let mut escaped = false;
    loop {
        while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<16>) {
            let special = special_bytes(*chunk);
            if special != 0 {
                at += special.trailing_zeros() as usize;
                break;
            }
            at += 16;
        }
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(text, at, lone_surrogates)?;
            }
            Some(0x20..) => at += 1,
            _ => return Err(fault(text, at, "control character in a string")),
        }
    }
}

/// Reads an escape: the place behind it.
#[inline(never)]
fn escape(text: &[u8], at: usize, lone_surrogates: &mut Vec<usize>) -> Result<usize, Fault> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let Some(unit) = hex(text, at) else { return Err(fault(text, at, "invalid escape")) };
            let low = |unit| (0xDC00..=0xDFFF).contains(&unit);
            match unit {
                0xD800..=0xDBFF if hex(text, at + 6).is_some_and(low) => return Ok(at + 12),
                0xD800..=0xDFFF => lone_surrogates.push(at),
                _ => {}
            }
            Ok(at + 6)
        }
        _ => Err(fault(text, at, "invalid escape")),
    }
}

/// The number in the `\uXXXX` at `at`.
fn hex(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

/// Reads a number: the place behind it.
#[inline(always)]
fn number(text: &[u8], mut at: usize) -> Result<usize, Fault> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    match text.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at = digits(text, at),
        _ => return Err(fault(text, at, "expected a digit")),
    }
    if text.get(at) == Some(&b'.') {
        at = some_digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = some_digits(text, at)?;
    }
    Ok(at)
}

#[inline(always)]
fn some_digits(text: &[u8], at: usize) -> Result<usize, Fault> {
    match digits(text, at) {
        end if end == at => Err(fault(text, at, "expected a digit")),
        end => Ok(end),
    }
}

#[inline(always)]
fn digits(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// See [`Span::order`].
#[inline]
fn order(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        // Zeros fill up on the right.
        None => key.iter().rev().fold(0, |order, byte| order >> 8 | u64::from(*byte) << 56),
    }
}

/// One bit for each of sixteen bytes, the first lowest: it is a quote, a backslash or a control character.
#[inline(always)]
fn special_bytes(chunk: [u8; 16]) -> u32 {
    let bytes = u8x16::new(chunk);
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}
