//! The command line: verbs, flags and exit codes. What a verb does is in [`crate::cmd`].
//!
//! Flags that KrakenD has keep their names and letters (reference 17), also those that need nothing here.

mod plugin;

use std::{path::PathBuf, process::ExitCode};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use plugin::{
    Build, Conformance, Inspect, InspectFormat, New, Plugin, PluginVerb, RunHook, Test,
};

/// API gateway: declarative, stateless, with sandboxed plugins.
#[derive(Debug, Parser)]
#[command(name = "torana", version, arg_required_else_help = true, disable_help_subcommand = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway
    Run(Run),
    /// Check a configuration: everything that `run` would refuse, all problems at once
    #[command(alias = "validate")]
    Check(Check),
    /// Show the compiled pipeline of an endpoint, step by step
    Explain(Explain),
    /// Let a running gateway read its configuration again
    Reload(Running),
    /// Say what a running gateway does and has done
    Status(Status),
    /// Print the JSON schema of the configuration
    Schema,
    /// Write the reference pages of the documentation
    #[command(hide = true)]
    Reference(Reference),
    /// Run small demo backends on this machine to try the gateway with
    Demo(Demo),
    /// Make plugins and try them
    Plugin(Plugin),
    /// Print the version
    Version,
}

/// Which configuration file.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Configuration file: JSON, YAML or TOML by its extension
    #[arg(short, long, value_name = "FILE", env = "TORANA_CONFIG", hide_env_values = true)]
    pub config: PathBuf,
}

/// `torana run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration.
    #[command(flatten)]
    pub config: Config,
    /// Port to listen on instead of the configured one
    #[arg(short, long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Switch the debug endpoint /__debug/ on
    #[arg(short, long, action = ArgAction::Count)]
    pub debug: u8,
    /// Worker threads [default: one for each processor]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
}

impl Run {
    /// A run of a configuration, with defaults for all else.
    #[must_use]
    pub fn of(config: PathBuf) -> Self {
        Self { config: Config { config }, port: None, debug: 0, workers: None }
    }
}

/// `torana check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration.
    #[command(flatten)]
    pub config: Config,
    /// Print what was read: endpoints; twice: backends too; three times: components too
    #[arg(short, long, action = ArgAction::Count)]
    pub debug: u8,
    /// Unknown keys and all other warnings count as errors
    #[arg(short, long, conflicts_with_all = ["lint_no_network", "lint_schema"])]
    pub lint: bool,
    /// The same as --lint, which never needs a network here
    #[arg(short = 'n', long, conflicts_with = "lint_schema")]
    pub lint_no_network: bool,
    /// The same as --lint: the schema is part of this program, and the argument is not read
    #[arg(short = 's', long, value_name = "SCHEMA")]
    pub lint_schema: Option<String>,
    /// Needed for KrakenD only: conflicts of routes are always checked
    #[arg(short, long)]
    pub test_gin_routes: bool,
    /// Indentation of what -d prints
    #[arg(short, long, value_name = "TEXT", default_value = "\t", hide_default_value = true)]
    pub indent: String,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

impl Check {
    /// Whether warnings count as errors.
    #[must_use]
    pub fn denies_warnings(&self) -> bool {
        self.lint || self.lint_no_network || self.lint_schema.is_some()
    }
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// With an excerpt of the file, for people
    Text,
    /// One JSON document, also with what each plugin asks for and is granted
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

/// `torana explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The configuration.
    #[command(flatten)]
    pub config: Config,
    /// Method of a request, such as GET
    pub method: String,
    /// Path of a request, such as /users/1, or of an endpoint, such as /users/{id} or /__virtual/HOST/users
    pub path: String,
    /// How the pipeline is printed
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
}

/// How a pipeline is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// As a tree, for people
    Text,
    /// One JSON document
    Json,
}

/// `torana reload` and `torana status`: which of the gateways that run.
#[derive(Debug, Args)]
pub struct Running {
    /// Configuration file of the gateway; without it the only gateway that runs
    #[arg(short, long, value_name = "FILE", env = "TORANA_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
}

/// `torana status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Which gateway.
    #[command(flatten)]
    pub running: Running,
    /// Print the figures of plugins, in the text format of Prometheus
    #[arg(short, long)]
    pub metrics: bool,
}

/// `torana reference`.
#[derive(Debug, Args)]
pub struct Reference {
    /// Folder to write to
    #[arg(default_value = "docs/reference")]
    pub folder: PathBuf,
    /// Write nothing; fail if a page is not what would be written
    #[arg(long)]
    pub check: bool,
}

/// `torana demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// First of the four ports on 127.0.0.1; 0 takes any free ones
    #[arg(short, long, value_name = "PORT", default_value_t = 8081)]
    pub port: u16,
    /// Also run the gateway in front of them, with this configuration
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How the program ends. The codes are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: all is well.
    Success,
    /// 1: there are findings, the configuration is not valid, or a plugin does not build.
    Findings,
    /// 2: the command line is wrong. Also what `clap` ends with.
    Usage,
    /// 3: a file cannot be read, or no gateway runs.
    Unreadable,
    /// 4: the gateway cannot start, such as a port that is taken.
    CannotStart,
    /// 5: the gateway ran and had to stop.
    Fatal,
}

impl Exit {
    /// The number that the operating system sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Unreadable => 3,
            Self::CannotStart => 4,
            Self::Fatal => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"torana").chain(arguments))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_takes_the_flags_of_krakend() {
        let Ok(Cli { command: Command::Run(run) }) =
            parse(&["run", "-d", "-c", "k.json", "-p", "9000"])
        else {
            panic!("not parsed as run");
        };
        assert_eq!((run.config.config, run.port, run.debug), ("k.json".into(), Some(9000), 1));
    }

    #[test]
    fn check_takes_the_flags_of_krakend() {
        for flags in [&["-l"][..], &["-n"], &["-s", "schema.json"]] {
            let arguments =
                [&["validate", "-t", "-ddd", "-i", "  ", "-c", "k.json"], flags].concat();
            let Ok(Cli { command: Command::Check(check) }) = parse(&arguments) else {
                panic!("not parsed as check");
            };
            assert!(check.denies_warnings());
            assert_eq!((check.debug, &*check.indent), (3, "  "));
        }
    }

    #[test]
    fn wrong_usage_ends_with_2() {
        for arguments in [
            &["run"][..],
            &["check", "-c", "k.json", "-l", "-n"],
            &["check", "-c", "k.json", "-l", "-s", "x"],
            &["check", "-c", "k.json", "-n", "-s", "x"],
            &["run", "-c", "k.json", "-p", "70000"],
            &["run", "-c", "k.json", "--workers", "0"],
            &["fly"],
            &["plugin"],
            &["plugin", "new", "p"],
            &["plugin", "new", "p", "--lang", "cobol"],
            &["plugin", "build", "--timeout", "0"],
            &["plugin", "inspect"],
            &["plugin", "inspect", "p.wasm", "--format", "xml"],
            &["plugin", "run", "p.wasm", "--hook", "on-request"],
            &[],
        ] {
            let error = parse(arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
        }
        assert_eq!(parse(&["--version"]).unwrap_err().exit_code(), 0);
    }
}
