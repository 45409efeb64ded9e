//! `torana schema` and `torana reference`: what the configuration's types say of themselves.

use std::{fs, io, path::Path};

use crate::{
    cli::{self, Exit},
    output,
    reference::{codes, pages, schema as complete},
    wiring,
};

/// Prints the JSON schema of a configuration file.
pub(super) fn schema() -> Exit {
    let schema = complete(torana_config::schema(), &wiring::described());
    output::print(&format!("{schema:#}\n"));
    Exit::Success
}

/// Writes the reference pages, or compares them with what is there.
pub(super) fn reference(arguments: &cli::Reference) -> Exit {
    let pages = pages(&torana_config::schema(), &wiring::described(), &codes());
    if arguments.check {
        return compare(&arguments.folder, &pages);
    }
    match write(&arguments.folder, &pages) {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::note(&format!(
                "torana: cannot write to {}: {error}",
                arguments.folder.display()
            ));
            Exit::Unreadable
        }
    }
}

fn write(folder: &Path, pages: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    pages.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}

fn compare(folder: &Path, pages: &[(&str, String)]) -> Exit {
    let stale: Vec<&str> = pages
        .iter()
        .filter(|(name, text)| fs::read(folder.join(name)).ok().as_deref() != Some(text.as_bytes()))
        .map(|(name, _)| *name)
        .collect();
    if stale.is_empty() {
        return Exit::Success;
    }
    output::note(&format!(
        "stale in {}: {}; run `torana reference`",
        folder.display(),
        stale.join(", ")
    ));
    Exit::Findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_differs_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let pages = [("a.md", "one".to_owned()), ("b.md", "two".to_owned())];
        assert_eq!(compare(folder.path(), &pages), Exit::Findings);
        write(folder.path(), &pages).unwrap();
        assert_eq!(compare(folder.path(), &pages), Exit::Success);
        fs::write(folder.path().join("b.md"), "old").unwrap();
        assert_eq!(compare(folder.path(), &pages), Exit::Findings);
    }
}
