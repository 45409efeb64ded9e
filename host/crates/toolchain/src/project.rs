//! `torana plugin new`: the files of a project that builds and whose test passes as it is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{error::Error, language::Language, languages};

/// Longest name of a plugin.
const LONGEST_NAME: usize = 64;
/// The package of the SDK in Rust: a plugin cannot have its name.
const SDK: &str = "torana-plugin";

/// A project that was made.
#[derive(Debug)]
pub struct Created {
    /// Where it is.
    pub folder: PathBuf,
    /// What runs its own tests.
    pub test: &'static str,
}

/// Writes a new project with this name into a folder that is empty or not there yet.
///
/// # Errors
/// The name or the language is none, the folder has something in it, or a file cannot be written.
pub fn create(name: &str, language: &str, folder: &Path) -> Result<Created, Error> {
    check_name(name)?;
    let language = by_name(language)?;
    if !is_empty(folder)? {
        return Err(Error::Exists(folder.to_owned()));
    }
    for (path, text) in language.template {
        write(&folder.join(path), &text.replace("{{name}}", name))?;
    }
    carry(language, folder)?;
    Ok(Created { folder: folder.to_owned(), test: language.test })
}

/// Writes what is carried and not there: nobody need keep it under version control.
pub(crate) fn carry(language: &Language, folder: &Path) -> Result<(), Error> {
    for (prefix, files) in language.carried {
        for (path, text) in *files {
            let path = folder.join(prefix).join(path);
            if !path.exists() {
                write(&path, text)?;
            }
        }
    }
    Ok(())
}

/// The language that `--lang` names.
pub(crate) fn by_name(name: &str) -> Result<&'static Language, Error> {
    languages::ALL.iter().copied().find(|language| language.name == name).ok_or_else(|| {
        let known: Vec<&str> = crate::languages().collect();
        Error::Language { name: name.to_owned(), known: known.join(", ") }
    })
}

/// A name must be one in every language and of every file system.
fn check_name(name: &str) -> Result<(), Error> {
    let fine = name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    match name {
        _ if !fine => Err(Error::Name(name.to_owned())),
        SDK => Err(Error::Taken(name.to_owned())),
        _ => Ok(()),
    }
}

fn is_empty(folder: &Path) -> Result<bool, Error> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Error::io(folder)(error)),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    fs::write(path, text).map_err(Error::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_its_name_in_it_and_no_placeholder() {
        for language in languages::ALL {
            let folder = tempfile::tempdir().unwrap();
            let made = create("my-plugin", language.name, folder.path()).unwrap();
            assert!(folder.path().join(language.marker).is_file(), "{}", language.name);
            let mut named = false;
            for (path, _) in language.template {
                let text = fs::read_to_string(made.folder.join(path)).unwrap();
                assert!(!text.contains("{{"), "{path}: a placeholder was left");
                named |= text.contains("my-plugin");
            }
            assert!(named, "{}: the name is nowhere", language.name);
            for file in ["README.md", crate::CONFIG_SCHEMA, ".gitignore"] {
                assert!(made.folder.join(file).is_file(), "{}: no {file}", language.name);
            }
        }
    }

    #[test]
    fn markers_tell_languages_apart() {
        for language in languages::ALL {
            for other in languages::ALL {
                let has_it = other.template.iter().any(|(path, _)| *path == language.marker);
                assert_eq!(has_it, language.name == other.name, "{}", language.marker);
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes"), "mine").unwrap();
        let error = create("a", "rust", folder.path()).unwrap_err();
        assert!(matches!(error, Error::Exists(_)), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_carried_comes_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let rust = by_name("rust").unwrap();
        create("a", "rust", folder.path()).unwrap();
        let file = folder.path().join("wit/world.wit");
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        fs::write(folder.path().join("wit/log.wit"), "mine").unwrap();
        carry(rust, folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        assert_eq!(fs::read_to_string(folder.path().join("wit/log.wit")).unwrap(), "mine");
    }

    #[test]
    fn names_that_some_language_does_not_take_are_refused() {
        let long = "a".repeat(65);
        for name in ["", "A", "1a", "a_b", "a b", "-a", "a-", "a--b", "../a", "ä", &long] {
            assert!(matches!(check_name(name), Err(Error::Name(_))), "{name}");
        }
        assert!(matches!(check_name("torana-plugin"), Err(Error::Taken(_))));
        for name in ["a", "tenant-guard", "x2-y3"] {
            check_name(name).unwrap();
        }
    }

    #[test]
    fn unknown_languages_are_named_with_the_known_ones() {
        let error = create("a", "cobol", Path::new("/nowhere")).unwrap_err().to_string();
        assert!(error.contains("cobol") && error.contains("rust"), "{error}");
    }
}
