//! The gateway's program, built by this package so that its tests find it: what `torana`'s own `main` does.

use std::process::ExitCode;

use clap::Parser as _;
use torana::{cli::Cli, cmd};

fn main() -> ExitCode {
    cmd::execute(&Cli::parse().command).into()
}
