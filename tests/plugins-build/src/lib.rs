//! Builds the guests under `plugins/` for tests and benches: once per process, in a target directory of its own, since
//! the outer Cargo may hold the lock of the usual one.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The file of a built plugin, by its package name: `plugin("header-edit")`. Builds all plugins at the first call.
///
/// # Panics
/// If the build fails: its output tells why. The target `wasm32-wasip2` must be installed.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let file = DIRECTORY.get_or_init(build).join(format!("{}.wasm", name.replace('-', "_")));
    assert!(file.is_file(), "no plugin is called `{name}`");
    file
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        .join("plugins");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--locked", "--target", "wasm32-wasip2"])
        .arg("--manifest-path")
        .arg(root.join("plugins/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // Flags for the host, such as those of coverage, are not for guests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the plugins do not build: is the target wasm32-wasip2 installed?");
    target.join("wasm32-wasip2/release")
}
