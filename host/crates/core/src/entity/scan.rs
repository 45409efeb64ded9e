//! One pass over JSON text: checks it against RFC 8259 and finds where the members of an object are.
//!
//! Nothing is built: numbers stay text, strings stay escaped. An own scanner rather than `serde_json`'s skipping
//! parser, as this is what every decoded byte costs; `benches/micro` compares the two.

use std::ops::Range;

use smallvec::SmallVec;

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
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[cold]
    pub(super) fn fault(&self, what: &'static str) -> Fault {
        let what = if self.at >= self.text.len() { "unexpected end" } else { what };
        Fault { at: self.at.min(self.text.len()), what }
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
            let (key, escaped) = self.key()?;
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

    /// Reads `"key":`.
    #[inline]
    fn key(&mut self) -> Result<(Range<usize>, bool), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a key"));
        }
        self.at += 1;
        let start = self.at;
        let escaped = self.string()?;
        let key = start..self.at - 1;
        if self.peek() != Some(b':') {
            return Err(self.fault("expected `:`"));
        }
        self.at += 1;
        Ok((key, escaped))
    }

    /// Reads one value; `depth` containers stand around it. Iterative, as the nesting is the sender's choice.
    pub(super) fn value(&mut self, depth: u32) -> Result<(), Fault> {
        // One bit for each open container, the innermost lowest: 1 is an object.
        let mut open: u128 = 0;
        let mut level = depth;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.string()?;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(first @ (b'{' | b'[')) => {
                    level += 1;
                    if level > MAX_DEPTH {
                        return Err(self.fault("nested too deeply"));
                    }
                    open = open << 1 | u128::from(first == b'{');
                    self.at += 1;
                    match (first, self.peek()) {
                        (b'{', Some(b'}')) | (b'[', Some(b']')) => {
                            self.at += 1;
                            level -= 1;
                            open >>= 1;
                        }
                        (b'{', _) => {
                            self.key()?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return Err(self.fault("expected a value")),
            }
            // A value has ended: close what ends with it.
            loop {
                if level == depth {
                    return Ok(());
                }
                let object = open & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ if object => return Err(self.fault("expected `,` or `}`")),
                    _ => return Err(self.fault("expected `,` or `]`")),
                }
                self.at += 1;
                level -= 1;
                open >>= 1;
            }
        }
    }

    #[inline]
    fn literal(&mut self, word: &[u8]) -> Result<(), Fault> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.fault("expected a value"))
    }

    /// Reads the rest of a string behind its opening quote; tells whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Fault> {
        let mut escaped = false;
        loop {
            while let Some(chunk) = self.text[self.at..].first_chunk::<8>() {
                let special = special_bytes(u64::from_le_bytes(*chunk));
                if special != 0 {
                    self.at += special.trailing_zeros() as usize / 8;
                    break;
                }
                self.at += 8;
            }
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.fault("control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => Err(self.fault("invalid escape")),
        }
    }

    fn unicode_escape(&mut self) -> Result<(), Fault> {
        let Some(unit) = self.hex(self.at) else { return Err(self.fault("invalid escape")) };
        let low = |unit| (0xDC00..=0xDFFF).contains(&unit);
        match unit {
            0xD800..=0xDBFF if self.hex(self.at + 6).is_some_and(low) => self.at += 12,
            0xD800..=0xDFFF => {
                self.lone_surrogates.push(self.at);
                self.at += 6;
            }
            _ => self.at += 6,
        }
        Ok(())
    }

    /// The number in the `\uXXXX` at `at`.
    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits
            .iter()
            .try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
    }

    #[inline]
    fn number(&mut self) -> Result<(), Fault> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fault("expected a digit")),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    #[inline]
    fn some_digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.fault("expected a digit")) } else { Ok(()) }
    }

    #[inline]
    fn digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }
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

/// Marks, in the high bit of each byte, the first quote, backslash or control character of eight bytes. Bytes behind
/// the first mark may be marked wrongly (a borrow runs upwards), so only the lowest mark counts.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote.wrapping_sub(ONES) & !quote | backslash.wrapping_sub(ONES) & !backslash | control) & HIGH
}
