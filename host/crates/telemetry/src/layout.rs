//! Time layouts as Go writes them: the moment `Mon Jan 2 15:04:05 MST 2006` spelt the way the output shall look.

use crate::time::{Calendar, digits};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Elements by their spelling. Where one is the start of another, the longer one comes first.
const ELEMENTS: [(&str, Element); 24] = [
    ("January", Element::Month),
    ("Jan", Element::ShortMonth),
    ("Monday", Element::Weekday),
    ("Mon", Element::ShortWeekday),
    ("MST", Element::Zone),
    ("2006", Element::Year),
    ("01", Element::Number(Part::Month)),
    ("02", Element::Number(Part::Day)),
    ("03", Element::Number(Part::Hour12)),
    ("04", Element::Number(Part::Minute)),
    ("05", Element::Number(Part::Second)),
    ("06", Element::ShortYear),
    ("15", Element::Number(Part::Hour)),
    ("Z07:00", Element::ZoneLetter),
    ("Z0700", Element::ZoneLetter),
    ("-07:00", Element::ZoneColon),
    ("-0700", Element::ZoneDigits),
    ("PM", Element::Half),
    ("pm", Element::SmallHalf),
    (".000000000", Element::Fraction(9)),
    (".000000", Element::Fraction(6)),
    (".000", Element::Fraction(3)),
    (",000", Element::Fraction(3)),
    ("_2", Element::PaddedDay),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    Literal(String),
    Month,
    ShortMonth,
    Weekday,
    ShortWeekday,
    Zone,
    Year,
    ShortYear,
    Number(Part),
    ZoneLetter,
    ZoneColon,
    ZoneDigits,
    Half,
    SmallHalf,
    Fraction(usize),
    PaddedDay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Month,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
}

/// A parsed layout. Any text is one: what is no element stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout(Vec<Element>);

impl Layout {
    /// Parses Go's spelling.
    pub(crate) fn parse(text: &str) -> Self {
        let mut elements = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = ELEMENTS.iter().find(|(spelling, _)| rest.starts_with(spelling));
            if let Some((spelling, element)) = found {
                if !literal.is_empty() {
                    elements.push(Element::Literal(std::mem::take(&mut literal)));
                }
                elements.push(element.clone());
                rest = &rest[spelling.len()..];
            } else {
                literal.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        if !literal.is_empty() {
            elements.push(Element::Literal(literal));
        }
        Self(elements)
    }

    /// Appends `time`, which is in UTC, in this layout.
    pub(crate) fn write(&self, time: &Calendar, line: &mut Vec<u8>) {
        for element in &self.0 {
            element.write(time, line);
        }
    }
}

impl Element {
    fn write(&self, time: &Calendar, line: &mut Vec<u8>) {
        let month = MONTHS[usize::from(time.month - 1)];
        let weekday = WEEKDAYS[usize::from(time.weekday)];
        let text = match self {
            Self::Literal(text) => text,
            Self::Month => month,
            Self::ShortMonth => &month[..3],
            Self::Weekday => weekday,
            Self::ShortWeekday => &weekday[..3],
            Self::Zone => "UTC",
            Self::ZoneLetter => "Z",
            Self::ZoneColon => "+00:00",
            Self::ZoneDigits => "+0000",
            Self::Half => {
                if time.hour < 12 {
                    "AM"
                } else {
                    "PM"
                }
            }
            Self::SmallHalf => {
                if time.hour < 12 {
                    "am"
                } else {
                    "pm"
                }
            }
            Self::Year => return digits(time.year, 4, line),
            Self::ShortYear => return digits(time.year, 2, line),
            Self::Number(part) => return digits(part.of(time), 2, line),
            Self::PaddedDay if time.day < 10 => {
                line.push(b' ');
                return digits(u64::from(time.day), 1, line);
            }
            Self::PaddedDay => return digits(u64::from(time.day), 2, line),
            Self::Fraction(width) => {
                line.push(b'.');
                let divisor = 10_u32.pow(9 - *width as u32);
                return digits(u64::from(time.nanos / divisor), *width, line);
            }
        };
        line.extend_from_slice(text.as_bytes());
    }
}

impl Part {
    fn of(self, time: &Calendar) -> u64 {
        u64::from(match self {
            Self::Month => time.month,
            Self::Day => time.day,
            Self::Hour => time.hour,
            Self::Hour12 => (time.hour + 11) % 12 + 1,
            Self::Minute => time.minute,
            Self::Second => time.second,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn written(layout: &str) -> String {
        // 2009-02-13T23:31:30.012345678Z, a Friday.
        let time = Calendar::utc(UNIX_EPOCH + Duration::new(1_234_567_890, 12_345_678));
        let mut line = Vec::new();
        Layout::parse(layout).write(&time, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn layouts_of_go() {
        for (layout, expected) in [
            ("2006/01/02 15:04:05", "2009/02/13 23:31:30"),
            ("2006-01-02T15:04:05.000Z07:00", "2009-02-13T23:31:30.012Z"),
            ("2006-01-02T15:04:05.000000-0700", "2009-02-13T23:31:30.012345+0000"),
            ("Mon, 02 Jan 2006 03:04PM MST", "Fri, 13 Feb 2009 11:31PM UTC"),
            ("Monday January _2 06", "Friday February 13 09"),
            ("at é", "at é"),
            ("", ""),
        ] {
            assert_eq!(written(layout), expected, "{layout}");
        }
    }
}
