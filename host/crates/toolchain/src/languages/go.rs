//! Go: the standard compiler makes a module for WASI preview 1; the SDK in `plugin-sdk/go` speaks the canonical ABI.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command::Commands,
    componentize::componentize,
    embedded,
    error::Error,
    language::{Language, Project, described},
    tool::{Tool, output_of, runs},
};

/// The oldest version that has `//go:wasmexport` and libraries for WASI.
const OLDEST: (u32, u32) = (1, 24);

/// The language.
pub(crate) static GO: Language = Language {
    name: "go",
    marker: "go.mod",
    tools: &[
        Tool {
            name: "go",
            is_there: |folder| runs(folder, "go", &["version"]),
            hint: "install Go: https://go.dev/doc/install",
        },
        Tool {
            name: "go 1.24 or later",
            is_there: |folder| {
                output_of(folder, "go", &["env", "GOVERSION"]).is_some_and(|text| is_new(&text))
            },
            hint: "install a newer Go: https://go.dev/doc/install",
        },
    ],
    template: embedded::GO,
    carried: &[("sdk", embedded::GO_SDK), ("sdk/wit", embedded::WIT)],
    build,
    test: "go test ./...",
};

/// Whether a version such as `go1.26.8` is new enough. A version that is none, as of a compiler built by oneself, is.
fn is_new(version: &str) -> bool {
    let Some(numbers) = version.trim().strip_prefix("go") else { return true };
    let mut parts = numbers.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => true,
    }
}

fn build(project: &Project<'_>, commands: &mut Commands<'_>) -> Result<Vec<u8>, Error> {
    let exports = exports(commands)?;
    let module = tempfile::Builder::new()
        .prefix("torana-")
        .suffix(".wasm")
        .tempfile()
        .map_err(Error::io(project.folder))?;
    let mut go = Command::new("go");
    // A library is started once and then called; a program would run main and end. The names that the SDK takes from
    // the runtime are not open to everybody. Names of functions stay in: reports of what a plugin did wrong show them.
    go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-w -checklinkname=0", "-o"])
        .arg(module.path())
        .arg(".")
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    commands.run(go)?;
    let bytes = fs::read(module.path()).map_err(Error::io(module.path()))?;
    componentize(&bytes, &wit(project.folder), &exports)
}

/// Asks the plugin which hooks it has. Its own `Register` answers, in a build for this machine, so that methods of
/// embedded types count and text that only looks like a method does not.
fn exports(commands: &mut Commands<'_>) -> Result<Vec<String>, Error> {
    let mut go = Command::new("go");
    go.args(["run", "."]).env("TORANA_DESCRIBE", "1").env_remove("GOOS").env_remove("GOARCH");
    let output = commands.output_of(go)?;
    // What it imports shows in the module.
    let (exports, _) = described(&output).map_err(|_| {
        Error::NoComponent(
            "no plugin is registered: call torana.Register from a func init of package main"
                .to_owned(),
        )
    })?;
    Ok(exports)
}

/// The interface that the project's SDK speaks, which stands in the SDK's folder.
fn wit(folder: &Path) -> PathBuf {
    let sdk = output_of(folder, "go", &["list", "-m", "-f", "{{.Dir}}", "torana"]);
    folder.join(sdk.as_deref().unwrap_or("sdk").trim_end()).join("wit")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wit_parser::WorldKey;

    use super::*;
    use crate::interface::Interface;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, new) in [
            ("go1.24", true),
            ("go1.24rc1", true),
            ("go1.26.8\n", true),
            ("go1.100.0", true),
            ("go2.0", true),
            ("devel +abc", true),
            ("go1.23.9", false),
            ("go1.9", false),
        ] {
            assert_eq!(is_new(version), new, "{version}");
        }
    }

    /// What stands behind a directive in the SDK, such as `//go:wasmimport`, without line ends.
    fn directives(directive: &str) -> BTreeSet<String> {
        let lines = embedded::GO_SDK.iter().flat_map(|(_, text)| text.lines());
        lines
            .filter_map(|line| line.strip_prefix(directive))
            .map(|name| name.trim().to_owned())
            .collect()
    }

    fn names(world: &str, exports: bool, between: &str) -> BTreeSet<String> {
        let interface = Interface::read(Path::new("/no/such/folder")).unwrap();
        let resolve = &interface.resolve;
        let (_, world) = resolve.worlds.iter().find(|(_, it)| it.name == world).unwrap();
        let items = if exports { &world.exports } else { &world.imports };
        let mut names = BTreeSet::new();
        for (key, _) in items {
            let name = resolve.name_world_key(key);
            let WorldKey::Interface(id) = key else { panic!("{name} is no interface") };
            let functions = resolve.interfaces[*id].functions.keys();
            names.extend(functions.map(|function| format!("{name}{between}{function}")));
        }
        names
    }

    #[test]
    fn the_sdk_exports_all_hooks() {
        let exports = names("plugin", true, "#");
        assert!(exports.len() >= 8);
        let sdk = directives("//go:wasmexport ");
        assert!(sdk.is_superset(&exports), "{exports:?} but {sdk:?}");
        let others: Vec<_> = sdk.difference(&exports).collect();
        assert_eq!(others, ["cabi_realloc"]);
    }

    #[test]
    fn the_sdk_imports_all_functions_but_those_of_the_adapter() {
        let mut functions = names("imports", false, " ");
        assert!(functions.len() > 30);
        functions.retain(|name| !name.contains("/clock@") && !name.contains("/random@"));
        assert_eq!(directives("//go:wasmimport "), functions);
    }

    #[test]
    fn the_porting_guide_shows_what_is_tested() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let guide = fs::read_to_string(root.join("docs/plugins/porting.md")).unwrap();
        let tested = fs::read_to_string(root.join("plugin-sdk/go/porting_test.go")).unwrap();
        let blocks = guide.split("```go\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let (before, after): (Vec<_>, Vec<_>) =
            blocks.partition(|code| code.starts_with("package main"));
        assert_eq!((before.len(), after.len()), (3, 5));
        for code in after {
            assert!(tested.contains(code), "not tested as it is shown:\n{code}");
        }
    }
}
