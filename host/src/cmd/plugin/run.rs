//! `torana plugin run`: one hook, once.

use super::{component, loadable, script};
use crate::{
    cli::{Exit, RunHook},
    output,
    trial::{
        self, Report, Subject,
        script::{Message, Script},
    },
};

/// Runs a hook and prints its calls and what came out.
pub(super) fn run(arguments: &RunHook) -> Exit {
    let file = component(&arguments.plugin);
    let inspection = match loadable(&file) {
        Ok(inspection) => inspection,
        Err(exit) => return exit,
    };
    if !inspection.hooks.contains(&&*arguments.hook) {
        let has = inspection.hooks.join(", ");
        output::note(&format!(
            "torana: {} has no hook {}, it has {has}",
            file.display(),
            arguments.hook
        ));
        return Exit::Findings;
    }
    let script = match configured(arguments) {
        Ok(script) => script,
        Err((exit, message)) => {
            output::note(&format!("torana: {}: {message}", arguments.http.display()));
            return exit;
        }
    };
    let subject = Subject { file: &file, inspection: &inspection, hook: Some(&arguments.hook) };
    match trial::run(&subject, &script) {
        Ok(report) => print(&arguments.hook, &report),
        Err(message) => {
            output::note(&format!("torana: {message}"));
            Exit::Findings
        }
    }
}

/// The script, with the config of the command line.
fn configured(arguments: &RunHook) -> Result<Script, (Exit, String)> {
    let mut script = script(&arguments.http)?;
    if let Some(config) = &arguments.config {
        script.config = serde_json::from_str(config)
            .map_err(|error| (Exit::Usage, format!("`--config` is not JSON: {error}")))?;
    }
    Ok(script)
}

fn print(hook: &str, report: &Report) -> Exit {
    for line in &report.trace {
        output::note(line);
    }
    let is_request = matches!(hook, "on-request" | "on-backend-request" | "on-request-body");
    match (&report.outcome, &report.request) {
        (Err(error), _) => {
            output::note(&format!("torana: {error}"));
            Exit::Findings
        }
        // A request hook that did not answer itself.
        (Ok(_), Some(request)) if is_request => {
            output::print(&text(request));
            Exit::Success
        }
        (Ok(response), _) => {
            output::print(&text(response));
            Exit::Success
        }
    }
}

fn text(message: &Message) -> String {
    let headers: String =
        message.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let body = message.body.as_ref().map(|body| format!("\n{body}\n")).unwrap_or_default();
    format!("{}\n{headers}{body}", message.first)
}
