//! The verbs of `torana plugin`, one file each.

mod build;
mod conformance;
mod inspect;
mod new;
mod run;
mod test;

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use torana_wasm::Inspection;

use crate::{
    cli::{Exit, Plugin, PluginVerb},
    output,
    trial::script::Script,
};

/// Does what the command line asks for.
pub(super) fn plugin(arguments: &Plugin) -> Exit {
    match &arguments.verb {
        PluginVerb::New(arguments) => new::new(arguments),
        PluginVerb::Build(arguments) => build::build(arguments),
        PluginVerb::Inspect(arguments) => inspect::inspect(arguments),
        PluginVerb::Test(arguments) => test::test(arguments),
        PluginVerb::Run(arguments) => run::run(arguments),
        PluginVerb::Conformance(arguments) => conformance::conformance(arguments),
    }
}

/// Bytes of a component's file.
const MAX_FILE: u64 = 64 << 20;

/// The component that an argument means: a file, or that of a project's folder.
fn component(plugin: &Path) -> PathBuf {
    if plugin.is_dir() { plugin.join(torana_toolchain::OUTPUT) } else { plugin.to_owned() }
}

/// Reads a component and looks at it; says what is wrong.
fn look(file: &Path) -> Result<Inspection, Exit> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(file).and_then(|open| open.take(MAX_FILE + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        output::note(&format!("torana: cannot read {}: {error}", file.display()));
        if file.ends_with(torana_toolchain::OUTPUT) {
            output::note("  help: make it with `torana plugin build`");
        }
        return Err(Exit::Unreadable);
    }
    if bytes.len() as u64 > MAX_FILE {
        let mib = MAX_FILE >> 20;
        output::note(&format!("torana: {} is larger than {mib} MiB", file.display()));
        return Err(Exit::Findings);
    }
    torana_wasm::inspect(&bytes).map_err(|problem| refuse(file, &problem))
}

/// As [`look`], of a component that this gateway loads.
fn loadable(file: &Path) -> Result<Inspection, Exit> {
    let inspection = look(file)?;
    match &inspection.problem {
        Some(problem) => Err(refuse(file, problem)),
        None => Ok(inspection),
    }
}

/// Folder of request files beside a component.
const REQUESTS: &str = "requests";
/// What their names end with.
const SUFFIX: &str = "http";

/// The request files beside a component, in the order of their names.
fn requests(component: &Path) -> Result<Vec<PathBuf>, String> {
    let folder = component.parent().unwrap_or(Path::new(".")).join(REQUESTS);
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("no request files in {}: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX)).collect();
    if files.is_empty() {
        return Err(format!("no *.{SUFFIX} in {}", folder.display()));
    }
    files.sort();
    Ok(files)
}

/// What a request file says, or what is wrong with it.
fn script(file: &Path) -> Result<Script, (Exit, String)> {
    let text = fs::read_to_string(file)
        .map_err(|error| (Exit::Unreadable, format!("cannot read it: {error}")))?;
    Script::parse(&text).map_err(|error| (Exit::Findings, error.to_string()))
}

/// Lines below a heading.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}

fn refuse(file: &Path, problem: &torana_wasm::Problem) -> Exit {
    output::note(&format!("torana: {} is no plugin: {}", file.display(), problem.message));
    output::note(&format!("  help: {}", problem.help));
    Exit::Findings
}
