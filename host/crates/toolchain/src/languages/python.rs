//! Python: the package `componentize-py` puts the source and CPython into a component.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    command::Commands,
    embedded,
    error::Error,
    language::{Language, Project, described},
    tool::{Tool, runs},
    world::{WORK, WORLD, World, snake},
};

/// The file that pins the compiler and names what else the plugin needs.
const REQUIREMENTS: &str = "requirements.txt";
const COMPILER: &str = "componentize-py";
/// The environment that a build makes where the compiler is not installed.
const ENVIRONMENT: &str = ".venv";
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// The language.
pub(crate) static PYTHON_LANGUAGE: Language = Language {
    name: "python",
    marker: "plugin.py",
    tools: &[Tool {
        name: "Python 3.10 or later",
        is_there: |folder| {
            let check = "import sys; sys.exit(sys.version_info < (3, 10))";
            runs(folder, PYTHON, &["-c", check])
        },
        hint: "install it: https://www.python.org/downloads",
    }],
    template: embedded::PYTHON,
    carried: &[("", embedded::PYTHON_SDK), ("wit", embedded::WIT)],
    build,
    test: "python3 -m unittest",
};

fn build(project: &Project<'_>, commands: &mut Commands<'_>) -> Result<Vec<u8>, Error> {
    let folder = project.folder;
    let compiler = compiler(folder, commands)?;
    let mut describe = Command::new(python(folder));
    describe.args(["-B", "-m", "torana_testing.describe"]);
    let (defined, used) = described(&commands.output_of(describe)?)?;
    // `entry.py` itself uses these; none of them needs a grant. It reads the configuration in any case.
    let world = World::new(defined.iter().map(String::as_str), snake, "plugin.py")?
        .importing(["clock", "config", "exchange", "random", "types"])
        .importing(used.iter().map(String::as_str))
        .exporting("init");
    let wit = world.write(folder)?;
    let file = folder.join(WORK).join("plugin.wasm");
    let mut compile = Command::new(compiler);
    compile
        .args(["--quiet", "--world", WORLD, "--wit-path"])
        .arg(wit)
        .args(["componentize", "--stub-wasi", "--python-path", "."])
        .args(packages(folder).iter().flat_map(|path| ["--python-path".as_ref(), path.as_os_str()]))
        .args(["torana.entry", "--output"])
        .arg(&file);
    commands.output_of(compile)?;
    fs::read(&file).map_err(Error::io(&file))
}

/// The program that makes components, in the version that the project pins: on the path, or in an environment of the
/// project, which is made now if it is not there.
fn compiler(folder: &Path, commands: &mut Commands<'_>) -> Result<PathBuf, Error> {
    let file = folder.join(REQUIREMENTS);
    let requirements = fs::read_to_string(&file).map_err(Error::io(&file))?;
    let pinned = pinned(&requirements);
    let only_compiler = lines(&requirements).count() == 1;
    if only_compiler && is_version(Path::new(COMPILER), pinned) {
        return Ok(COMPILER.into());
    }
    let ours = binaries(folder).join(COMPILER);
    if !is_version(&ours, pinned) {
        let failed = |hint| move |_| Error::Tools(vec![(COMPILER, hint)]);
        let mut environment = Command::new(PYTHON);
        environment.args(["-m", "venv", ENVIRONMENT]);
        let hint =
            "`python3 -m venv` has failed, see what it printed (Debian: apt install python3-venv)";
        commands.output_of(environment).map_err(failed(hint))?;
        let mut install = Command::new(python(folder));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.args(["--requirement", REQUIREMENTS]);
        let hint = "`pip install` has failed, see what it printed";
        commands.output_of(install).map_err(failed(hint))?;
    }
    if is_version(&ours, pinned) {
        return Ok(ours);
    }
    Err(Error::Tools(vec![(COMPILER, "add `componentize-py==0.25.1` to requirements.txt")]))
}

/// The requirements that a file states, one a line.
fn lines(requirements: &str) -> impl Iterator<Item = &str> {
    let lines = requirements.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty())
}

/// The version of the compiler that the requirements pin, if they pin one.
fn pinned(requirements: &str) -> Option<&str> {
    lines(requirements).find_map(|line| line.strip_prefix(COMPILER)?.trim().strip_prefix("=="))
}

fn is_version(program: &Path, version: Option<&str>) -> bool {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output();
    output.is_ok_and(|output| {
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.trim().strip_prefix(COMPILER).map(str::trim);
        output.status.success() && version.is_none_or(|version| found == Some(version))
    })
}

fn binaries(folder: &Path) -> PathBuf {
    folder.join(ENVIRONMENT).join(if cfg!(windows) { "Scripts" } else { "bin" })
}

/// The interpreter of the project's environment, where the plugin's packages are, or the system's.
fn python(folder: &Path) -> PathBuf {
    let ours = binaries(folder).join("python");
    if ours.exists() { ours } else { PYTHON.into() }
}

/// Where the packages of the project's environment are.
fn packages(folder: &Path) -> Option<PathBuf> {
    let windows = folder.join(ENVIRONMENT).join("Lib/site-packages");
    let versions = fs::read_dir(folder.join(ENVIRONMENT).join("lib")).into_iter().flatten();
    let unix = versions.filter_map(|entry| Some(entry.ok()?.path().join("site-packages")));
    unix.chain([windows]).find(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_version_is_read() {
        assert_eq!(pinned("# tools\ncomponentize-py==1.2.3 # pinned\n"), Some("1.2.3"));
        assert_eq!(pinned("componentize-py\n"), None);
        assert_eq!(pinned("other==1\n"), None);
        assert_eq!(lines("# a\n\n b # c\n").collect::<Vec<_>>(), ["b"]);
    }
}
