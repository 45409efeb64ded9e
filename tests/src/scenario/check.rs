//! `check.expect`: what `torana check` says of the scenario's configuration.

use std::path::Path;

use serde_json::Value;

use super::{Failure, World, read};
use crate::{command, scratch::Scratch};

/// Compares the findings of `torana check --format json` with the file: `args …`, `exit N`, then one line for each
/// finding, `SEVERITY CODE LINE`, in the order of their places.
pub(super) fn run(
    folder: &Path,
    config: &Path,
    expect: &Path,
    world: &World,
) -> Result<(), Failure> {
    let mut exit = None;
    let mut arguments: Vec<String> = Vec::new();
    let mut wanted = Vec::new();
    for line in read(expect)?.lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some(("exit", code)) => exit = code.parse::<i32>().ok(),
            Some(("args", list)) => arguments.extend(list.split(' ').map(str::to_owned)),
            Some(("error" | "warning", _)) => wanted.push(line.to_owned()),
            _ => return Err(format!("check.expect: {line:?}")),
        }
    }
    let exit = exit.ok_or("check.expect says no `exit N`")?;
    let scratch = Scratch::new();
    let name = config.file_name().unwrap_or_default().to_string_lossy();
    let path = scratch.write(&name, world.fill(&read(config)?));
    let path = path.to_string_lossy().into_owned();
    let mut all = vec!["check", "-c", &path, "--format", "json"];
    all.extend(arguments.iter().map(String::as_str));
    let output = command::run(&all, folder, &[]);
    let found = findings(&output.stdout)
        .map_err(|why| format!("check.expect: {why}\n{}\n{}", output.stdout, output.stderr))?;
    if found != wanted || output.code != Some(exit) {
        return Err(format!(
            "check.expect: expected exit {exit} and\n{}\nnot {:?} and\n{}\n{}",
            wanted.join("\n"),
            output.code,
            found.join("\n"),
            output.stdout
        ));
    }
    Ok(())
}

/// `SEVERITY CODE LINE` of each finding.
fn findings(json: &str) -> Result<Vec<String>, Failure> {
    let value: Value =
        serde_json::from_str(json).map_err(|error| format!("the output is no JSON: {error}"))?;
    let list = value.get("diagnostics").and_then(Value::as_array).ok_or("no list of findings")?;
    let mut found = Vec::new();
    for finding in list {
        let text = |key: &str| finding.get(key).and_then(Value::as_str).unwrap_or("?");
        let line = finding.pointer("/span/line").and_then(Value::as_u64).unwrap_or(0);
        found.push((line, format!("{} {} {line}", text("severity"), text("code"))));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, text)| text).collect())
}
