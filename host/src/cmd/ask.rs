//! `torana reload` and `torana status`: what is asked of a gateway that runs.

use std::path::Path;

use crate::{
    cli::{self, Exit},
    control::{self, Command, Gateway},
    output,
};

/// Gives a command to the gateway of a file, or to the only one that runs.
pub(super) fn ask(command: Command, arguments: &cli::Running) -> Exit {
    ask_in(command, &control::directory(), arguments.config.as_deref())
}

fn ask_in(command: Command, directory: &Path, config: Option<&Path>) -> Exit {
    let running = control::running(directory, config);
    match (running.as_slice(), config) {
        ([], Some(config)) => {
            output::note(&format!("torana: no gateway runs with {}", config.display()));
            Exit::Unreadable
        }
        ([], None) => {
            output::note("torana: no gateway runs");
            Exit::Unreadable
        }
        ([_, _, ..], None) => {
            output::note("torana: several gateways run; name one of them with -c:");
            for gateway in &running {
                let (config, process) = (gateway.config.display(), gateway.process);
                output::note(&format!("  -c {config}  (process {process})"));
            }
            Exit::Usage
        }
        // A file may be served by several processes: each of them is asked.
        (gateways, _) => {
            gateways.iter().map(|gateway| ask_one(command, gateway)).fold(Exit::Success, worse)
        }
    }
}

fn ask_one(command: Command, gateway: &Gateway) -> Exit {
    match gateway.command(command) {
        Ok(outcome) => {
            let text = outcome.text.trim_end();
            if outcome.accepted {
                output::print(&format!("{text}\n"));
                Exit::Success
            } else {
                output::note(text);
                Exit::Findings
            }
        }
        Err(error) => {
            output::note(&format!("torana: {error}"));
            Exit::Unreadable
        }
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    if other == Exit::Success { one } else { other }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::control::{Control, Outcome};

    #[test]
    fn exit_codes() {
        let directory = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .unwrap();
        let good = directory.path().join("good.json");
        let bad = directory.path().join("bad.json");
        assert_eq!(ask_in(Command::Reload, directory.path(), None), Exit::Unreadable);
        assert_eq!(
            ask_in(Command::Reload, &directory.path().join("missing"), Some(&good)),
            Exit::Unreadable
        );

        let outcome = |accepted| move |_| Outcome { accepted, text: "the outcome".into() };
        let _good = Control::listen(directory.path(), &good, outcome(true)).unwrap();
        assert_eq!(ask_in(Command::Reload, directory.path(), None), Exit::Success);
        assert_eq!(ask_in(Command::Reload, directory.path(), Some(&bad)), Exit::Unreadable);

        let _bad = Control::listen(directory.path(), &bad, outcome(false)).unwrap();
        assert_eq!(ask_in(Command::Reload, directory.path(), Some(&good)), Exit::Success);
        assert_eq!(ask_in(Command::Reload, directory.path(), Some(&bad)), Exit::Findings);
        assert_eq!(ask_in(Command::Reload, directory.path(), None), Exit::Usage);
    }
}
