//! The interface that a project was made with.

use std::{fs, io, path::Path};

use wit_parser::{PackageId, Resolve, SourceMap, WorldId};

use crate::{embedded, error::Error};

/// `torana:plugin` in one version, with worlds of one's own beside it.
pub(crate) struct Interface {
    /// All that is known.
    pub(crate) resolve: Resolve,
    package: PackageId,
}

impl Interface {
    /// Reads a folder of WIT files; what this program carries if the folder is not there.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let carried = embedded::WIT.iter();
                return Self::new(carried.map(|(path, text)| (*path, (*text).to_owned())));
            }
            Err(error) => return Err(Error::io(folder)(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::io(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "wit") {
                let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
                files.push((path.display().to_string(), text));
            }
        }
        // Folders have no order, and components shall not differ.
        files.sort();
        Self::new(files)
    }

    fn new(files: impl IntoIterator<Item = (impl AsRef<str>, String)>) -> Result<Self, Error> {
        let mut map = SourceMap::default();
        for (path, text) in files {
            map.push_str(path.as_ref(), text);
        }
        let mut resolve = Resolve::default();
        let group = map.parse().map_err(|(_, wrong)| Error::Interface(wrong.to_string()))?;
        let package =
            resolve.push_group(group).map_err(|wrong| Error::Interface(wrong.to_string()))?;
        Ok(Self { resolve, package })
    }

    /// The package's version.
    pub(crate) fn version(&self) -> String {
        let version = self.resolve.packages[self.package].name.version.as_ref();
        version.map(ToString::to_string).unwrap_or_default()
    }

    /// A world from WIT text in which `{{version}}` stands for the package's version.
    pub(crate) fn world(&mut self, text: &str, name: &str) -> Result<WorldId, Error> {
        let text = text.replace("{{version}}", &self.version());
        let wrong = |error| Error::Interface(format!("{error:#}"));
        let package = self.resolve.push_source("world.wit", &text).map_err(wrong)?;
        self.resolve.select_world(&[package], Some(name)).map_err(wrong)
    }

    /// The world of a plugin with these exports. It imports everything that there is: what a module does not use is left
    /// out when it becomes a component.
    pub(crate) fn plugin(&mut self, exports: &[String]) -> Result<WorldId, Error> {
        let mut text = String::from(
            "package torana:built; world plugin { include torana:plugin/imports@{{version}};",
        );
        for export in exports {
            text.push_str(&format!(" export torana:plugin/{export}@{{{{version}}}};"));
        }
        text.push('}');
        self.world(&text, "plugin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried() -> Interface {
        Interface::read(Path::new("/no/such/folder")).unwrap()
    }

    #[test]
    fn a_plugin_exports_what_it_has() {
        let mut interface = carried();
        let world = interface.plugin(&["on-request".to_owned(), "handle".to_owned()]).unwrap();
        let world = &interface.resolve.worlds[world];
        assert_eq!(world.exports.len(), 2);
        assert!(world.imports.len() >= 10);
    }

    #[test]
    fn an_export_that_does_not_exist_is_named() {
        let error = carried().plugin(&["on-lunch".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("on-lunch"), "{error}");
    }

    #[test]
    fn a_project_keeps_the_version_it_was_made_with() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in embedded::WIT {
            let text = text.replace(&format!("@{}", carried().version()), "@0.1.99");
            fs::write(folder.path().join(path), text).unwrap();
        }
        assert_eq!(Interface::read(folder.path()).unwrap().version(), "0.1.99");
    }
}
