//! The two forms of an access line.

use std::{
    io::Write,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::AccessEntry;
use crate::{
    escape,
    time::{Calendar, digits},
};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One JSON object per line.
    Json,
    /// Fields between bars, for people.
    Text { colour: bool },
}

/// The spelling of the last second: calendars are computed once a second, not once a request.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: Option<(u64, Style)>,
    text: Vec<u8>,
}

impl Style {
    /// Appends the line of a request with its end.
    pub(super) fn write(self, entry: &AccessEntry<'_>, clock: &mut Clock, line: &mut Vec<u8>) {
        match self {
            Self::Json => json(entry, clock, line),
            Self::Text { colour } => text(entry, colour, clock, line),
        }
        line.push(b'\n');
    }
}

impl Clock {
    fn write(&mut self, time: SystemTime, style: Style, line: &mut Vec<u8>) {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.second != Some((since.as_secs(), style)) {
            self.second = Some((since.as_secs(), style));
            self.text.clear();
            let calendar = Calendar::utc(time);
            match style {
                Style::Json => calendar.rfc3339_second(&mut self.text),
                Style::Text { .. } => {
                    calendar.date(b'/', &mut self.text);
                    self.text.extend_from_slice(b" - ");
                    calendar.clock(&mut self.text);
                }
            }
        }
        line.extend_from_slice(&self.text);
        if style == Style::Json {
            digits(u64::from(since.subsec_micros()), 6, line);
            line.push(b'Z');
        }
    }
}

fn json(entry: &AccessEntry<'_>, clock: &mut Clock, line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"time\":\"");
    clock.write(entry.time, Style::Json, line);
    line.extend_from_slice(b"\",\"type\":\"access\",\"request_id\":");
    number(entry.request_id, line);
    line.extend_from_slice(b",\"client_ip\":\"");
    address(entry.client_ip, line);
    member("method", entry.method.as_bytes(), line);
    member("path", entry.path, line);
    if let Some(query) = entry.query {
        member("query", query, line);
    }
    if let Some(endpoint) = entry.endpoint {
        member("endpoint", endpoint.as_bytes(), line);
    }
    line.extend_from_slice(b"\",\"status\":");
    number(u64::from(entry.status), line);
    line.extend_from_slice(b",\"bytes\":");
    number(entry.bytes, line);
    line.extend_from_slice(b",\"duration_ms\":");
    let micros = u64::try_from(entry.duration.as_micros()).unwrap_or(u64::MAX);
    number(micros / 1000, line);
    line.push(b'.');
    digits(micros % 1000, 3, line);
    if let Some(error) = entry.error {
        line.extend_from_slice(b",\"error\":\"");
        escape::json(error.as_bytes(), line);
        line.push(b'"');
    }
    line.push(b'}');
}

/// Ends the string before and begins that of `key`.
fn member(key: &str, value: &[u8], line: &mut Vec<u8>) {
    line.extend_from_slice(b"\",\"");
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(b"\":\"");
    escape::json(value, line);
}

/// The fields and their order are those that KrakenD users know (reference 15.1); only the prefix is ours.
fn text(entry: &AccessEntry<'_>, colour: bool, clock: &mut Clock, line: &mut Vec<u8>) {
    line.extend_from_slice(b"[TORANA] ");
    clock.write(entry.time, Style::Text { colour }, line);
    line.extend_from_slice(b" | ");
    let (start, end) = if colour { (status_colour(entry.status), "\x1b[0m") } else { ("", "") };
    line.extend_from_slice(start.as_bytes());
    number(u64::from(entry.status), line);
    line.extend_from_slice(end.as_bytes());
    line.extend_from_slice(b" | ");
    padded(13, true, line, |line| duration(entry.duration, line));
    line.extend_from_slice(b" | ");
    padded(15, true, line, |line| address(entry.client_ip, line));
    line.extend_from_slice(b" | ");
    padded(7, false, line, |line| escape::terminal(entry.method.as_bytes(), line));
    line.extend_from_slice(b" \"");
    escape::terminal(entry.path, line);
    if let Some(query) = entry.query {
        line.push(b'?');
        escape::terminal(query, line);
    }
    line.push(b'"');
    if let Some(error) = entry.error {
        line.extend_from_slice(b" | ");
        escape::terminal(error.as_bytes(), line);
    }
}

fn status_colour(status: u16) -> &'static str {
    match status {
        200..300 => "\x1b[32m",
        300..400 => "\x1b[37m",
        400..500 => "\x1b[33m",
        _ => "\x1b[31m",
    }
}

/// Pads what `write` appends with spaces, in front of it or behind it.
fn padded(width: usize, right: bool, line: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = line.len();
    write(line);
    let end = line.len();
    // Characters, not bytes: `µ` has two.
    let length = line[start..].iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    let padding = width.saturating_sub(length);
    line.resize(end + padding, b' ');
    if right {
        line[start..].rotate_right(padding);
    }
}

fn number(number: u64, line: &mut Vec<u8>) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn address(ip: IpAddr, line: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            for (index, octet) in ip.octets().into_iter().enumerate() {
                if index > 0 {
                    line.push(b'.');
                }
                number(u64::from(octet), line);
            }
        }
        // Writing to a vector cannot fail.
        IpAddr::V6(ip) => {
            let _ = write!(line, "{ip}");
        }
    }
}

/// As Go prints durations: `450ns`, `4.5µs`, `12.25ms`, `1.5s`.
fn duration(duration: Duration, line: &mut Vec<u8>) {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let (unit, places, name) = match nanos {
        0..1_000 => (1, 0, "ns"),
        1_000..1_000_000 => (1_000, 3, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    number(nanos / unit, line);
    let fraction = nanos % unit;
    if fraction > 0 {
        line.push(b'.');
        digits(fraction, places, line);
        while line.last() == Some(&b'0') {
            line.pop();
        }
    }
    line.extend_from_slice(name.as_bytes());
}
