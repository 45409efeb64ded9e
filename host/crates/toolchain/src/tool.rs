//! Programs that a language's build needs.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Something that must be installed.
pub(crate) struct Tool {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Whether it is there, seen from the project's folder, which may choose its version.
    pub(crate) is_there: fn(&Path) -> bool,
    /// How to get it.
    pub(crate) hint: &'static str,
}

/// Whether a program can be started and says that all is well.
pub(crate) fn runs(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a program prints, if it can be started and says that all is well.
pub(crate) fn output_of(folder: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
