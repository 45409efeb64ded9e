//! The interfaces of `wit/` as a page: the files say everything, the page says it where people read.

use std::fmt::Write;

use crate::embedded::WIT;

/// Interfaces that components import, in the order in which one meets them; then those that they export.
const ORDER: &[&str] = &[
    "exchange",
    "data",
    "context",
    "config",
    "log",
    "http",
    "kv",
    "cache",
    "metrics",
    "clock",
    "random",
    "types",
    "init",
    "on-request",
    "on-backend-request",
    "on-backend-response",
    "on-response",
    "on-request-body",
    "on-response-body",
    "handle",
];

/// Markdown with a section for each interface.
#[must_use]
pub fn interfaces() -> String {
    let all = WIT.iter().flat_map(|(_, text)| read(text));
    let mut all: Vec<_> = all.collect();
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(usize::MAX);
    all.sort_by_key(|interface| place(interface.name));
    let mut page = String::new();
    for Interface { name, doc, body } in all {
        // Writing to a string cannot fail.
        let _ = write!(page, "## {name}\n\n{doc}\n\n```wit\n{body}```\n\n");
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

struct Interface<'a> {
    name: &'a str,
    /// What stands above it.
    doc: String,
    /// What stands in it, without indentation.
    body: String,
}

fn read(text: &str) -> Vec<Interface<'_>> {
    let mut found: Vec<Interface<'_>> = Vec::new();
    let mut doc = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if inside && line == "}" {
            inside = false;
        } else if inside && let Some(interface) = found.last_mut() {
            interface.body.push_str(line.strip_prefix("    ").unwrap_or(line));
            interface.body.push('\n');
        } else if let Some(text) = line.strip_prefix("///") {
            doc.push(text.trim());
        } else if let Some(name) =
            line.strip_prefix("interface ").and_then(|l| l.strip_suffix(" {"))
        {
            inside = true;
            found.push(Interface { name, doc: doc.join("\n"), body: String::new() });
            doc.clear();
        } else {
            doc.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_has_its_section_and_its_place() {
        let names: Vec<_> = WIT.iter().flat_map(|(_, text)| read(text)).map(|i| i.name).collect();
        assert_eq!(names.len(), ORDER.len());
        assert!(names.iter().all(|name| ORDER.contains(name)), "{names:?}");
        let page = interfaces();
        assert!(page.contains("## kv\n\nValues that outlive requests"), "{page}");
        assert!(page.contains("\nget-header: func(name: string) -> option<string>;\n"));
    }
}
