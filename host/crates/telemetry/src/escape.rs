//! Text of strangers inside log lines: no byte of it may end a line, leave its JSON string or steer a terminal.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Longest text of one field in bytes before it is cut: a request's target may be as long as the header limit, and
/// the memory of a log is bounded.
pub(crate) const LONGEST: usize = 8 * 1024;

/// Appends `text` as the inside of a JSON string (RFC 8259 section 7). What is no UTF-8 becomes U+FFFD; the controls
/// of C1 and DEL are escaped as well, as a terminal obeys them.
pub(crate) fn json(text: &[u8], line: &mut Vec<u8>) {
    let (text, cut) = shorten(text);
    if text.iter().all(|b| matches!(b, 0x20..=0x7e) && !matches!(b, b'"' | b'\\')) {
        line.extend_from_slice(text);
    } else {
        for chunk in text.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '"' => line.extend_from_slice(b"\\\""),
                    '\\' => line.extend_from_slice(b"\\\\"),
                    '\n' => line.extend_from_slice(b"\\n"),
                    '\r' => line.extend_from_slice(b"\\r"),
                    '\t' => line.extend_from_slice(b"\\t"),
                    c => plain_or_escaped(c, line),
                }
            }
            if !chunk.invalid().is_empty() {
                line.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    if cut {
        line.extend_from_slice("…".as_bytes());
    }
}

/// Appends `text` for a reader at a terminal: controls as `\u00..`, the rest as it is.
pub(crate) fn terminal(text: &[u8], line: &mut Vec<u8>) {
    let (text, cut) = shorten(text);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => line.extend_from_slice(b"\\n"),
                '\r' => line.extend_from_slice(b"\\r"),
                '\t' => line.extend_from_slice(b"\\t"),
                c => plain_or_escaped(c, line),
            }
        }
        if !chunk.invalid().is_empty() {
            line.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    if cut {
        line.extend_from_slice("…".as_bytes());
    }
}

fn shorten(text: &[u8]) -> (&[u8], bool) {
    match text.get(..LONGEST) {
        Some(start) if text.len() > LONGEST => (start, true),
        _ => (text, false),
    }
}

fn plain_or_escaped(c: char, line: &mut Vec<u8>) {
    // Bidirectional overrides and line separators change what a reader sees without being controls.
    let steers = c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !steers {
        let mut utf8 = [0; 4];
        line.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
        return;
    }
    // All of these lie in the basic plane: four digits are enough.
    let code = c as u32;
    line.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        line.push(HEX[(code >> shift & 0xf) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(escape: fn(&[u8], &mut Vec<u8>), text: &[u8]) -> String {
        let mut line = Vec::new();
        escape(text, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn nothing_ends_a_line_or_steers_a_terminal() {
        assert_eq!(escaped(json, b"a\"\\\n\x1b[2J\x7f"), r#"a\"\\\n\u001b[2J\u007f"#);
        assert_eq!(escaped(terminal, b"a\"\r\n\x1b[2J\x00"), r#"a"\r\n\u001b[2J\u0000"#);
        assert_eq!(escaped(terminal, "é\u{9b}\u{202e}".as_bytes()), r"é\u009b\u202e");
        assert_eq!(escaped(json, b"\xff\xfeok"), "\u{fffd}\u{fffd}ok");
    }

    #[test]
    fn a_long_text_is_cut() {
        let line = escaped(json, &[b'a'; LONGEST + 1]);
        assert_eq!(line.len(), LONGEST + "…".len());
        assert_eq!(escaped(json, &[b'a'; LONGEST]).len(), LONGEST);
    }

    proptest! {
        #[test]
        fn json_reads_back(text in "\\PC{0,40}|(?s).{0,40}") {
            let quoted = format!("\"{}\"", escaped(json, text.as_bytes()));
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }

        #[test]
        fn any_bytes_make_one_clean_line(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            for escape in [json, terminal] {
                prop_assert!(!escaped(escape, &text).chars().any(char::is_control));
            }
        }
    }
}
