//! The one place that writes a command's result: standard output for what was asked for, standard error for what is
//! said about it. A reader that went away (`torana check | head`) is no error.

use std::io::{IsTerminal, Write};

/// Writes to the standard output as it is.
pub fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Writes a line to the standard error.
pub fn note(text: &str) {
    let mut output = std::io::stderr().lock();
    let _ = writeln!(output, "{text}");
}

/// Whether the standard output may have colours: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
#[must_use]
pub fn stdout_colour() -> bool {
    std::io::stdout().is_terminal() && !no_colour()
}

/// As [`stdout_colour`], for the standard error.
#[must_use]
pub fn stderr_colour() -> bool {
    std::io::stderr().is_terminal() && !no_colour()
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
