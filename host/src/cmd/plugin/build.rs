//! `torana plugin build`.

use std::{fs, time::Duration};

use torana_toolchain::{CONFIG_SCHEMA, Error, Options, build as make};

use crate::{
    cli::{Build, Exit},
    output,
};

/// Builds a project and says where the component is.
pub(super) fn build(arguments: &Build) -> Exit {
    let options = Options {
        folder: arguments.folder.clone(),
        output: arguments.output.clone(),
        language: arguments.lang.clone(),
        time_limit: Duration::from_secs(arguments.timeout.into()),
    };
    // Before the tool chain runs: what is wrong here would be found when a gateway loads the component.
    let schema = arguments.folder.join(CONFIG_SCHEMA);
    if let Ok(text) = fs::read(&schema) {
        match torana_wasm::check_config_schema(&text) {
            Ok(None) => {}
            Ok(Some(warning)) => {
                output::note(&format!("torana: {}: warning: {warning}", schema.display()));
            }
            Err(problem) => {
                output::note(&format!("torana: {}: {problem}", schema.display()));
                return Exit::Findings;
            }
        }
    }
    match make(&options, &mut |line| output::note(&format!("> {line}"))) {
        Ok(built) => {
            let file = built.file.display();
            output::print(&format!("{file}: {} bytes, from {}\n", built.size, built.language));
            Exit::Success
        }
        Err(error) => {
            output::note(&format!("torana: {error}"));
            exit_of(&error)
        }
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Language { .. } | Error::Ambiguous { .. } => Exit::Usage,
        Error::NoProject { .. } | Error::Io { .. } => Exit::Unreadable,
        _ => Exit::Findings,
    }
}
