//! Texts with holes: `{{any}}` stands for any text, everything else for itself.

const ANY: &str = "{{any}}";

/// Whether `text` is `pattern` with something (or nothing) in each `{{any}}`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(ANY) else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split(ANY).collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn holes_take_anything_and_the_rest_is_literal() {
        assert!(matches("a{{any}}b", "ab"));
        assert!(matches("a{{any}}b{{any}}", "a--b--"));
        assert!(matches("{{any}}", ""));
        assert!(!matches("a{{any}}b", "ab-"));
        assert!(!matches("a", "a "));
        assert!(!matches("ab{{any}}bc", "abc"));
    }
}
