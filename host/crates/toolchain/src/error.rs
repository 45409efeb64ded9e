//! Why a project cannot be made or built.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a project cannot be made or built. The text says what to do where that is not plain.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name cannot be that of a plugin.
    #[error(
        "`{0}` is no name for a plugin: it begins with a letter from a to z and goes on with letters, digits and single \
         hyphens, at most 64 characters"
    )]
    Name(String),
    /// The SDK has the name.
    #[error("`{0}` is the name of the SDK: take another one")]
    Taken(String),
    /// There is no such language.
    #[error("`{name}` is no language of plugins: use {known}")]
    Language {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The folder of a new project has something in it already.
    #[error("{0} exists and is not empty")]
    Exists(PathBuf),
    /// The folder has no project.
    #[error("{folder} has no plugin project: none of {markers} is there")]
    NoProject {
        /// Where was looked.
        folder: PathBuf,
        /// What was looked for.
        markers: String,
    },
    /// The folder has projects of more than one language.
    #[error("{folder} may be a project of {languages}: say which with --lang")]
    Ambiguous {
        /// Where was looked.
        folder: PathBuf,
        /// Which they are.
        languages: String,
    },
    /// Tools are missing: name and hint of each.
    #[error("{}", missing(.0))]
    Tools(Vec<(&'static str, &'static str)>),
    /// A program of the tool chain cannot be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program of the tool chain says that it has failed; what it printed says why.
    #[error("`{program}` failed: {status}")]
    Failed {
        /// Which.
        program: String,
        /// How it ended.
        status: String,
    },
    /// A program of the tool chain was ended because its time was up.
    #[error("`{program}` was not done after {} s and was ended; --timeout gives it more", .limit.as_secs())]
    Timeout {
        /// Which.
        program: String,
        /// How long all of the build may take.
        limit: Duration,
    },
    /// The tool chain has run, but there is no component.
    #[error("there is no component: {0}")]
    NoComponent(String),
    /// The interface that the program carries does not fit what is asked of it.
    #[error("the interface of plugins: {0}")]
    Interface(String),
    /// The configuration's schema cannot be put into the component.
    #[error("{file}: {reason}", file = crate::CONFIG_SCHEMA)]
    Schema {
        /// Why.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// Makes an error of what went wrong with a file.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

fn missing(tools: &[(&str, &str)]) -> String {
    let lines = tools.iter().map(|(name, hint)| format!("{name} is missing: {hint}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_tool_has_its_hint() {
        let error = Error::Tools(vec![("cargo", "install it"), ("zig", "install it too")]);
        let expected = "cargo is missing: install it\nzig is missing: install it too";
        assert_eq!(error.to_string(), expected);
    }
}
