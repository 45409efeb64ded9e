//! `torana plugin conformance`: a plugin against messages that authors rarely think of.

use super::{component, indented, loadable, requests, script};
use crate::{
    cli::{Conformance, Exit},
    output,
    trial::{
        Subject,
        conformance::{self, Finding, Soak},
        script::Script,
    },
};

const MIB: f64 = 1_048_576.0;

/// Tries a plugin; fails if it does not stand one of the messages.
pub(super) fn conformance(arguments: &Conformance) -> Exit {
    let file = component(&arguments.plugin);
    let inspection = match loadable(&file) {
        Ok(inspection) => inspection,
        Err(exit) => return exit,
    };
    let named = arguments.request.clone();
    let request = named.or_else(|| requests(&file).ok()?.into_iter().next());
    // A plugin that needs no configuration needs no file either.
    let script = match request.as_ref().map_or_else(|| Ok(Script::default()), |file| script(file)) {
        Ok(script) => script,
        Err((exit, message)) => {
            let file = request.unwrap_or_default();
            output::note(&format!("torana: {}: {message}", file.display()));
            return exit;
        }
    };
    let subject = Subject { file: &file, inspection: &inspection, hook: None };
    match conformance::run(&subject, &script) {
        Ok((findings, soak)) => print(&findings, &soak),
        Err(message) => {
            output::note(&format!("torana: {message}"));
            if request.is_none() {
                output::note("  help: name a request file that has the plugin's config");
            }
            Exit::Findings
        }
    }
}

fn print(findings: &[Finding], soak: &Soak) -> Exit {
    for Finding { name, fault } in findings {
        match fault {
            None => output::print(&format!("ok   {name}\n")),
            Some(fault) => output::print(&format!("FAIL {name}\n{}", indented(fault))),
        }
    }
    let calls = soak.calls;
    output::print(&match &soak.fault {
        None => format!("ok   an ordinary message, {calls} times\n"),
        Some(fault) => format!("FAIL an ordinary message, call {calls}\n{}", indented(fault)),
    });
    let word = if soak.leaks() { "FAIL" } else { "ok  " };
    let (first, last) = (soak.memory.0 as f64 / MIB, soak.memory.1 as f64 / MIB);
    output::print(&format!("{word} memory: {first:.1} MiB, {last:.1} MiB after {calls} calls\n"));
    let faults = findings.iter().filter(|finding| finding.fault.is_some()).count();
    let tried = findings.len() + 2;
    let failed = faults + usize::from(soak.leaks()) + usize::from(soak.fault.is_some());
    output::print(&format!("{} passed, {failed} failed\n", tried - failed));
    if failed == 0 { Exit::Success } else { Exit::Findings }
}
