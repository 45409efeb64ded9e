//! Findings with their positions, and how machines read them: one line each, JSON, SARIF 2.1.0.

use std::fmt;

use serde_json::{Value, json};

use crate::{Pointer, Severity, Span, codes};

/// A finding with its positions in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// How bad it is.
    pub severity: Severity,
    /// Stable rule code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The place in the document.
    pub pointer: Pointer,
    /// The file.
    pub file: String,
    /// The place in the file.
    pub span: Span,
    /// The line of text at the place.
    pub excerpt: String,
    /// A second place in the same file, with its caption.
    pub related: Option<(Span, String)>,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_line(self))
    }
}

/// `file:line:column: error[code]: message (help)`.
#[must_use]
pub fn text_line(located: &Located) -> String {
    let Located { file, span, severity, code, message, help, .. } = located;
    let help = help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{file}:{}:{}: {}[{code}]: {message}{help}", span.line, span.column, word(*severity))
}

/// All findings as one JSON object: `{"diagnostics": […], "errors": 1, "warnings": 0}`.
#[must_use]
pub fn json(findings: &[Located]) -> Value {
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    json!({
        "diagnostics": findings.iter().map(one).collect::<Vec<_>>(),
        "errors": errors,
        "warnings": findings.len() - errors,
    })
}

fn one(located: &Located) -> Value {
    let mut value = json!({
        "severity": word(located.severity),
        "code": located.code,
        "message": located.message,
        "help": located.help,
        "pointer": located.pointer.as_str(),
        "file": located.file,
        "excerpt": located.excerpt,
    });
    value["span"] = place(located.span);
    if let Some((span, caption)) = &located.related {
        value["related"] = place(*span);
        value["related"]["message"] = caption.as_str().into();
    }
    value
}

fn place(span: Span) -> Value {
    json!({"line": span.line, "column": span.column, "start": span.start, "end": span.end})
}

/// All findings as a SARIF 2.1.0 log with one run, as code scanners take it.
#[must_use]
pub fn sarif(findings: &[Located]) -> Value {
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    rules.sort_unstable();
    rules.dedup();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, &rules)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "torana",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let meaning = codes().iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning);
    json!({"id": code, "shortDescription": {"text": meaning.unwrap_or(code)}})
}

fn result(located: &Located, rules: &[&str]) -> Value {
    let text = match &located.help {
        Some(help) => format!("{}; {help}", located.message),
        None => located.message.clone(),
    };
    let mut value = json!({
        "ruleId": located.code,
        "ruleIndex": rules.iter().position(|code| *code == located.code),
        "level": word(located.severity),
        "message": {"text": text},
        "locations": [{
            "physicalLocation": physical(located, located.span),
            "logicalLocations": [{"fullyQualifiedName": located.pointer.as_str()}],
        }],
    });
    if let Some((span, caption)) = &located.related {
        value["relatedLocations"] = json!([{
            "id": 1,
            "message": {"text": caption},
            "physicalLocation": physical(located, *span),
        }]);
    }
    value
}

fn physical(located: &Located, span: Span) -> Value {
    json!({
        "artifactLocation": {"uri": uri(&located.file)},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "byteOffset": span.start,
            "byteLength": span.end - span.start,
        },
    })
}

/// A file name as a relative reference (RFC 3986, 4.2).
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'\\' => uri.push('/'),
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Diagnostic, Diagnostics, Document, Format};

    fn findings() -> Vec<Located> {
        let text = "{\n  \"ä\": 1, \"port\": \"x\"\n}";
        let document = Document::parse("my gateway.json", text, Format::Json).unwrap();
        let mut out = Diagnostics::default();
        let at = Pointer::root().key("port");
        out.push(
            Diagnostic::warning("unknown-key", at.clone(), "unknown key `port`")
                .on_key()
                .help("remove it")
                .related(at, "this one"),
        );
        document.locate_all(&out)
    }

    #[test]
    fn one_line_for_humans() {
        let line = "my gateway.json:2:11: warning[unknown-key]: unknown key `port` (remove it)";
        assert_eq!(text_line(&findings()[0]), line);
    }

    #[test]
    fn json_has_everything() {
        let report = json(&findings());
        assert_eq!(report["warnings"], 1);
        assert_eq!(report["errors"], 0);
        let one = &report["diagnostics"][0];
        assert_eq!(one["span"], json!({"line": 2, "column": 11, "start": 13, "end": 19}));
        assert_eq!(one["related"]["message"], "this one");
        assert_eq!(one["excerpt"], "  \"ä\": 1, \"port\": \"x\"");
        assert_eq!(one["pointer"], "/port");
    }

    #[test]
    fn sarif_names_rule_and_region() {
        let log = sarif(&findings());
        let run = &log["runs"][0];
        let result = &run["results"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], result["ruleId"]);
        assert_eq!(result["level"], "warning");
        assert_eq!(result["message"]["text"], "unknown key `port`; remove it");
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "my%20gateway.json");
        assert_eq!(location["region"]["startLine"], 2);
        assert_eq!(location["region"]["startColumn"], 11);
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "this one");
    }
}
