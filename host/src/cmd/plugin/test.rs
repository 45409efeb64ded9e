//! `torana plugin test`: a plugin against request files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{component, loadable};
use crate::{
    cli::{Exit, Test},
    output,
    trial::{self, Report, Subject, script::Script},
};

/// Folder of request files beside a component.
const REQUESTS: &str = "requests";
/// What their names end with.
const SUFFIX: &str = "http";

/// Runs all request files; fails if one does not come out as it expects.
pub(super) fn test(arguments: &Test) -> Exit {
    let file = component(&arguments.plugin);
    let inspection = match loadable(&file) {
        Ok(inspection) => inspection,
        Err(exit) => return exit,
    };
    let requests = match requests(arguments, &file) {
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
    let text = fs::read_to_string(request).map_err(|error| format!("cannot read it: {error}"))?;
    let script = Script::parse(&text).map_err(|error| error.to_string())?;
    trial::run(subject, &script)
}

/// The request files: those that are named, or all beside the component.
fn requests(arguments: &Test, component: &Path) -> Result<Vec<PathBuf>, String> {
    if !arguments.requests.is_empty() {
        return Ok(arguments.requests.clone());
    }
    let folder = component.parent().unwrap_or(Path::new(".")).join(REQUESTS);
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("no request files in {}: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX)).collect();
    if files.is_empty() {
        return Err(format!("no *.{SUFFIX} in {}", folder.display()));
    }
    files.sort();
    Ok(files)
}

fn text(report: &Report, quiet: bool) -> String {
    let mut lines = Vec::new();
    if !quiet {
        lines.extend(report.trace.iter().cloned());
    }
    lines.extend(report.differences.iter().cloned());
    indented(&lines.join("\n"))
}

/// Lines below a heading.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
