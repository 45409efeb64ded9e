//! Durations in Go's syntax (`time.ParseDuration`): a sequence of decimal numbers with units.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a duration: {reason}")]
pub(crate) struct Invalid {
    /// The text.
    pub(crate) text: String,
    /// Why not.
    pub(crate) reason: &'static str,
}

/// Parses `1h30m`, `1.5s`, `250ms`, `0`.
pub(crate) fn parse(text: &str) -> Result<Duration, Invalid> {
    let invalid = |reason| Invalid { text: text.to_owned(), reason };
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.starts_with('-') {
        return Err(invalid("it must not be negative"));
    }
    if rest.is_empty() {
        return Err(invalid("it is empty"));
    }
    let mut nanos: f64 = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| invalid("a number is missing"))?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "" => return Err(invalid("its unit is missing")),
            _ => return Err(invalid("its unit is unknown")),
        };
        nanos += number * unit;
        rest = &rest[letters..];
    }
    // Go's durations are 64-bit nanoseconds: about 292 years.
    if nanos > i64::MAX as f64 {
        return Err(invalid("it is too long"));
    }
    Ok(Duration::from_nanos(nanos.round() as u64))
}

/// The shortest text of a duration in one unit: `1500ms`, `2s`, `5m`.
pub(crate) fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let units =
        [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000)];
    if nanos == 0 {
        return "0s".to_owned();
    }
    match units.into_iter().find(|(_, size)| nanos.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", nanos / size),
        None => format!("{nanos}ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_what_it_parses() {
        for text in ["0s", "2s", "1500ms", "5m", "1h", "90m", "7ns"] {
            assert_eq!(parse(text).map(format).as_deref(), Ok(text));
        }
    }

    #[test]
    fn go_syntax() {
        for (text, millis) in [
            ("2s", 2000),
            ("1h30m", 5_400_000),
            ("1.5s", 1500),
            ("250ms", 250),
            ("0", 0),
            ("1m0s", 60_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "2", "s", "2x", "-1s", "1..2s", "2s3", "1e9s", "9999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
