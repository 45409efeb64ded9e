//! Builds the guests under `plugins/` for tests and benches: once per process, in a target directory of its own, since
//! the outer Cargo may hold the lock of the usual one.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock},
    time::Duration,
};

/// The file of a built plugin, by its package name: `plugin("header-edit")`. Builds all plugins at the first call.
///
/// # Panics
/// If the build fails: its output tells why. The target `wasm32-wasip2` must be installed.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let file = DIRECTORY.get_or_init(build).join(format!("{}.wasm", name.replace('-', "_")));
    assert!(file.is_file(), "no plugin is called `{name}`");
    file
}

/// The file of a plugin that is not in Rust, by its folder under `plugins/`: built as its author would. `None` if a tool
/// of its language is missing here, which is said in a line that begins with `SKIPPED`.
///
/// # Panics
/// If the build fails: its output tells why.
#[must_use]
pub fn project(name: &str) -> Option<PathBuf> {
    static BUILT: Mutex<BTreeMap<String, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    // Held while it builds: whoever else wants it waits.
    let mut built = BUILT.lock().expect("a build that panics fails its test anyway");
    built.entry(name.to_owned()).or_insert_with(|| build_project(name)).clone()
}

fn build_project(name: &str) -> Option<PathBuf> {
    let target = target().join("projects");
    fs::create_dir_all(&target).expect("a directory for the plugins");
    let file = target.join(format!("{name}.{}.wasm", std::process::id()));
    let options = torana_toolchain::Options {
        folder: root().join("plugins").join(name),
        output: Some(file.clone()),
        language: None,
        time_limit: Duration::from_secs(900),
    };
    match torana_toolchain::build(&options, &mut |_| {}) {
        Ok(_) => {}
        Err(error @ torana_toolchain::Error::Tools(_)) => {
            eprintln!("SKIPPED {name}: {error}");
            return None;
        }
        Err(error) => panic!("{name} does not build: {error}"),
    }
    // Test processes come and go, and each of them builds the same.
    let finished = target.join(format!("{name}.wasm"));
    fs::rename(&file, &finished).expect("a component can be renamed");
    Some(finished)
}

/// An example of a plugin, by the names of both, with the lines of its sources in DWARF. Builds it at each call.
///
/// # Panics
/// If the build fails: its output tells why.
#[must_use]
pub fn example_with_lines(plugin: &str, example: &str) -> PathBuf {
    // They come behind those of the profile, and so are what counts. What it depends on is shared with other builds.
    let flags = ["--", "-C", "debuginfo=line-tables-only", "-C", "strip=none"];
    let build = ["rustc", "--package", plugin, "--example", example];
    cargo(&build, &flags).join("examples").join(format!("{}.wasm", example.replace('-', "_")))
}

fn build() -> PathBuf {
    let release = cargo(&["build"], &[]);
    finish(&root().join("plugins"), &release, &target().join("finished"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), PathBuf::from)
        .join("plugins")
}

/// Builds in the workspace of the plugins. Gives where Cargo puts it.
fn cargo(command: &[&str], flags: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .args(command)
        .args(["--release", "--quiet", "--locked", "--target", "wasm32-wasip2"])
        .arg("--manifest-path")
        .arg(root().join("plugins/Cargo.toml"))
        .arg("--target-dir")
        .arg(target())
        .args(flags)
        // Flags for the host, such as those of coverage, are not for guests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the plugins do not build: is the target wasm32-wasip2 installed?");
    target().join("wasm32-wasip2/release")
}

/// Copies the components with the schemas of their configurations inside. Cargo's own files stay as they are, so that
/// it does not build them again.
fn finish(plugins: &Path, release: &Path, finished: &Path) -> PathBuf {
    fs::create_dir_all(finished).expect("a directory for the plugins");
    for folder in [plugins, &plugins.join("test")] {
        for entry in fs::read_dir(folder).expect("the folder of the plugins") {
            let folder = entry.expect("an entry").path();
            let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
            let Some(name) = package_name(&manifest) else { continue };
            let file = format!("{}.wasm", name.replace('-', "_"));
            let Ok(mut component) = fs::read(release.join(&file)) else { continue };
            if let Ok(schema) = fs::read_to_string(folder.join(torana_toolchain::CONFIG_SCHEMA)) {
                component = torana_toolchain::embed_config_schema(&component, &schema)
                    .expect("a schema for a component");
            }
            // Other processes may read the file meanwhile: they see the old one or the new one.
            let beside = finished.join(format!("{file}.{}", std::process::id()));
            fs::write(&beside, component).expect("a component can be written");
            fs::rename(&beside, finished.join(&file)).expect("a component can be renamed");
        }
    }
    finished.to_owned()
}

fn package_name(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find(|line| line.starts_with("name = "))?;
    line.split('"').nth(1)
}
