//! What the verbs do, one file each, thin: the work is done by the crates below.

mod demo;
mod dump;
mod explain;
mod reload;
mod version;

use crate::cli::{Command, Exit};

/// Does what the command line asks for.
#[must_use]
pub fn execute(command: &Command) -> Exit {
    match command {
        Command::Reload(arguments) => reload::reload(arguments),
        Command::Demo(arguments) => demo::demo(arguments),
        Command::Version => version::version(),
        _ => Exit::Usage,
    }
}
