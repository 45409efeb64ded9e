//! Points in time as RFC 3339 writes them: `2026-03-01T22:00:00Z`, `2026-03-01T23:00:00+01:00`.

use std::{borrow::Cow, str::FromStr};

use serde::Deserialize;

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Cow<'_, str>")]
pub(crate) struct Instant(pub(crate) u64);

impl TryFrom<Cow<'_, str>> for Instant {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).map(Self).ok_or_else(|| {
            format!(
                "`{text}` is no time: write it as 2026-03-01T22:00:00Z or with an offset (RFC 3339)"
            )
        })
    }
}

fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let days = days(date)?;
    let (time, offset) = offset(time)?;
    let (hours, rest) = number(time, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
    let (seconds, rest) = number(rest.strip_prefix(':')?, 2)?;
    // A leap second, 60, is the beginning of the next minute.
    if hours > 23 || minutes > 59 || seconds > 60 || !is_fraction(rest) {
        return None;
    }
    let seconds = ((days * 24 + hours) * 60 + minutes - offset) * 60 + seconds;
    u64::try_from(seconds).ok()?.checked_mul(1000)
}

/// Parts of a second, which are left out.
fn is_fraction(text: &str) -> bool {
    let digits = text.strip_prefix('.');
    text.is_empty()
        || digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
}

/// Splits the offset from UTC off, in minutes.
fn offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (time, offset) = time.split_at(at);
    let (hours, rest) = number(&offset[1..], 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some((time, sign * (hours * 60 + minutes)))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(date: &str) -> Option<i64> {
    let (year, rest) = number(date, 4)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    if !rest.is_empty() || !(1..=12).contains(&month) || !(1..=length(year, month)).contains(&day) {
        return None;
    }
    let before = (1..month).map(|month| length(year, month)).sum::<i64>();
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    Some((year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before + day - 1)
}

/// Days of a month.
fn length(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A number of so many digits, and what follows it.
fn number(text: &str, digits: usize) -> Option<(i64, &str)> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((is_number.then(|| digits.parse().ok()).flatten()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_of_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-01-01T00:00:00z", 1_767_225_600),
            ("2026-01-01t01:30:00.75+01:30", 1_767_225_600),
            ("2025-12-31T19:00:00-05:00", 1_767_225_600),
            ("2400-03-01T00:00:00Z", 13_574_649_600),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
        ] {
            assert_eq!(parse(text), Some(seconds * 1000), "{text}");
        }
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00Z",
            "2026-1-1T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0100",
            "1969-12-31T23:59:59Z",
            "+026-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        /// Days count up through the calendar, and no text makes it panic.
        #[test]
        fn days_follow_each_other(year in 1970_i64..9999, month in 1_i64..=12, day in 1_i64..=31, text in ".{0,24}|[0-9TZ:.+-]{0,24}") {
            let date = |year: i64, month: i64, day: i64| days(&format!("{year:04}-{month:02}-{day:02}"));
            match date(year, month, day) {
                None => prop_assert!(day > length(year, month)),
                Some(number) => {
                    let next = date(year, month, day + 1)
                        .or_else(|| date(year, month + 1, 1))
                        .or_else(|| date(year + 1, 1, 1));
                    prop_assert_eq!(next, Some(number + 1));
                }
            }
            let _ = parse(&text);
        }
    }
}
