//! The gateway's program, built by this package so that its tests find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    torana::main()
}
