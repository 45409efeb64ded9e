//! Rust: Cargo makes a component by itself for the target `wasm32-wasip2`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    command::Commands,
    embedded,
    error::Error,
    language::{Language, Project},
    tool::{Tool, output_of, runs},
};

const TARGET: &str = "wasm32-wasip2";

/// The language.
pub(crate) static RUST: Language = Language {
    name: "rust",
    marker: "Cargo.toml",
    tools: &[
        Tool {
            name: "cargo",
            is_there: |folder| runs(folder, "cargo", &["--version"]),
            hint: "install Rust: https://www.rust-lang.org/tools/install",
        },
        Tool {
            name: "Rust's target wasm32-wasip2",
            is_there: has_target,
            hint: "run `rustup target add wasm32-wasip2`",
        },
    ],
    template: embedded::RUST,
    carried: &[("sdk", embedded::RUST_SDK), ("wit", embedded::WIT)],
    build,
    test: "cargo test",
};

/// Whether the standard library for the target is installed for the compiler that the project uses.
fn has_target(folder: &Path) -> bool {
    output_of(folder, "rustc", &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|path| Path::new(path.trim_end()).is_dir())
}

fn build(project: &Project<'_>, commands: &mut Commands<'_>) -> Result<Vec<u8>, Error> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        // Flags for this machine are not for the plugin.
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let messages = commands.output_of(cargo)?;
    let file = component(&messages, &project.folder.join("Cargo.toml")).ok_or_else(|| {
        Error::NoComponent("the package has no library of `crate-type = [\"cdylib\"]`".to_owned())
    })?;
    fs::read(&file).map_err(Error::io(&file))
}

/// The component that Cargo's messages, one JSON object a line, say it has made of the package with this manifest.
fn component(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let made = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = made.filter(|message| message["reason"] == "compiler-artifact").filter(|message| {
        message["manifest_path"].as_str().is_some_and(|p| Path::new(p) == manifest)
    });
    ours.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| Some(PathBuf::from(name.as_str()?)))
        .find(|name| name.extension().is_some_and(|extension| extension == "wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_that_of_the_package_itself() {
        let messages = r#"
            {"reason":"compiler-artifact","manifest_path":"/p/sdk/Cargo.toml","filenames":["/t/other.wasm"]}
            {"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/a.rlib","/t/a.wasm"]}
            what somebody printed
            {"reason":"build-finished","success":true}"#;
        let manifest = Path::new("/p/Cargo.toml");
        assert_eq!(component(messages, manifest), Some("/t/a.wasm".into()));
        assert_eq!(component("", manifest), None);
    }
}
