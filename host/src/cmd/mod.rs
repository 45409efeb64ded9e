//! What the verbs do, one file each, thin: the work is done by the crates below.

mod ask;
mod check;
mod demo;
mod dump;
mod explain;
mod plugin;
mod reference;
mod run;
mod version;

use crate::{
    app::{Options, Rejected},
    cli::{self, Command, Exit},
    control, output, render,
};

/// Does what the command line asks for.
#[must_use]
pub fn execute(command: &Command) -> Exit {
    match command {
        Command::Run(arguments) => run::run(arguments),
        Command::Check(arguments) => check::check(arguments),
        Command::Explain(arguments) => explain::explain(arguments),
        Command::Reload(arguments) => ask::ask(control::Command::Reload, arguments),
        Command::Status(arguments) => {
            let metrics = arguments.metrics;
            let command =
                if metrics { control::Command::Metrics } else { control::Command::Status };
            ask::ask(command, &arguments.running)
        }
        Command::Schema => reference::schema(),
        Command::Reference(arguments) => reference::reference(arguments),
        Command::Demo(arguments) => demo::demo(arguments),
        Command::Plugin(arguments) => plugin::plugin(arguments),
        Command::Version => version::version(),
    }
}

/// How every verb reads a configuration: with the environment, which may override it.
fn options(config: &cli::Config) -> Options {
    // A variable that is no text cannot name or hold a setting.
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Options {
        config: config.config.clone(),
        environment: std::env::vars_os().filter_map(text).collect(),
        ..Options::default()
    }
}

/// Says why a configuration is refused.
fn refuse(rejected: &Rejected) -> Exit {
    let text = render::rejected(rejected, output::stderr_colour());
    output::note(text.trim_end());
    exit_of(rejected)
}

fn exit_of(rejected: &Rejected) -> Exit {
    match rejected {
        Rejected::Load(error) if error.located().is_none() => Exit::Unreadable,
        Rejected::Load(_) | Rejected::Invalid { .. } => Exit::Findings,
        Rejected::Bind { .. } => Exit::CannotStart,
    }
}
