//! Wall-clock time in UTC as calendar fields, and the two spellings that log lines use.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// A moment as calendar fields in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) year: u64,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    /// 0 is Sunday.
    pub(crate) weekday: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) nanos: u32,
}

impl Calendar {
    /// The fields of `time`; a clock before 1970 counts as 1970.
    pub(crate) fn utc(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let days = since.as_secs() / SECONDS_PER_DAY;
        let second_of_day = since.as_secs() % SECONDS_PER_DAY;
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            // 1 January 1970 was a Thursday.
            weekday: ((days + 4) % 7) as u8,
            hour: (second_of_day / 3600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
            nanos: since.subsec_nanos(),
        }
    }

    /// `2026-11-21T12:14:48.` (RFC 3339 without fraction and zone).
    pub(crate) fn rfc3339_second(&self, line: &mut Vec<u8>) {
        self.date(b'-', line);
        line.push(b'T');
        self.clock(line);
        line.push(b'.');
    }

    /// `2026-11-21T12:14:48.123456Z` (RFC 3339).
    pub(crate) fn rfc3339(&self, line: &mut Vec<u8>) {
        self.rfc3339_second(line);
        digits(u64::from(self.nanos / 1000), 6, line);
        line.push(b'Z');
    }

    /// `2026/11/21`, with this separator.
    pub(crate) fn date(&self, separator: u8, line: &mut Vec<u8>) {
        digits(self.year, 4, line);
        line.push(separator);
        digits(u64::from(self.month), 2, line);
        line.push(separator);
        digits(u64::from(self.day), 2, line);
    }

    /// `12:14:48`.
    pub(crate) fn clock(&self, line: &mut Vec<u8>) {
        digits(u64::from(self.hour), 2, line);
        line.push(b':');
        digits(u64::from(self.minute), 2, line);
        line.push(b':');
        digits(u64::from(self.second), 2, line);
    }
}

/// Appends a number with leading zeros; `width` is at most 9 and higher digits are left out.
pub(crate) fn digits(number: u64, width: usize, line: &mut Vec<u8>) {
    let mut text = [b'0'; 9];
    let mut rest = number;
    for place in text.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    line.extend_from_slice(&text[9 - width.min(9)..]);
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the
/// leap day is the last one; 400 years have 146,097 days.
fn civil(days: u64) -> (u64, u8, u8) {
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rfc3339(seconds: u64, nanos: u32) -> String {
        let mut line = Vec::new();
        Calendar::utc(UNIX_EPOCH + Duration::new(seconds, nanos)).rfc3339(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn known_moments() {
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(951_782_399, 999_999_999), "2000-02-28T23:59:59.999999Z");
        assert_eq!(rfc3339(951_782_400, 0), "2000-02-29T00:00:00.000000Z");
        assert_eq!(rfc3339(1_234_567_890, 1_000), "2009-02-13T23:31:30.000001Z");
        assert_eq!(rfc3339(4_102_444_800, 0), "2100-01-01T00:00:00.000000Z");
        assert_eq!(Calendar::utc(UNIX_EPOCH + Duration::from_secs(1_234_567_890)).weekday, 5);
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let length = |year: u64, month: u8| match month {
            2 if (year.is_multiple_of(4) && !year.is_multiple_of(100))
                || year.is_multiple_of(400) =>
            {
                29
            }
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..200_000 {
            assert_eq!(civil(days), (year, month, day));
            day += 1;
            if day > length(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
