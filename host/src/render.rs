//! Findings for people: an excerpt of the file with a caret under the place, rule code and help.

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};
use torana_config::{Document, Located, Severity};

use crate::app::Rejected;

/// Longest line in bytes that is shown whole. Generated files may have one line of megabytes.
const LONGEST_LINE: usize = 200;

/// What is shown of a longer line on each side of the place, in bytes.
const MARGIN: usize = 60;

/// All findings as text, ended by a line that counts them. Empty if there are none.
#[must_use]
pub fn findings(found: &[Located], document: Option<&Document>, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_context_lines(1)
        .with_links(false)
        .with_wrap_lines(false);
    let source = document.map(|document| printable(document.text()));
    let mut text = String::new();
    for located in found {
        let located = Located { excerpt: printable(&located.excerpt), ..located.clone() };
        let finding = Finding::new(&located, source.as_deref());
        // Writing to a string fails only if the excerpt does; the plain line says the same.
        if handler.render_report(&mut text, &finding).is_err() {
            text.push_str(&located.to_string());
        }
        text.push('\n');
    }
    if let Some(first) = found.first() {
        text.push_str(&format!("{}: {}\n", first.file, count(found)));
    }
    text
}

/// Text without what a terminal would obey: each byte of a control character becomes `?`, so that places stay.
fn printable(text: &str) -> String {
    let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if shown(c) {
            printable.push(c);
        } else {
            printable.extend(std::iter::repeat_n('?', c.len_utf8()));
        }
    }
    printable
}

/// A refused configuration as text: all its findings, or the one reason.
#[must_use]
pub fn rejected(rejected: &Rejected, colour: bool) -> String {
    match rejected {
        Rejected::Load(error) => match error.located() {
            Some(located) => findings(std::slice::from_ref(located), None, colour),
            None => format!("torana: {error}\n"),
        },
        Rejected::Invalid { document, findings: found } => findings(found, Some(document), colour),
        Rejected::Bind { .. } => format!("torana: {rejected}\n"),
    }
}

/// `2 errors, 1 warning`.
#[must_use]
pub fn count(found: &[Located]) -> String {
    let errors = found.iter().filter(|located| located.severity == Severity::Error).count();
    let parts: Vec<String> = [(errors, "error"), (found.len() - errors, "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
        .collect();
    parts.join(", ")
}

/// One finding as `miette` sees it, and its own source code.
#[derive(Debug)]
struct Finding<'a> {
    located: &'a Located,
    /// The whole text; `None` if there is only the line of the place, or if that line is too long.
    text: Option<&'a str>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
}

impl<'a> Finding<'a> {
    fn new(located: &'a Located, text: Option<&'a str>) -> Self {
        let text = text.filter(|_| located.excerpt.len() <= LONGEST_LINE);
        let label = |start: usize, end: usize, caption: Option<String>| {
            // An empty place still needs a caret.
            LabeledSpan::new(caption, start, (end - start).max(1))
        };
        let place = located.span;
        let mut help = located.help.clone();
        let mut labels = vec![label(place.start, place.end, None)];
        if let Some((span, caption)) = &located.related {
            if text.is_some() {
                labels.push(label(span.start, span.end, Some(caption.clone())));
            } else {
                let related = format!("{caption}: {}:{}:{}", located.file, span.line, span.column);
                help = Some(help.map_or(related.clone(), |help| format!("{help}\n{related}")));
            }
        }
        Self { located, text, labels, help }
    }

    /// The line of the place, cut on both sides if it is long.
    fn window(&self) -> MietteSpanContents<'_> {
        let Located { span, excerpt, file, .. } = self.located;
        let before = excerpt.chars().take(span.column - 1).map(char::len_utf8).sum::<usize>();
        let length = span.end - span.start;
        let (start, end) = if excerpt.len() <= LONGEST_LINE {
            (0, excerpt.len())
        } else {
            let end = before + length.min(MARGIN) + MARGIN;
            (
                excerpt.floor_char_boundary(before.saturating_sub(MARGIN)),
                excerpt.floor_char_boundary(end.min(excerpt.len())),
            )
        };
        MietteSpanContents::new_named(
            file.clone(),
            &excerpt.as_bytes()[start..end],
            SourceSpan::from((span.start - before + start, end - start)),
            span.line - 1,
            span.column - 1,
            1,
        )
    }
}

