//! Puts `wit/`, the SDKs and the templates of new projects into the program, each as a list of paths and texts, so that
//! a plugin author needs nothing beside `torana` and the language's own tool chain. Whole folders are taken: a file that
//! is added there cannot be forgotten here.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use toml_edit::{DocumentMut, Item, TableLike, Value};

fn main() {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("set by Cargo"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by Cargo"));
    let root = here.join("../../..");
    let mut text = String::new();
    list(&mut text, "WIT", &files(&root.join("wit")));
    list(&mut text, "RUST_SDK", &rust_sdk(&root, &out));
    for language in ["js", "python", "c"] {
        let sdk = files(&root.join("plugin-sdk").join(language));
        list(&mut text, &format!("{}_SDK", language.to_uppercase()), &sdk);
    }
    list(&mut text, "GO_SDK", &go_sdk(&root));
    for (name, folder) in entries(&here.join("templates")) {
        list(&mut text, &name.to_uppercase(), &files(&folder));
    }
    fs::write(out.join("embedded.rs"), text).expect("OUT_DIR can be written to");
}

/// The Go SDK, without its own tests.
fn go_sdk(root: &Path) -> Vec<File> {
    let mut all = files(&root.join("plugin-sdk/go"));
    all.retain(|(name, _)| !name.ends_with("_test.go"));
    all
}

/// A file: where it goes below its folder, and where it is.
type File = (String, PathBuf);

fn list(text: &mut String, name: &str, files: &[File]) {
    writeln!(text, "pub(crate) static {name}: Folder = &[").expect("strings take everything");
    for (path, file) in files {
        writeln!(text, "    ({path:?}, include_str!({:?})),", file.display().to_string())
            .expect("strings take everything");
    }
    writeln!(text, "];").expect("strings take everything");
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Vec<File> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut all = Vec::new();
    for (name, path) in entries(folder) {
        if name == "__pycache__" {
            continue;
        }
        if path.is_dir() {
            let below = files(&path).into_iter();
            all.extend(below.map(|(inner, path)| (format!("{name}/{inner}"), path)));
        } else {
            all.push((name, path));
        }
    }
    all
}

fn entries(folder: &Path) -> Vec<File> {
    let read = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut entries: Vec<File> = read
        .map(|entry| {
            let entry = entry.expect("the folder can be read");
            (entry.file_name().into_string().expect("names are UTF-8"), entry.path())
        })
        .collect();
    entries.sort();
    entries
}

/// The Rust SDK with a manifest that stands alone: in the workspace it inherits.
fn rust_sdk(root: &Path, out: &Path) -> Vec<File> {
    let sdk = root.join("plugin-sdk");
    let manifest = out.join("sdk.Cargo.toml");
    let text = standalone(&read(&sdk.join("Cargo.toml")), &read(&root.join("Cargo.toml")));
    fs::write(&manifest, text).expect("OUT_DIR can be written to");
    let sources = files(&sdk.join("src")).into_iter();
    let mut all: Vec<File> = sources.map(|(name, path)| (format!("src/{name}"), path)).collect();
    all.insert(0, ("Cargo.toml".to_owned(), manifest));
    all
}

fn read(path: &Path) -> DocumentMut {
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A member's manifest with what it inherits put in. Lints and what only its own tests need are left out.
fn standalone(member: &DocumentMut, root: &DocumentMut) -> String {
    let mut manifest = member.clone();
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    let package = manifest["package"].as_table_mut().expect("a package");
    inherit(package, &root["workspace"]["package"], |_, inherited| inherited.clone());
    let targets = manifest.get_mut("target").and_then(Item::as_table_like_mut);
    let targets = targets.into_iter().flat_map(|targets| targets.iter_mut());
    for table in targets.filter_map(|(_, target)| target.get_mut("dependencies")) {
        let table = table.as_table_like_mut().expect("dependencies are a table");
        inherit(table, &root["workspace"]["dependencies"], dependency);
    }
    let dependencies = manifest["dependencies"].as_table_mut().expect("dependencies");
    inherit(dependencies, &root["workspace"]["dependencies"], dependency);
    manifest.to_string()
}

fn inherit(table: &mut dyn TableLike, root: &Item, merge: fn(&Item, &Item) -> Item) {
    for (key, item) in table.iter_mut() {
        if item.get("workspace").is_some() {
            *item = merge(item, &root[key.get()]);
        }
    }
}

/// The workspace's dependency with the features that the member adds.
fn dependency(member: &Item, inherited: &Item) -> Item {
    let mut dependency = match inherited.as_inline_table() {
        Some(table) => table.clone(),
        None => {
            let version = inherited.as_str().expect("a version").into();
            [("version", Value::String(toml_edit::Formatted::new(version)))].into_iter().collect()
        }
    };
    if let Some(more) = member.get("features").and_then(Item::as_array) {
        let features = dependency.entry("features").or_insert(Value::Array(Default::default()));
        features.as_array_mut().expect("features are an array").extend(more.iter().cloned());
    }
    if let Some(optional) = member.get("optional").and_then(Item::as_bool) {
        dependency.insert("optional", optional.into());
    }
    Item::Value(Value::InlineTable(dependency))
}
