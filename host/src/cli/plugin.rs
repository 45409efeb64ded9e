//! `torana plugin`: its verbs and their flags.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValuesParser};

/// `torana plugin`.
#[derive(Debug, Args)]
pub struct Plugin {
    /// What to do.
    #[command(subcommand)]
    pub verb: PluginVerb,
}

/// The verbs of `torana plugin`.
#[derive(Debug, Subcommand)]
pub enum PluginVerb {
    /// Write the project of a new plugin
    New(New),
    /// Build a project's component with the tool chain of its language
    Build(Build),
    /// Say what a component is, what it asks for and which gateways load it
    Inspect(Inspect),
    /// Run a plugin against request files, without a gateway, with a trace of what it does
    Test(Test),
    /// Run one hook of a plugin once and print what comes out
    Run(RunHook),
    /// Try a plugin with messages that clients and backends may send, but authors rarely think of
    Conformance(Conformance),
}

/// `torana plugin new`.
#[derive(Debug, Args)]
pub struct New {
    /// Name of the plugin: lower-case letters, digits and hyphens
    pub name: String,
    /// Language of the plugin
    #[arg(short, long, value_parser = languages())]
    pub lang: String,
    /// Folder of the project, empty or not there yet [default: the name]
    #[arg(short, long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// `torana plugin build`.
#[derive(Debug, Args)]
pub struct Build {
    /// Folder of the project
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Where the component goes [default: plugin.wasm in the project's folder]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Language of the project; found by its files without
    #[arg(short, long, value_parser = languages())]
    pub lang: Option<String>,
    /// Seconds that the tool chain may take
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..))]
    pub timeout: u32,
}

/// `torana plugin inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Component, or folder of a project with its plugin.wasm
    #[arg(value_name = "FOLDER|FILE")]
    pub plugin: PathBuf,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = InspectFormat::Text)]
    pub format: InspectFormat,
}

/// How an inspection is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// A line for each thing, for people
    Text,
    /// One JSON document
    Json,
}

/// `torana plugin test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Component, or folder of a project with its plugin.wasm
    #[arg(value_name = "FOLDER|FILE", default_value = ".")]
    pub plugin: PathBuf,
    /// Request files [default: requests/*.http beside the component]
    #[arg(value_name = "REQUEST")]
    pub requests: Vec<PathBuf>,
    /// Print no traces, only what differs
    #[arg(short, long)]
    pub quiet: bool,
}

/// `torana plugin run`.
#[derive(Debug, Args)]
pub struct RunHook {
    /// Component, or folder of a project with its plugin.wasm
    #[arg(value_name = "FOLDER|FILE")]
    pub plugin: PathBuf,
    /// The hook, such as on-request
    #[arg(long)]
    pub hook: String,
    /// A request or an answer in HTTP's text form, or a request file
    #[arg(long, value_name = "FILE")]
    pub http: PathBuf,
    /// The plugin's config
    #[arg(long, value_name = "JSON")]
    pub config: Option<String>,
}

/// `torana plugin conformance`.
#[derive(Debug, Args)]
pub struct Conformance {
    /// Component, or folder of a project with its plugin.wasm
    #[arg(value_name = "FOLDER|FILE", default_value = ".")]
    pub plugin: PathBuf,
    /// Request file with the plugin's config and an ordinary message [default: the first of requests/*.http]
    #[arg(value_name = "REQUEST")]
    pub request: Option<PathBuf>,
}

fn languages() -> PossibleValuesParser {
    torana_toolchain::languages().collect::<Vec<_>>().into()
}
