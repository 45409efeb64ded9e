//! The gateway's program, built by this package so that its tests find it: what `torana`'s own `main` does.

use std::process::ExitCode;

use clap::Parser as _;
use torana::{cli::Cli, cmd};

/// The program's own: what it keeps of freed memory counts in the tests that look at its peak.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cmd::execute(&Cli::parse().command).into()
}
