//! `torana version`.

use crate::{cli::Exit, output};

/// Prints the version of this program, of the language it needs at least, and the platform it was built for.
pub(super) fn version() -> Exit {
    output::print(&format!(
        "Torana Version: {}\nRust Version: {}\nPlatform: {}-{}\n",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_RUST_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
    ));
    Exit::Success
}
