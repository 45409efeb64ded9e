//! `custom_format` of `telemetry/logging`: text with `%{verb}` and `%{verb:argument}` (reference 15.1).

use std::{
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use torana_config::did_you_mean;

use crate::{escape, layout::Layout, log::Line};

const VERBS: [&str; 8] = ["id", "pid", "time", "level", "program", "message", "module", "color"];

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid(String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parsed `custom_format`.
#[derive(Debug)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    lines: AtomicU64,
}

#[derive(Debug)]
enum Piece {
    Literal(String),
    Id,
    Pid,
    Time(Layout),
    /// With the number of letters to keep: `%{level:.4s}`.
    Level(Option<usize>),
    Program,
    Message,
    Module,
    Colour {
        reset: bool,
    },
}

impl Pattern {
    /// Parses a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("%{") {
            if start > 0 {
                pieces.push(Piece::Literal(rest[..start].to_owned()));
            }
            let inside = &rest[start + 2..];
            let end = inside
                .find('}')
                .ok_or_else(|| Invalid(format!("`%{{{inside}` has no closing brace")))?;
            pieces.push(piece(&inside[..end])?);
            rest = &inside[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Message)) {
            return Err(Invalid("the pattern has no `%{message}`".to_owned()));
        }
        Ok(Self { pieces, lines: AtomicU64::new(0) })
    }

    /// Appends a line without its end.
    pub(crate) fn write(&self, event: &Line<'_>, colour: bool, line: &mut Vec<u8>) {
        let number = self.lines.fetch_add(1, Ordering::Relaxed) + 1;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => line.extend_from_slice(text.as_bytes()),
                Piece::Id => append(number, line),
                Piece::Pid => append(std::process::id(), line),
                Piece::Time(layout) => layout.write(&event.time, line),
                Piece::Level(letters) => {
                    let word = event.level.word();
                    let end = letters.unwrap_or(word.len()).min(word.len());
                    line.extend_from_slice(&word.as_bytes()[..end]);
                }
                Piece::Program => line.extend_from_slice(b"torana"),
                Piece::Message => event.message_and_fields(line),
                Piece::Module => escape::terminal(event.module.as_bytes(), line),
                Piece::Colour { reset: true } if colour => line.extend_from_slice(b"\x1b[0m"),
                Piece::Colour { reset: false } if colour => {
                    line.extend_from_slice(event.level.colour().as_bytes());
                }
                Piece::Colour { .. } => {}
            }
        }
    }
}

fn append(number: impl std::fmt::Display, line: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(line, "{number}");
}

fn piece(inside: &str) -> Result<Piece, Invalid> {
    let (verb, argument) = inside.split_once(':').unwrap_or((inside, ""));
    Ok(match verb {
        "id" => Piece::Id,
        "pid" => Piece::Pid,
        "time" if argument.is_empty() => {
            Piece::Time(Layout::parse("2006-01-02T15:04:05.000Z07:00"))
        }
        "time" => Piece::Time(Layout::parse(argument)),
        "level" => Piece::Level(letters(argument)?),
        "program" => Piece::Program,
        "message" => Piece::Message,
        "module" => Piece::Module,
        "color" => Piece::Colour { reset: argument == "reset" },
        other => {
            let hint = did_you_mean(other, VERBS).map(|hint| format!(", {hint}"));
            return Err(Invalid(format!(
                "unknown verb `%{{{other}}}`{}",
                hint.unwrap_or_default()
            )));
        }
    })
}

/// `.4s` keeps four letters; `s`, `v` and nothing keep all.
fn letters(argument: &str) -> Result<Option<usize>, Invalid> {
    match argument {
        "" | "s" | "v" => Ok(None),
        other => other
            .strip_prefix('.')
            .and_then(|rest| rest.strip_suffix('s'))
            .and_then(|number| number.parse().ok())
            .map(Some)
            .ok_or_else(|| Invalid(format!("`{other}` is no format of a level, such as `.4s`"))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::{Level, log::Value, time::Calendar};

    fn written(pattern: &str, colour: bool) -> String {
        let event = Line {
            time: Calendar::utc(UNIX_EPOCH + Duration::from_secs(1_234_567_890)),
            level: Level::Warning,
            module: "torana_http",
            message: "slow\nupstream".to_owned(),
            fields: vec![("host", Value::Text("b:80".to_owned()))],
        };
        let mut line = Vec::new();
        Pattern::parse(pattern).unwrap().write(&event, colour, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn verbs() {
        assert_eq!(
            written(
                "%{time:2006/01/02 15:04:05} %{level:.4s} [%{module}] %{program} %{message}",
                false
            ),
            "2009/02/13 23:31:30 WARN [torana_http] torana slow\\nupstream host=b:80"
        );
        assert_eq!(
            written("%{id} %{color}%{level}%{color:reset} %{message}", true),
            "1 \x1b[33mWARNING\x1b[0m slow\\nupstream host=b:80"
        );
        assert_eq!(written("%{color}%{message}%{color:reset}", false), "slow\\nupstream host=b:80");
    }

    #[test]
    fn problems_are_named() {
        let problem = |pattern| Pattern::parse(pattern).unwrap_err().to_string();
        assert_eq!(problem("%{mesage}"), "unknown verb `%{mesage}`, did you mean `message`?");
        assert_eq!(problem("a %{message"), "`%{message` has no closing brace");
        assert_eq!(problem("%{time}"), "the pattern has no `%{message}`");
        assert_eq!(problem("%{level:x} %{message}"), "`x` is no format of a level, such as `.4s`");
    }

    proptest! {
        #[test]
        fn any_text_is_a_pattern_or_an_error(text in "(%\\{[a-z]{0,8}(:.{0,6})?\\}?|.){0,12}") {
            let _ = Pattern::parse(&text);
        }
    }
}
