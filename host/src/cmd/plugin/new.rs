//! `torana plugin new`.

use std::path::PathBuf;

use torana_toolchain::{Error, create};

use crate::{
    cli::{Exit, New},
    output,
};

/// Writes a project and says how to go on.
pub(super) fn new(arguments: &New) -> Exit {
    let folder = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    match create(&arguments.name, &arguments.lang, &folder) {
        Ok(made) => {
            output::print(&format!(
                "{} is there. Next:\n  cd {}\n  {}\n  torana plugin build\n",
                arguments.name,
                made.folder.display(),
                made.test
            ));
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
        Error::Name(_) | Error::Taken(_) | Error::Language { .. } | Error::Exists(_) => Exit::Usage,
        _ => Exit::Unreadable,
    }
}
