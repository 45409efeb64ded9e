//! Parameters of a query.

use std::collections::BTreeMap;

/// Sets parameters: those of the same name go, whatever else is there stays as it is.
pub(crate) fn set(query: &str, parameters: &BTreeMap<String, String>) -> String {
    let new: Vec<_> =
        parameters.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    let stays = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !new.iter().any(|(other, _)| same(name, other))
    };
    let kept = query.split('&').filter(stays).map(str::to_owned);
    kept.chain(new.iter().map(|(name, value)| format!("{name}={value}")))
        .collect::<Vec<_>>()
        .join("&")
}

/// Whether two encoded names are one, also if one of them encodes more than it had to.
fn same(one: &str, other: &str) -> bool {
    decode(one) == decode(other)
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped =
            digit(at + 1).zip(digit(at + 2)).and_then(|(h, l)| u8::try_from(h << 4 | l).ok());
        match (byte, escaped) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// All but the unreserved characters of RFC 3986 is escaped.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_parameters_stay() {
        let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        for (query, name, value, expected) in [
            ("", "v", "2", "v=2"),
            ("a=1&b", "v", "2", "a=1&b&v=2"),
            ("v=1&a=%20&v", "v", "2", "a=%20&v=2"),
            ("%76=1", "v", "2", "v=2"),
            ("a+b=1&c=1", "a b", "&=", "c=1&a%20b=%26%3D"),
        ] {
            assert_eq!(set(query, &one(name, value)), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text: String, query in "[a-c%=&+0-9]{0,12}") {
            prop_assert_eq!(decode(&encode(&text)), text.as_bytes());
            let all = set(&query, &BTreeMap::from([("a".to_owned(), text)]));
            let named = all.split('&').filter(|pair| same(pair.split('=').next().unwrap_or_default(), "a"));
            prop_assert_eq!(named.count(), 1);
        }
    }
}
