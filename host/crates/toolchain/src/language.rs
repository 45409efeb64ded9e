//! What the tool chain must know of a language.

use std::path::Path;

use serde_json::Value;

use crate::{command::Commands, embedded::Folder, error::Error, tool::Tool};

/// A language that plugins are written in.
pub(crate) struct Language {
    /// As `--lang` names it.
    pub(crate) name: &'static str,
    /// The file that a project of this language has, and no other language's project.
    pub(crate) marker: &'static str,
    /// What `build` needs beside `torana`.
    pub(crate) tools: &'static [Tool],
    /// The files of a new project. `{{name}}` in them becomes the plugin's name.
    pub(crate) template: Folder,
    /// Folders of a new project whose files are written as they are, such as the SDK.
    pub(crate) carried: &'static [(&'static str, Folder)],
    /// Makes a component of a project.
    pub(crate) build: fn(&Project<'_>, &mut Commands<'_>) -> Result<Vec<u8>, Error>,
    /// What an author types to run the project's own tests.
    pub(crate) test: &'static str,
}

/// A project that is built.
pub(crate) struct Project<'a> {
    /// Its folder.
    pub(crate) folder: &'a Path,
}

/// What a plugin's own language says about it, as one line of JSON: the names that it defines, and the interfaces that it
/// imports.
pub(crate) fn described(output: &str) -> Result<(Vec<String>, Vec<String>), Error> {
    let said = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let names = |said: &Value, key: &str| -> Option<Vec<String>> {
        said.get(key)?.as_array()?.iter().map(|name| Some(name.as_str()?.to_owned())).collect()
    };
    // What the plugin itself prints while it is loaded comes earlier.
    let mut found =
        said.filter_map(|said| Some((names(&said, "exports")?, names(&said, "imports")?)));
    found
        .next_back()
        .ok_or_else(|| Error::NoComponent("the SDK in the project is damaged".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_prints_is_no_description() {
        let output = "hello\n{\"exports\":[1]}\n{\"exports\":[\"init\"],\"imports\":[\"log\"]}\n";
        let described = described(output).unwrap();
        assert_eq!(described, (vec!["init".to_owned()], vec!["log".to_owned()]));
    }

    #[test]
    fn no_description_is_an_error() {
        assert!(described("hello").is_err());
    }
}
