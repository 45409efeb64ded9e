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
    let mut end = Exit::Success;
    for request in &requests {
        let (exit, text) = match one(&subject, request) {
            Ok(report) => (exit_of(&report), text(&report, arguments.quiet)),
            Err((exit, message)) => (exit, indented(&message)),
        };
        failed += usize::from(exit != Exit::Success);
        // A file that cannot be read weighs more than what is found in another.
        if end != Exit::Unreadable && exit != Exit::Success {
            end = exit;
        }
        let word = if exit == Exit::Success { "ok  " } else { "FAIL" };
        output::print(&format!("{word} {}\n{text}", request.display()));
    }
    let passed = requests.len() - failed;
    output::print(&format!("{passed} passed, {failed} failed\n"));
    end
}

fn one(subject: &Subject<'_>, request: &Path) -> Result<Report, (Exit, String)> {
    let script = script(request)?;
    trial::run(subject, &script).map_err(|message| (Exit::Findings, message))
}

fn exit_of(report: &Report) -> Exit {
    if report.differences.is_empty() { Exit::Success } else { Exit::Findings }
}

fn text(report: &Report, quiet: bool) -> String {
    let mut lines = Vec::new();
    if !quiet {
        lines.extend(report.trace.iter().cloned());
    }
    lines.extend(report.differences.iter().cloned());
    indented(&lines.join("\n"))
}
