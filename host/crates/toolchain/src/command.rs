//! Runs the programs of a tool chain: in the project's folder, with what they print shown, and not for ever.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::error::Error;

/// How often it is looked whether a program is done.
const LOOK: Duration = Duration::from_millis(10);

/// The programs of one build.
pub(crate) struct Commands<'a> {
    folder: &'a Path,
    limit: Duration,
    end: Instant,
    say: &'a mut dyn FnMut(&str),
}

impl<'a> Commands<'a> {
    /// Programs that run in a folder for at most this long, all together. `say` is told each command line.
    pub(crate) fn new(folder: &'a Path, limit: Duration, say: &'a mut dyn FnMut(&str)) -> Self {
        Self { folder, limit, end: Instant::now() + limit, say }
    }

    /// Runs a program and gives what it has written to its standard output.
    pub(crate) fn output_of(&mut self, mut command: Command) -> Result<String, Error> {
        command.stdout(Stdio::piped());
        let mut child = self.start(&mut command)?;
        let stdout = child.stdout.take();
        // Read beside the waiting: a program whose output nobody takes would stand still.
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.map(|mut stdout| stdout.read_to_end(&mut bytes)).transpose().map(|_| bytes)
        });
        let program = program(&command);
        let status = self.wait(&program, &mut child)?;
        succeed(program.clone(), status)?;
        let bytes = reader.join().unwrap_or_else(|_| Ok(Vec::new()));
        let bytes = bytes.map_err(|source| Error::Start { program, source })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Runs a program.
    pub(crate) fn run(&mut self, mut command: Command) -> Result<(), Error> {
        let mut child = self.start(&mut command)?;
        let program = program(&command);
        let status = self.wait(&program, &mut child)?;
        succeed(program, status)
    }

    fn start(&mut self, command: &mut Command) -> Result<Child, Error> {
        (self.say)(&line(command));
        command.current_dir(self.folder).stdin(Stdio::null());
        command.spawn().map_err(|source| Error::Start { program: program(command), source })
    }

    fn wait(&self, program: &str, child: &mut Child) -> Result<ExitStatus, Error> {
        loop {
            let done = child.try_wait();
            let done =
                done.map_err(|source| Error::Start { program: program.to_owned(), source })?;
            if let Some(status) = done {
                return Ok(status);
            }
            if Instant::now() >= self.end {
                // It may have ended by itself in the meantime.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::Timeout { program: program.to_owned(), limit: self.limit });
            }
            thread::sleep(LOOK);
        }
    }
}

fn succeed(program: String, status: ExitStatus) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { program, status: status.to_string() })
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// The command line, for people.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output_of(limit: Duration, script: &str) -> Result<String, Error> {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Vec::new();
        let mut say = |line: &str| lines.push(line.to_owned());
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let output = Commands::new(folder.path(), limit, &mut say).output_of(command);
        assert_eq!(lines, [format!("sh -c {script}")]);
        output
    }

    #[test]
    fn gives_the_output_of_what_succeeds() {
        let limit = Duration::from_secs(60);
        assert_eq!(output_of(limit, "printf hello").unwrap(), "hello");
        // More than a pipe holds.
        let long = output_of(limit, "head -c 300000 /dev/zero").unwrap();
        assert_eq!(long.len(), 300_000);
    }

    #[test]
    fn says_how_a_program_failed() {
        let error = output_of(Duration::from_secs(60), "exit 3").unwrap_err();
        assert_eq!(error.to_string(), "`sh` failed: exit status: 3");
    }

    #[test]
    fn ends_a_program_that_takes_too_long() {
        let error = output_of(Duration::ZERO, "exec sleep 600").unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
    }
}
