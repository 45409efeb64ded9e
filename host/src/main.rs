//! The program `torana`: reads the command line and hands over to the library.

use std::process::ExitCode;

use clap::Parser;
use torana::{cli::Cli, cmd};

/// Bodies and futures are larger than what the system's allocator hands out quickly. Without huge pages, which would
/// double the memory of an idle gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let cli = Cli::parse();
    cmd::execute(&cli.command).into()
}
