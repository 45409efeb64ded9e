//! What came out against what was expected.

use serde_json::Value;

use super::script::Message;

/// What stands for any text in an expectation.
const ANY: &str = "...";

/// The differences, as lines that begin with `-` (expected) and `+` (found).
pub(super) fn request(expected: &Message, found: &Message) -> Vec<String> {
    let mut lines = Vec::new();
    if !expected.first.is_empty() {
        let line = |message: &Message| {
            message.target().map(|(method, target)| format!("{method} {target}"))
        };
        let (wanted, got) = (line(expected), line(found));
        let fits =
            wanted.as_ref().zip(got.as_ref()).is_some_and(|(wanted, got)| matches(wanted, got));
        if !fits {
            differ(&mut lines, &expected.first, &found.first);
        }
    }
    rest(expected, found, &mut lines);
    lines
}

/// As [`request`], for answers.
pub(super) fn response(expected: &Message, found: &Message) -> Vec<String> {
    let mut lines = Vec::new();
    if !expected.first.is_empty() && expected.status() != found.status() {
        differ(&mut lines, &expected.first, &found.first);
    }
    rest(expected, found, &mut lines);
    lines
}

fn differ(lines: &mut Vec<String>, expected: &str, found: &str) {
    lines.extend(expected.lines().map(|line| format!("- {line}")));
    lines.extend(found.lines().map(|line| format!("+ {line}")));
}

fn rest(expected: &Message, found: &Message, lines: &mut Vec<String>) {
    for (name, value) in &expected.headers {
        let values: Vec<&String> = found
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value)
            .collect();
        if values.iter().any(|found| matches(value, found)) {
            continue;
        }
        lines.push(format!("- {name}: {value}"));
        if values.is_empty() {
            lines.push(format!("+ (no header {name})"));
        }
        lines.extend(values.iter().map(|value| format!("+ {name}: {value}")));
    }
    for (name, value) in found.headers.iter().filter(|(name, _)| expected.absent.contains(name)) {
        lines.push(format!("- !{name}"));
        lines.push(format!("+ {name}: {value}"));
    }
    if let Some(body) = &expected.body {
        let other = found.body.as_deref().unwrap_or_default();
        if !body_matches(body, other) {
            differ(lines, body, if other.is_empty() { "(no body)" } else { other });
        }
    }
}

/// JSON is compared as JSON: its formatting and the order of its keys do not matter.
fn body_matches(expected: &str, found: &str) -> bool {
    match (serde_json::from_str::<Value>(expected), serde_json::from_str::<Value>(found)) {
        (Ok(expected), Ok(found)) => json_matches(&expected, &found),
        _ => matches(expected, found.trim_end()),
    }
}

fn json_matches(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(any), _) if any == ANY => true,
        (Value::String(expected), Value::String(found)) => matches(expected, found),
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| json_matches(expected, found))
        }
        (Value::Object(expected), Value::Object(found)) => {
            let open = expected.contains_key(ANY);
            let wanted = || expected.iter().filter(|(key, _)| *key != ANY);
            (open || wanted().count() == found.len())
                && wanted().all(|(key, value)| {
                    found.get(key).is_some_and(|other| json_matches(value, other))
                })
        }
        (expected, found) => expected == found,
    }
}

/// Whether a text is the expected one, in which `...` stands for anything.
fn matches(expected: &str, found: &str) -> bool {
    let mut parts = expected.split(ANY);
    let Some(mut rest) = parts.next().and_then(|first| found.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::script::Script;

    fn answers(expected: &str, found: &str) -> Vec<String> {
        let expected = Script::parse(&format!("### expect response\n{expected}")).unwrap();
        let found = Script::parse(&format!("### backend response\n{found}")).unwrap();
        response(&expected.expect.response.unwrap(), &found.backend.unwrap())
    }

    #[test]
    fn dots_stand_for_anything() {
        for (expected, found) in
            [("...", ""), ("a...", "ab"), ("...b", "ab"), ("a...b...c", "aXbYc"), ("ab", "ab")]
        {
            assert!(matches(expected, found), "{expected} {found}");
        }
        for (expected, found) in [("a...", "ba"), ("a", "ab"), ("a...b...c", "aXc"), ("a...a", "a")]
        {
            assert!(!matches(expected, found), "{expected} {found}");
        }
    }

    #[test]
    fn only_what_is_written_is_compared() {
        let found = "HTTP/1.1 200 OK\nx-a: 1\nx-a: 2\n\n{\"b\": 1, \"a\": [\"x\", 2.0]}";
        for expected in [
            "200",
            "x-a: 2",
            "200 Fine\nx-a: ...\n!x-b",
            "200\n\n{\"a\":[\"...\",2.0],\"b\":1}",
            "200\n\n{\"...\": 0, \"b\": 1}",
        ] {
            assert_eq!(answers(expected, found), [""; 0], "{expected}");
        }
        assert_eq!(answers("404", found), ["- 404", "+ HTTP/1.1 200 OK"]);
        assert_eq!(answers("x-a: 3", found), ["- x-a: 3", "+ x-a: 1", "+ x-a: 2"]);
        assert_eq!(answers("x-c: 3", found), ["- x-c: 3", "+ (no header x-c)"]);
        assert_eq!(answers("!x-a", "200\nx-a: 1"), ["- !x-a", "+ x-a: 1"]);
        assert_eq!(answers("200\n\n{\"b\": 1}", found)[0], "- {\"b\": 1}");
        assert_eq!(answers("200\n\nhi", "200"), ["- hi", "+ (no body)"]);
    }
}