impl SourceCode for Finding<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Some(text) = self.text else { return Ok(Box::new(self.window())) };
        let contents =
            text.as_bytes().read_span(span, context_lines_before, context_lines_after)?;
        // Columns are counted in characters here, in bytes there.
        let column = if span.offset() == self.located.span.start {
            self.located.span.column - 1
        } else {
            contents.column()
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.located.file.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            column,
            contents.line_count(),
        )))
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.located.message)
    }
}

impl std::error::Error for Finding<'_> {}

impl miette::Diagnostic for Finding<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.located.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.located.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use torana_config::{Diagnostic, Diagnostics, Format, Pointer};

    use super::*;

    #[test]
    fn a_file_cannot_colour_the_terminal() {
        assert_eq!(printable("a\u{1b}[31m\u{9b}\tä\n"), "a?[31m??\tä\n");
    }

    fn rendered(text: &str, diagnostics: impl IntoIterator<Item = Diagnostic>) -> String {
        let document = Document::parse("gateway.json", text, Format::Json).unwrap();
        let mut out = Diagnostics::default();
        diagnostics.into_iter().for_each(|diagnostic| out.push(diagnostic));
        findings(&document.locate_all(&out), Some(&document), false)
    }

    #[test]
    fn an_excerpt_with_a_caret_code_and_help() {
        let text = "{\n  \"version\": 3,\n  \"prot\": 8080,\n  \"name\": \"x\"\n}\n";
        let at = Pointer::root().key("prot");
        let diagnostic = Diagnostic::warning("unknown-key", at, "unknown key `prot`")
            .on_key()
            .help("did you mean `port`?");
        let expected = "\
unknown-key

  ⚠ unknown key `prot`
   ╭─[gateway.json:3:3]
 2 │   \"version\": 3,
 3 │   \"prot\": 8080,
   ·   ──────
 4 │   \"name\": \"x\"
   ╰────
  help: did you mean `port`?

gateway.json: 1 warning
";
        assert_eq!(rendered(text, [diagnostic]), expected);
    }

    #[test]
    fn the_second_place_is_shown_too() {
        let text = "{\n  \"a\": 1,\n\n\n\n\n\n\n  \"b\": 2\n}\n";
        let diagnostic = Diagnostic::error("conflict", Pointer::root().key("b"), "two of them")
            .related(Pointer::root().key("a"), "the first one");
        let text = rendered(text, [diagnostic]);
        assert!(text.contains("╭─[gateway.json:9:8]"), "{text}");
        assert!(text.contains("╰── the first one"), "{text}");
        assert!(text.ends_with("gateway.json: 1 error\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let filler = "é".repeat(5_000);
        let text = format!("{{\"a\": \"{filler}\", \"b\": 2, \"c\": \"{filler}\"}}");
        let diagnostic = Diagnostic::error("conflict", Pointer::root().key("b"), "wrong")
            .related(Pointer::root().key("a"), "the first one");
        let text = rendered(&text, [diagnostic]);
        assert!(text.contains("[gateway.json:1:5016]"), "{text}");
        assert!(text.contains("the first one: gateway.json:1:7"), "{text}");
        assert!(text.lines().all(|line| line.len() < 300), "{text}");
        assert!(text.contains("\"b\": 2"), "{text}");
    }

    #[test]
    fn a_syntax_error_shows_its_line() {
        let error = Document::parse("gateway.json", "{\n  \"a\": }\n", Format::Json).unwrap_err();
        let text = findings(&[error.located().unwrap().clone()], None, false);
        assert!(text.contains("gateway.json:2:8]"), "{text}");
        assert!(text.contains("2 │   \"a\": }"), "{text}");
    }
}
