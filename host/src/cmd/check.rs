//! `torana check`: builds everything as `run` does, and says all that is wrong.

use std::collections::BTreeSet;

use serde_json::Value;
use torana_config::{Document, Located, Severity, report};
use torana_core::{Resources, pipeline::Plan};

use crate::{
    app::{self, Rejected},
    cli::{self, Exit, ReportFormat},
    cmd::{self, dump},
    output, render,
};

/// Checks a file.
pub(super) fn check(arguments: &cli::Check) -> Exit {
    if arguments.format == ReportFormat::Text {
        output::print(&format!(
            "Parsing configuration file: {}\n",
            arguments.config.config.display()
        ));
    }
    match app::load(&cmd::options(&arguments.config), &Resources::default()) {
        Ok(loaded) => {
            if arguments.debug > 0 {
                output::print(&dump::dump(&loaded.gateway, arguments.debug, &arguments.indent));
            }
            let plugins = plugins(&loaded.snapshot.service.plans);
            report(arguments, loaded.warnings, Some(&loaded.document), &plugins)
        }
        Err(Rejected::Invalid { document, findings }) => {
            report(arguments, findings, Some(&document), &BTreeSet::new())
        }
        Err(rejected) => match &rejected {
            Rejected::Load(error) if let Some(located) = error.located() => {
                report(arguments, vec![located.clone()], None, &BTreeSet::new())
            }
            _ => cmd::refuse(&rejected),
        },
    }
}

/// What each plugin asks for and what it is granted, each once.
fn plugins(plans: &[Plan]) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for plan in plans {
        let steps = plan.steps.iter().filter(|step| step.name == torana_wasm::NAMESPACE);
        found.extend(steps.map(|step| step.detail.as_str()));
        found.extend(plugins(&plan.backends));
    }
    found
}

fn report(
    arguments: &cli::Check,
    mut found: Vec<Located>,
    document: Option<&Document>,
    plugins: &BTreeSet<&str>,
) -> Exit {
    if arguments.denies_warnings() {
        found.iter_mut().for_each(|located| located.severity = Severity::Error);
    }
    let valid = found.iter().all(|located| located.severity != Severity::Error);
    match arguments.format {
        ReportFormat::Text => {
            plugins.iter().for_each(|plugin| output::print(&format!("Plugin {plugin}\n")));
            if !found.is_empty() {
                let text = render::findings(&found, document, output::stderr_colour());
                output::note(text.trim_end());
            }
            if valid {
                output::print("Syntax OK!\n");
            }
        }
        ReportFormat::Json => {
            let mut value = report::json(&found);
            value["plugins"] = plugins.iter().copied().collect();
            print(&value);
        }
        ReportFormat::Sarif => print(&report::sarif(&found)),
    }
    if valid { Exit::Success } else { Exit::Findings }
}

fn print(value: &Value) {
    output::print(&format!("{value:#}\n"));
}

#[cfg(test)]
mod tests {
    use torana_config::Pointer;
    use torana_core::pipeline::PlanStep;

    use super::*;

    #[test]
    fn each_plugin_is_named_once() {
        let plan = |details: &[&str], backends| Plan {
            name: String::new(),
            steps: details
                .iter()
                .map(|detail| PlanStep {
                    name: torana_wasm::NAMESPACE,
                    detail: (*detail).to_owned(),
                    at: None,
                })
                .chain([PlanStep { name: "merge", detail: "2 parts".into(), at: None }])
                .collect(),
            backends,
            at: Pointer::root(),
        };
        let plans = [
            plan(&["b (on-request): asks log; granted log"], vec![plan(&["a (handle)"], vec![])]),
            plan(&["b (on-request): asks log; granted log"], vec![]),
        ];
        let expected = ["a (handle)", "b (on-request): asks log; granted log"];
        assert!(plugins(&plans).into_iter().eq(expected));
    }
}
