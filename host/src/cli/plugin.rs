//! `torana plugin`: its verbs and their flags.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};

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

fn languages() -> PossibleValuesParser {
    torana_toolchain::languages().collect::<Vec<_>>().into()
}
