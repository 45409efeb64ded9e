//! Every example under `configs/` is explained and passes `torana check --lint`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use torana_tests::command;

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let mut examples: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    examples.retain(|path| path.is_dir());
    examples.sort();
    examples
}

#[test]
fn all_pass_check() {
    // Examples name the plugins as the build of `plugins/` leaves them, relative to the repository.
    let plugins = torana_plugins_build::plugin("header-edit");
    let plugins = plugins.parent().unwrap().to_string_lossy().into_owned();
    let examples = examples();
    assert!(!examples.is_empty());
    for example in examples {
        let text = fs::read_to_string(example.join("torana.json")).unwrap();
        let text = text.replace("plugins/target/wasm32-wasip2/release", &plugins);
        let scratch = torana_tests::scratch::Scratch::new();
        scratch.write("torana.json", text);
        certificates(&scratch);
        let output = command::run(&["check", "--lint", "-c", "torana.json"], scratch.path(), &[]);
        assert_eq!(output.code, Some(0), "{}: {output:?}", example.display());
    }
}

/// The files that the README of the TLS example makes by hand.
fn certificates(scratch: &torana_tests::scratch::Scratch) {
    let authority = torana_tests::certs::Authority::new();
    let identity = authority.issue(&["localhost"]);
    scratch.write("certs/server.pem", &identity.certificate_pem);
    scratch.write("certs/server.key", &identity.key_pem);
    scratch.write("certs/clients.pem", authority.pem());
}

#[test]
fn all_are_explained() {
    for example in examples() {
        let readme = fs::read_to_string(example.join("README.md"))
            .unwrap_or_else(|_| panic!("{} has no README.md", example.display()));
        assert!(readme.contains("torana.json"), "{}", example.display());
    }
}
