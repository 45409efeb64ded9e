//! JavaScript: the npm package `componentize-qjs` puts the source and the engine QuickJS into a component.

use std::{fs, path::Path, process::Command};

use crate::{
    command::Commands,
    embedded,
    error::Error,
    language::{Language, Project, described},
    tool::{Tool, runs},
    world::{WORK, WORLD, World, camel},
};

/// The program of the package that the project's `package.json` pins.
const COMPILER: &str = "node_modules/componentize-qjs/bin/componentize-qjs";
/// The part of the SDK that exports the hooks of `plugin.js`.
const ENTRY: &str = "sdk/entry.js";

/// The language.
pub(crate) static JS: Language = Language {
    name: "js",
    marker: "plugin.js",
    tools: &[
        Tool {
            name: "Node.js 20 or later",
            is_there: |folder| {
                let check = "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)";
                runs(folder, "node", &["-e", check])
            },
            hint: "install it: https://nodejs.org",
        },
        Tool {
            name: "npm",
            is_there: |folder| runs(folder, NPM, &["--version"]),
            hint: "install it with Node.js: https://nodejs.org",
        },
    ],
    template: embedded::JS,
    carried: &[("sdk", embedded::JS_SDK), ("wit", embedded::WIT)],
    build,
    test: "npm test",
};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

fn build(project: &Project<'_>, commands: &mut Commands<'_>) -> Result<Vec<u8>, Error> {
    install(project.folder, commands)?;
    let mut describe = Command::new("node");
    describe.arg("sdk/testing/describe.js");
    let (defined, used) = described(&commands.output_of(describe)?)?;
    // `entry.js` itself uses these; none of them needs a grant.
    let world = World::new(defined.iter().map(String::as_str), camel, "plugin.js")?
        .importing(["clock", "config", "exchange", "random"])
        .importing(used.iter().map(String::as_str));
    let wit = world.write(project.folder)?;
    let file = project.folder.join(WORK).join("plugin.wasm");
    let mut compile = Command::new("node");
    compile
        .args([COMPILER, "--js", ENTRY, "--world", WORLD, "--sync", "--stub-wasi", "--wit"])
        .arg(wit)
        .arg("--output")
        .arg(&file);
    commands.output_of(compile)?;
    fs::read(&file).map_err(Error::io(&file))
}

/// Installs what `package.json` names, unless the compiler is there.
fn install(folder: &Path, commands: &mut Commands<'_>) -> Result<(), Error> {
    if folder.join(COMPILER).is_file() {
        return Ok(());
    }
    let mut npm = Command::new(NPM);
    npm.args(["install", "--no-audit", "--no-fund", "--prefer-offline"]);
    commands.output_of(npm).map_err(|_| {
        Error::Tools(vec![("componentize-qjs", "`npm install` has failed, see what it printed")])
    })?;
    if folder.join(COMPILER).is_file() {
        return Ok(());
    }
    Err(Error::Tools(vec![(
        "componentize-qjs",
        "add it to `devDependencies` of package.json: \"componentize-qjs\": \"0.4.5\"",
    )]))
}
