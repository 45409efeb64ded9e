//! Plain scalars: which value their text stands for in the core schema (YAML 1.2.2, 10.3.2).

use serde_json::Number;

use crate::entity::Tree;

/// The value of a plain scalar. Numbers keep their text where JSON can have it; infinities and NaN stay text.
pub(super) fn value(text: &str) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Tree::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number(text).map_or_else(|| text.into(), Tree::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    // Most scalars are words: decided by the first byte.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    let radix = |prefix, radix| {
        text.strip_prefix(prefix)
            .filter(|digits| digits.chars().all(|digit| digit.is_digit(radix)))
            .and_then(|digits| u128::from_str_radix(digits, radix).ok())
    };
    match radix("0x", 16).or_else(|| radix("0o", 8)) {
        Some(number) => number.to_string().parse().ok(),
        None => decimal(text)?.parse().ok(),
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?` as JSON writes it.
fn decimal(text: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at(at),
        None => (unsigned, ""),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let power = exponent.get(1..).unwrap_or_default();
    let power = power.strip_prefix(['-', '+']).unwrap_or(power);
    let valid = digits(whole)
        && digits(fraction.unwrap_or_default())
        && (!whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty()))
        && digits(power)
        && exponent.is_empty() == power.is_empty();
    if !valid {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    Some(match fraction {
        None => format!("{sign}{whole}{exponent}"),
        Some("") => format!("{sign}{whole}.0{exponent}"),
        Some(fraction) => format!("{sign}{whole}.{fraction}{exponent}"),
    })
}
