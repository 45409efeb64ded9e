//! `torana plugin test`: a plugin against request files.

use std::path::Path;

use super::{component, indented, loadable, requests, script};
use crate::{
    cli::{Exit, Test},
    output,
    trial::{self, Report, Subject},
};

/// Runs all request files; fails if one does not come out as it expects.
pub(super) fn test(arguments: &Test) -> Exit {
    let file = component(&arguments.plugin);
    let inspection = match loadable(&file) {
        Ok(inspection) => inspection,
        Err(exit) => return exit,
    };
    let named = (!arguments.requests.is_empty()).then(|| arguments.requests.clone());
    let requests = match named.map_or_else(|| requests(&file), Ok) {
        Ok(requests) => requests,
        Err(message) => {
            output::note(&format!("torana: {message}"));
            return Exit::Unreadable;
        }
    };
    let subject = Subject { file: &file, inspection: &inspection, hook: None };
    let mut failed = 0;
    for request in &requests {
        let (passed, text) = match one(&subject, request) {
            Ok(report) => (report.differences.is_empty(), text(&report, arguments.quiet)),
            Err(message) => (false, indented(&message)),
        };
        failed += usize::from(!passed);
        let word = if passed { "ok  " } else { "FAIL" };
        output::print(&format!("{word} {}\n{text}", request.display()));
    }
    let passed = requests.len() - failed;
    output::print(&format!("{passed} passed, {failed} failed\n"));
    if failed == 0 { Exit::Success } else { Exit::Findings }
}

fn one(subject: &Subject<'_>, request: &Path) -> Result<Report, String> {
    let script = script(request).map_err(|(_, message)| message)?;
    trial::run(subject, &script)
}

fn text(report: &Report, quiet: bool) -> String {
    let mut lines = Vec::new();
    if !quiet {
        lines.extend(report.trace.iter().cloned());
    }
    lines.extend(report.differences.iter().cloned());
    indented(&lines.join("\n"))
}
