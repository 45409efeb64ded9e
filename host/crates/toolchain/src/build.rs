//! `torana plugin build`: from a project to a component with the schema of its configuration in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    CONFIG_SCHEMA, OUTPUT,
    command::Commands,
    error::Error,
    language::{Language, Project},
    languages, project,
    schema::{PREAMBLE, embed_config_schema},
};

/// What to build and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The project's folder.
    pub folder: PathBuf,
    /// Where the component goes; [`OUTPUT`] in the project's folder without.
    pub output: Option<PathBuf>,
    /// Language of the project; found by its files without.
    pub language: Option<String>,
    /// How long the tool chain may run.
    pub time_limit: Duration,
}

/// A component that was built.
#[derive(Debug)]
pub struct Built {
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: usize,
    /// Language of the project.
    pub language: &'static str,
}

/// Builds a project. `say` is told each command line before it runs; what the programs print goes where this program's
/// own output goes.
///
/// # Errors
/// There is no project, a tool is missing or fails, or a file cannot be read or written.
pub fn build(options: &Options, say: &mut dyn FnMut(&str)) -> Result<Built, Error> {
    // Programs run in the folder, so what they are told of it must not depend on the working directory.
    let folder = fs::canonicalize(&options.folder).map_err(Error::io(&options.folder))?;
    let language = match &options.language {
        Some(name) => project::by_name(name)?,
        None => detect(&folder)?,
    };
    check_tools(language, &folder)?;
    project::carry(language, &folder)?;
    let mut commands = Commands::new(&folder, options.time_limit, say);
    let component = (language.build)(&Project { folder: &folder }, &mut commands)?;
    if !component.starts_with(PREAMBLE) {
        return Err(Error::NoComponent("the tool chain made something else".to_owned()));
    }
    let component = match config_schema(&folder)? {
        Some(schema) => embed_config_schema(&component, &schema)?,
        None => component,
    };
    let file = options.output.clone().unwrap_or_else(|| options.folder.join(OUTPUT));
    write(&file, &component)?;
    Ok(Built { file, size: component.len(), language: language.name })
}

/// Finds the language of a project by its files.
fn detect(folder: &Path) -> Result<&'static Language, Error> {
    let found: Vec<&'static Language> = languages::ALL
        .iter()
        .copied()
        .filter(|language| folder.join(language.marker).is_file())
        .collect();
    let names = |languages: &[&Language], name: fn(&Language) -> &'static str| {
        languages.iter().map(|language| name(language)).collect::<Vec<_>>().join(", ")
    };
    match *found {
        [language] => Ok(language),
        [] => Err(Error::NoProject {
            folder: folder.to_owned(),
            markers: names(languages::ALL, |language| language.marker),
        }),
        _ => Err(Error::Ambiguous {
            folder: folder.to_owned(),
            languages: names(&found, |language| language.name),
        }),
    }
}

/// Says which tools are missing, all at once.
fn check_tools(language: &Language, folder: &Path) -> Result<(), Error> {
    let missing = language.tools.iter().filter(|tool| !(tool.is_there)(folder));
    let missing: Vec<_> = missing.map(|tool| (tool.name, tool.hint)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::Tools(missing)) }
}

fn config_schema(folder: &Path) -> Result<Option<String>, Error> {
    let path = folder.join(CONFIG_SCHEMA);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path)(error)),
    }
}

/// Puts the file there at once: a gateway that watches it must not load half of it.
fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    fs::write(&new, bytes).map_err(Error::io(&new))?;
    fs::rename(&new, file).map_err(Error::io(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: &Path) -> Options {
        Options {
            folder: folder.to_owned(),
            output: None,
            language: None,
            time_limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_folder_without_a_project_is_refused_before_anything_runs() {
        let folder = tempfile::tempdir().unwrap();
        let error = build(&options(folder.path()), &mut |line| panic!("ran {line}")).unwrap_err();
        assert!(matches!(error, Error::NoProject { .. }), "{error}");
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = build(&options(Path::new("/no/such")), &mut |_| {}).unwrap_err();
        assert!(error.to_string().starts_with("/no/such: "), "{error}");
    }

    #[test]
    fn missing_tools_are_all_named() {
        const NONE: crate::tool::Tool =
            crate::tool::Tool { name: "no-such-tool", is_there: |_| false, hint: "make it" };
        let language = Language {
            name: "none",
            marker: "none",
            tools: &[NONE, NONE],
            template: &[],
            carried: &[],
            build: |_, _| Ok(Vec::new()),
            test: "none",
        };
        let error = check_tools(&language, Path::new(".")).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
        assert!(error.starts_with("no-such-tool is missing: make it"), "{error}");
    }

    #[test]
    fn the_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        for bytes in [&b"one"[..], b"two"] {
            write(&file, bytes).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
