//! The program as a user starts it: arguments, exit codes, output, signals.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Instant,
};

use crate::PATIENCE;

/// What a finished run left.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// The program's path: Cargo builds this package's `torana-under-test` beside its test binaries.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test runs from a file");
    let directory = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    directory.join("torana-under-test")
}

fn command(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    // The tests' own environment must not reach the gateway.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("KRAKEND_") || text.starts_with("TORANA_") || text.starts_with("FC_") {
            command.env_remove(&name);
        }
    }
    command.envs(environment.iter().copied());
    command
}

/// Runs the program to its end.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn run(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Output {
    finish(&mut command(arguments, directory, environment))
}

/// Runs the program to its end with so many KiB of address space.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn run_within(
    address_space: u64,
    arguments: &[&str],
    directory: &Path,
    environment: &[(&str, &str)],
) -> Output {
    let program = command(arguments, directory, environment);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", r#"ulimit -v "$0" && exec "$@""#, &address_space.to_string()])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(directory)
        .stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    finish(&mut limited)
}

fn finish(command: &mut Command) -> Output {
    let output = command.output().expect("the program can be started");
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

/// The program while it runs; it is killed on drop.
pub struct Process {
    child: Child,
    log: Arc<Log>,
}

impl Process {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = command(arguments, directory, environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let log = Arc::new(Log::default());
        follow(child.stdout.take(), &log);
        follow(child.stderr.take(), &log);
        Self { child, log }
    }

    /// Waits for a line of its output that `wanted` accepts.
    ///
    /// # Panics
    /// When none comes.
    pub fn wait_for_line<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.wait_for_output(|lines| {
            lines.iter().find_map(|line| wanted(line)).ok_or_else(|| format!("no {what}"))
        })
    }

    /// Looks at its output again whenever there is more, until that gives something.
    fn wait_for_output<T>(&self, look: impl Fn(&[String]) -> Result<T, String>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let missing = match look(&lines) {
                Ok(found) => return found,
                Err(missing) => missing,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{missing} in the output: {lines:#?}");
            lines = self
                .log
                .changed
                .wait_timeout(lines, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until so many lines of its output are `wanted`.
    ///
    /// # Panics
    /// When fewer come.
    pub fn wait_for_lines(&self, what: &str, count: usize, wanted: impl Fn(&str) -> bool) {
        self.wait_for_output(|lines| match lines.iter().filter(|line| wanted(line)).count() {
            found if found >= count => Ok(()),
            found => Err(format!("{found} of {count} {what}")),
        });
    }

    /// Waits until it listens and gives an address that reaches it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let port = self.wait_for_line("address that it listens on", |line| {
            let (_, rest) = line.split_once("listening")?;
            rest.split(':').skip(1).find_map(|part| {
                let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u16>().ok().filter(|port| *port > 1023)
            })
        });
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Everything that it has written so far, standard output and error together.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.log.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `TERM`, `INT`, `HUP`.
    ///
    /// # Panics
    /// When there is no shell.
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status()
            .expect("there is a shell");
        assert!(status.success(), "the signal cannot be sent");
    }

    /// Waits for its end and gives the exit code.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the program does not end: {:#?}", self.output());
            std::thread::yield_now();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stream: Option<impl Read + Send + 'static>, log: &Arc<Log>) {
    let Some(stream) = stream else { return };
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            log.changed.notify_all();
        }
    });
}
