//! What the tool chain must know of a language.

use std::path::Path;

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
