//! What plugins in different languages cost. Builds the project that `torana plugin new` makes in each language, which
//! is the same plugin in all of them (it gets one header and sets it), measures each in a process of its own, and writes
//! the table in `docs/plugins/languages.md`.
//!
//!     cargo bench -p torana-benches --bench languages -- [--write] [--calls=N] [LANGUAGE=FILE.wasm]...
//!
//! Memory is looked at after a hundredth of N calls and after N, a million without. A language that is given with a file is not built; one whose tools are missing is left out, and the table says so.

#![expect(clippy::print_stdout, reason = "what the program is for")]

mod measure;
mod table;
#[path = "../wait.rs"]
mod wait;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use crate::table::Row;

/// As in the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a tool chain may take.
const TIME_LIMIT: Duration = Duration::from_secs(600);
/// Calls over which memory must not grow.
const CALLS: u32 = 1_000_000;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("languages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo's own.
    arguments.retain(|argument| argument != "--bench");
    if let [word, file, anchor, calls] = &arguments[..]
        && word == "--measure"
    {
        let measured = measure::measure(file.as_ref(), anchor.as_ref(), calls.parse()?);
        println!("{}", serde_json::to_string(&measured)?);
        return Ok(());
    }
    let write = arguments.iter().any(|argument| argument == "--write");
    let value = |name: &str| {
        let prefix = format!("{name}=");
        arguments.iter().find_map(|argument| argument.strip_prefix(&prefix)).map(str::to_owned)
    };
    let calls = value("--calls").map_or(Ok(CALLS), |number| number.parse())?;
    let scratch = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for language in torana_toolchain::languages() {
        let given = value(language).map(PathBuf::from);
        let component = given.map_or_else(|| build(language, scratch.path()), Ok);
        let measured = component.and_then(|file| in_a_child(&file, calls, scratch.path()));
        if let Err(reason) = &measured {
            eprintln!("languages: {language} is left out: {reason}");
        }
        rows.push(Row { language, measured: measured.ok() });
    }
    let text = table::text(&rows);
    if write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins/languages.md");
        fs::write(path, text)?;
    } else {
        print!("{text}");
    }
    Ok(())
}

/// A project as `torana plugin new` makes it, built.
fn build(language: &str, scratch: &Path) -> Result<PathBuf, String> {
    let folder = scratch.join(language);
    torana_toolchain::create("tenant", language, &folder).map_err(|error| error.to_string())?;
    let options = torana_toolchain::Options {
        folder,
        output: None,
        language: Some(language.to_owned()),
        time_limit: TIME_LIMIT,
    };
    let built = torana_toolchain::build(&options, &mut |line| eprintln!("{language}: {line}"));
    built.map(|built| built.file).map_err(|error| error.to_string())
}

/// In a process of its own, so that memory is that of one plugin.
fn in_a_child(file: &Path, calls: u32, scratch: &Path) -> Result<measure::Measured, String> {
    let cache = tempfile::tempdir_in(scratch).map_err(|error| error.to_string())?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(this)
        .arg("--measure")
        .arg(file)
        .arg(torana_plugins_build::plugin("test-get-set"))
        .arg(calls.to_string())
        // Made by the gateway, which takes no directory that others can read.
        .env("TORANA_CACHE_DIR", cache.path().join("cache"))
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
