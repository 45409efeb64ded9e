//! What `torana plugin new` writes builds and its own test passes, with no edits: a test for each language. A language
//! whose tool chain is missing here is skipped, and says so in a line that begins with `SKIPPED`.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use wasmparser::{Encoding, Parser, Payload, Validator};

use crate::{CONFIG_SCHEMA, Error, OUTPUT, Options, SECTION, build, create};

#[test]
fn rust() {
    project("rust", &["cargo", "test", "--quiet"], &["init", "on-request"]);
}

#[test]
fn go() {
    project("go", &["go", "test", "./..."], &["init", "on-request"]);
}

#[test]
fn js() {
    project("js", &["npm", "test"], &["init", "on-request"]);
}

#[test]
fn python() {
    project("python", &["python3", "-m", "unittest"], &["init", "on-request"]);
}

#[test]
fn c() {
    project("c", &["make", "test"], &["init", "on-request"]);
}

/// A plugin may be called as a package of the standard library is, or as the SDK's module.
#[test]
fn go_with_the_name_of_another_package() {
    for name in ["log", "torana", "main"] {
        let folder = TempDir::new().unwrap();
        create(name, "go", folder.path()).unwrap();
        let mut go = Command::new("go");
        match go.args(["test", "./..."]).current_dir(folder.path()).output() {
            Ok(output) => assert!(output.status.success(), "{name}: {output:#?}"),
            Err(error) => eprintln!("SKIPPED go: {error}"),
        }
    }
}

/// Makes a project, runs its own test, builds it, and looks whether it exports exactly these interfaces.
fn project(language: &str, test: &[&str], exports: &[&str]) {
    let folder = TempDir::new().unwrap();
    create("my-plugin", language, folder.path()).unwrap();
    let options = Options {
        folder: folder.path().to_owned(),
        output: None,
        language: None,
        time_limit: Duration::from_secs(600),
    };
    match build(&options, &mut |line| eprintln!("> {line}")) {
        Ok(built) => assert_eq!(built.language, language),
        Err(error @ Error::Tools(_)) => return eprintln!("SKIPPED {language}: {error}"),
        Err(error) => panic!("{error}"),
    }
    let component = std::fs::read(folder.path().join(OUTPUT)).unwrap();
    Validator::new_with_features(wasmparser::WasmFeatures::all()).validate_all(&component).unwrap();
    let found = Found::of(&component);
    let expected: Vec<String> = exports
        .iter()
        .map(|name| format!("torana:plugin/{name}@{}", version(folder.path())))
        .collect();
    assert_eq!(found.exports, expected);
    let schema = std::fs::read_to_string(folder.path().join(CONFIG_SCHEMA)).unwrap();
    assert_eq!(found.schema.as_deref(), Some(schema.as_bytes()));
    passes(folder.path(), test);
}

/// The version of the interface that the project was made with.
fn version(project: &Path) -> String {
    let text = find(project, "world.wit");
    let (_, version) = text.split_once("package torana:plugin@").unwrap();
    version.split_once(';').unwrap().0.to_owned()
}

/// The text of the file with that name, somewhere below a folder.
fn find(folder: &Path, name: &str) -> String {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with(name) {
                return std::fs::read_to_string(path).unwrap();
            }
        }
    }
    panic!("no {name}");
}

fn passes(folder: &Path, command: &[&str]) {
    let status = Command::new(command[0])
        .args(&command[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// What stands at the outermost level of a component.
#[derive(Default)]
struct Found {
    exports: Vec<String>,
    schema: Option<Vec<u8>>,
}

impl Found {
    fn of(component: &[u8]) -> Self {
        let mut found = Self::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload.unwrap() {
                Payload::Version { encoding, .. } => {
                    assert!(depth > 0 || encoding == Encoding::Component);
                    depth += 1;
                }
                Payload::End(_) => depth -= 1,
                Payload::ComponentExportSection(exports) if depth == 1 => {
                    // Compilers leave exports of their own.
                    let names = exports.into_iter().map(|e| e.unwrap().name.name.to_owned());
                    found.exports.extend(names.filter(|name| name.starts_with("torana:")));
                }
                Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                    found.schema = Some(section.data().to_owned());
                }
                _ => {}
            }
        }
        found.exports.sort();
        found
    }
}
