//! What the program carries: `wit/`, the SDKs and the templates of new projects. `build.rs` makes the lists.

/// Files below a folder: path with `/`, and text.
pub(crate) type Folder = &'static [(&'static str, &'static str)];

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
    }

    fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                collect(&path, &format!("{name}/"), found);
            } else {
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// That a folder is carried as a whole. Not vacuous: it has at least the file that everybody knows.
    fn is_whole(folder: &str, known: &str, carried: impl Iterator<Item = (String, String)>) {
        let mut expected = BTreeMap::new();
        collect(&root().join(folder), "", &mut expected);
        assert!(expected.contains_key(known), "{folder}");
        assert_eq!(carried.collect::<BTreeMap<_, _>>(), expected, "{folder}");
    }

    fn owned(folder: Folder) -> impl Iterator<Item = (String, String)> {
        folder.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
    }

    #[test]
    fn nothing_of_wit_is_forgotten() {
        is_whole("wit", "world.wit", owned(WIT));
    }

    #[test]
    fn nothing_of_the_rust_sdk_is_forgotten() {
        let sources = owned(RUST_SDK)
            .filter_map(|(path, text)| Some((path.strip_prefix("src/")?.to_owned(), text)));
        is_whole("plugin-sdk/src", "lib.rs", sources);
    }

    #[test]
    fn nothing_of_the_go_sdk_but_its_tests_is_forgotten() {
        let mut tests = BTreeMap::new();
        collect(&root().join("plugin-sdk/go"), "", &mut tests);
        tests.retain(|path, _| path.ends_with("_test.go"));
        is_whole("plugin-sdk/go", "go.mod", owned(GO_SDK).chain(tests));
    }

    #[test]
    fn the_manifest_of_the_rust_sdk_stands_alone() {
        let (_, manifest) = RUST_SDK.iter().find(|(path, _)| *path == "Cargo.toml").unwrap();
        assert!(!manifest.contains(".workspace"), "{manifest}");
        assert!(manifest.contains("wit-bindgen = {"), "{manifest}");
        assert!(manifest.contains("version = \""), "{manifest}");
    }
}
