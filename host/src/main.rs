//! The program `torana`: reads the command line and hands over to the library.

use std::process::ExitCode;

use clap::Parser;
use torana::{cli::Cli, cmd};

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let cli = Cli::parse();
    cmd::execute(&cli.command).into()
}
