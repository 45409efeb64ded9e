//! The world of a project: the hooks that it has and the interfaces that it uses, and nothing else, since what a
//! component imports is what it asks the gateway for.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Exports of a plugin, by their names in `wit/`.
pub(crate) const EXPORTS: [&str; 8] = [
    "init",
    "on-request",
    "on-backend-request",
    "on-backend-response",
    "on-response",
    "on-request-body",
    "on-response-body",
    "handle",
];

/// The name of the world that is written.
pub(crate) const WORLD: &str = "project";
/// Where a build keeps what it makes on the way, in the project's folder.
pub(crate) const WORK: &str = ".torana";

/// What a component imports and exports, by the names of interfaces in `wit/`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) imports: BTreeSet<String>,
    pub(crate) exports: BTreeSet<&'static str>,
}

impl World {
    /// A world with the exports whose names, as `name` spells them in the language, are among those that are defined.
    ///
    /// # Errors
    /// None of them is a hook; `file` is where they were looked for.
    pub(crate) fn new<'a>(
        defined: impl IntoIterator<Item = &'a str>,
        name: fn(&str) -> String,
        file: &str,
    ) -> Result<Self, Error> {
        let defined: BTreeSet<&str> = defined.into_iter().collect();
        let exports: BTreeSet<_> =
            EXPORTS.into_iter().filter(|export| defined.contains(name(export).as_str())).collect();
        if exports.iter().all(|export| *export == "init") {
            let hooks: Vec<_> = EXPORTS[1..].iter().map(|hook| name(hook)).collect();
            let reason = format!("{file} defines no hook: it needs one of {}", hooks.join(", "));
            return Err(Error::NoComponent(reason));
        }
        Ok(Self { imports: BTreeSet::new(), exports })
    }

    /// Adds imports.
    pub(crate) fn importing<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.imports.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Adds an export.
    pub(crate) fn exporting(mut self, name: &'static str) -> Self {
        self.exports.insert(name);
        self
    }

    fn text(&self, version: &str) -> String {
        let mut text = format!("package torana:project;\n\nworld {WORLD} {{\n");
        let imports = self.imports.iter().map(|name| ("import", name.as_str()));
        for (word, name) in imports.chain(self.exports.iter().map(|name| ("export", *name))) {
            writeln!(text, "    {word} torana:plugin/{name}@{version};")
                .expect("strings take everything");
        }
        text.push_str("}\n");
        text
    }

    /// Writes the world beside the project's own `wit/`, which it refers to. Gives the folder.
    pub(crate) fn write(&self, project: &Path) -> Result<PathBuf, Error> {
        let interfaces = project.join("wit");
        let folder = project.join(WORK).join("wit");
        let package = folder.join("deps/torana-plugin");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io(&folder)(error));
            }
            _ => fs::create_dir_all(&package).map_err(Error::io(&package))?,
        }
        let mut version = None;
        for entry in fs::read_dir(&interfaces).map_err(Error::io(&interfaces))? {
            let entry = entry.map_err(Error::io(&interfaces))?;
            let text = fs::read_to_string(entry.path()).map_err(Error::io(&entry.path()))?;
            version = version.or_else(|| version_in(&text).map(str::to_owned));
            let copy = package.join(entry.file_name());
            fs::write(&copy, text).map_err(Error::io(&copy))?;
        }
        let version = version.ok_or_else(|| {
            Error::NoComponent(format!("{} is not that of Torana", interfaces.display()))
        })?;
        let file = folder.join("world.wit");
        fs::write(&file, self.text(&version)).map_err(Error::io(&file))?;
        Ok(folder)
    }
}

/// The version of the package that a file of it states.
fn version_in(text: &str) -> Option<&str> {
    text.split_once("package torana:plugin@")?.1.split_once(';').map(|(version, _)| version)
}

/// `on-request` as `on_request`.
pub(crate) fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// `on-request` as `onRequest`.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        camel.push_str(&first.to_uppercase());
        camel.push_str(rest);
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hooks_are_exported() {
        let defined = ["init", "onBackendResponse", "helper", "on-request"];
        let world = World::new(defined, camel, "plugin.js").unwrap().importing(["log", "exchange"]);
        assert_eq!(world.exports, BTreeSet::from(["init", "on-backend-response"]));
        let text = world.text("0.1.1");
        assert!(
            text.contains("import torana:plugin/exchange@0.1.1;\n    import torana:plugin/log")
        );
        assert!(text.contains("export torana:plugin/on-backend-response@0.1.1;"), "{text}");
        assert!(!text.contains("on-request"), "{text}");
    }

    #[test]
    fn a_project_without_hooks_is_told_what_they_are_called() {
        let error = World::new(["init"], snake, "plugin.py").unwrap_err().to_string();
        assert!(error.contains("plugin.py") && error.contains("on_backend_request"), "{error}");
    }

    #[test]
    fn every_export_is_one_of_the_world() {
        let (_, world) =
            crate::embedded::WIT.iter().find(|(path, _)| *path == "world.wit").unwrap();
        let exports =
            world.lines().filter_map(|l| l.trim().strip_prefix("export ")?.strip_suffix(';'));
        assert_eq!(exports.collect::<BTreeSet<_>>(), BTreeSet::from(EXPORTS));
    }

    #[test]
    fn the_world_refers_to_the_version_of_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let wit = folder.path().join("wit");
        fs::create_dir(&wit).unwrap();
        fs::write(wit.join("world.wit"), "/// What.\npackage torana:plugin@7.8.9;\n").unwrap();
        let world = World::new(["handle"], snake, "plugin.c").unwrap();
        for _ in 0..2 {
            let written = world.write(folder.path()).unwrap();
            let text = fs::read_to_string(written.join("world.wit")).unwrap();
            assert!(text.contains("export torana:plugin/handle@7.8.9;"), "{text}");
            assert!(written.join("deps/torana-plugin/world.wit").is_file());
        }
    }
}
