//! The control socket of a running gateway: how `torana reload` and `torana status` reach it.
//!
//! Each gateway listens on a unix socket in a directory that only its user may enter. The socket's name holds a hash of
//! the configuration file's path and the process id. A client sends one line, `about` or a command; the gateway answers with a
//! line that says how it went, then text to the end of the stream.

use std::{
    fmt::Write as _,
    fs, io,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

/// Longest command with its line end.
const LONGEST_COMMAND: u64 = 64;

/// How long the other end may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a command may take: a reload may have to compile plugins.
const COMMAND_LIMIT: Duration = Duration::from_secs(300);

const SUFFIX: &str = "sock";

/// What went wrong with a control socket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory of the sockets is not there and cannot be made.
    #[error("cannot make the directory {path} of control sockets: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may enter the directory, or it belongs to somebody else.
    #[error("the directory {0} of control sockets is not private to this user")]
    NotPrivate(PathBuf),
    /// The socket cannot be made.
    #[error("cannot listen on the control socket {path}: {source}")]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The gateway did not answer.
    #[error("the gateway behind {path} does not answer: {source}")]
    Silent {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a gateway is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Read the configuration again.
    Reload,
    /// Say what it does now and has done.
    Status,
    /// Give the figures of plugins.
    Metrics,
}

impl Command {
    const ALL: [Self; 3] = [Self::Reload, Self::Status, Self::Metrics];
}

impl Command {
    fn word(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Status => "status",
            Self::Metrics => "metrics",
        }
    }
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was done; for a reload, whether the new configuration is live.
    pub accepted: bool,
    /// What to tell the user.
    pub text: String,
}

/// A listening control socket; gone with its value.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens for the gateway of `config` in `directory`, on a thread of its own. `command` is called for each command
    /// and may block.
    ///
    /// # Errors
    /// The directory is not private, or the socket cannot be made.
    pub fn listen(
        directory: &Path,
        config: &Path,
        command: impl Fn(Command) -> Outcome + Send + 'static,
    ) -> Result<Self, Error> {
        ensure_private(directory)?;
        let name = format!("{}-{}.{SUFFIX}", hash(config), std::process::id());
        let path = directory.join(name);
        let failed = |source| Error::Listen { path: path.clone(), source };
        // A socket of this name is one that an ended process with the same id left behind.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let about = canonical(config).display().to_string();
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // A client that went away is its own problem.
                    let _ = answer(stream, &about, &command);
                }
            })
            .map_err(failed)?;
        Ok(Self { path })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn answer(
    mut stream: UnixStream,
    about: &str,
    command: &dyn Fn(Command) -> Outcome,
) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(LONGEST_COMMAND)).read_line(&mut line)?;
    let (word, text) = match line.trim_end() {
        "about" => ("ok", about.to_owned()),
        line => match Command::ALL.into_iter().find(|command| command.word() == line) {
            Some(known) => {
                let outcome = command(known);
                (if outcome.accepted { "ok" } else { "rejected" }, outcome.text)
            }
            None => {
                ("unknown", "commands are `about`, `reload`, `status` and `metrics`".to_owned())
            }
        },
    };
    stream.write_all(format!("{word}\n{text}").as_bytes())
}

/// A gateway that runs, as seen from another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its configuration file.
    pub config: PathBuf,
    /// Its process id.
    pub process: u32,
    socket: PathBuf,
}

impl Gateway {
    /// Gives it a command and waits for the outcome.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub fn command(&self, command: Command) -> Result<Outcome, Error> {
        let (word, text) = ask(&self.socket, command.word(), COMMAND_LIMIT)
            .map_err(|source| Error::Silent { path: self.socket.clone(), source })?;
        Ok(Outcome { accepted: word == "ok", text })
    }
}

/// The gateways that run, or only those of one configuration file. Sockets that ended processes left are removed.
#[must_use]
pub fn running(directory: &Path, config: Option<&Path>) -> Vec<Gateway> {
    let wanted = config.map(hash);
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<Gateway> = entries
        .flatten()
        .filter_map(|entry| {
            let socket = entry.path();
            let name = socket.file_name()?.to_str()?.strip_suffix(SUFFIX)?.strip_suffix('.')?;
            let (hash, process) = name.split_once('-')?;
            let process = process.parse().ok()?;
            if wanted.as_deref().is_some_and(|wanted| wanted != hash) {
                return None;
            }
            match ask(&socket, "about", PATIENCE) {
                Ok((_, config)) => Some(Gateway { config: config.into(), process, socket }),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    let _ = fs::remove_file(&socket);
                    None
                }
                Err(_) => None,
            }
        })
        .collect();
    found.sort_by(|a, b| (&a.config, a.process).cmp(&(&b.config, b.process)));
    found
}

fn ask(socket: &Path, command: &str, limit: Duration) -> io::Result<(String, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (word, text) = answer.split_once('\n').ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((word.to_owned(), text.to_owned()))
}

/// The directory of this user's control sockets: `$XDG_RUNTIME_DIR/torana`, `/run/torana` when this process may write
/// there, else `torana-UID` in the directory of temporary files.
#[must_use]
pub fn directory() -> PathBuf {
    let of_user = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty());
    if let Some(base) = of_user {
        return PathBuf::from(base).join("torana");
    }
    let run = Path::new("/run/torana");
    if ensure_private(run).is_ok() {
        return run.to_owned();
    }
    std::env::temp_dir().join(format!("torana-{}", rustix::process::geteuid().as_raw()))
}

/// Makes the directory, or makes sure that nobody else can enter it: in a shared directory of temporary files anybody
/// could have made it first.
fn ensure_private(directory: &Path) -> Result<(), Error> {
    let failed = |source| Error::Directory { path: directory.to_owned(), source };
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let metadata = fs::symlink_metadata(directory).map_err(failed)?;
    let private = metadata.is_dir()
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.mode() & 0o077 == 0;
    if private { Ok(()) } else { Err(Error::NotPrivate(directory.to_owned())) }
}

fn canonical(config: &Path) -> PathBuf {
    // A file that is not there now may have been there when the gateway started.
    fs::canonicalize(config)
        .or_else(|_| std::path::absolute(config))
        .unwrap_or_else(|_| config.to_owned())
}

/// Sixteen hexadecimal digits: a unix socket's path may have 108 bytes only.
fn hash(config: &Path) -> String {
    let digest = Sha256::digest(canonical(config).as_os_str().as_encoded_bytes());
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn accepted(_: Command) -> Outcome {
        Outcome { accepted: true, text: "done".into() }
    }

    fn private() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[test]
    fn a_gateway_is_found_by_its_file_and_says_how_the_reload_went() {
        let directory = private();
        let config = directory.path().join("gateway.json");
        fs::write(&config, "{}").unwrap();
        let refused = Outcome { accepted: false, text: "two\nlines".into() };
        let copy = refused.clone();
        let control = Control::listen(directory.path(), &config, move |_| copy.clone()).unwrap();

        let other = directory.path().join("other.json");
        assert_eq!(running(directory.path(), Some(&other)), []);
        let found = running(directory.path(), Some(&config));
        assert_eq!(found.len(), 1);
        assert_eq!(found, running(directory.path(), None));
        assert_eq!(found[0].config, fs::canonicalize(&config).unwrap());
        assert_eq!(found[0].process, std::process::id());
        assert_eq!(found[0].command(Command::Reload).unwrap(), refused);

        drop(control);
        assert_eq!(running(directory.path(), None), []);
    }

    #[test]
    fn a_path_with_a_link_names_the_same_gateway() {
        let directory = private();
        let config = directory.path().join("gateway.json");
        let link = directory.path().join("link.json");
        fs::write(&config, "{}").unwrap();
        std::os::unix::fs::symlink(&config, &link).unwrap();
        let _control = Control::listen(directory.path(), &link, accepted).unwrap();
        assert_eq!(
            running(directory.path(), Some(&config))[0].command(Command::Reload).unwrap(),
            accepted(Command::Reload)
        );
    }

    #[test]
    fn sockets_of_ended_processes_are_removed() {
        let directory = private();
        let config = directory.path().join("gateway.json");
        let stale = directory.path().join(format!("{}-1.sock", hash(&config)));
        drop(UnixListener::bind(&stale).unwrap());
        assert!(stale.exists());
        assert_eq!(running(directory.path(), None), []);
        assert!(!stale.exists());
        // One with our own process id is replaced.
        let own = directory.path().join(format!("{}-{}.sock", hash(&config), std::process::id()));
        drop(UnixListener::bind(&own).unwrap());
        let _control = Control::listen(directory.path(), &config, accepted).unwrap();
        assert_eq!(running(directory.path(), None).len(), 1);
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let directory = private();
        let open = directory.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        for path in [open, link] {
            let error = Control::listen(&path, Path::new("gateway.json"), accepted).unwrap_err();
            assert!(matches!(error, Error::NotPrivate(_)), "{error}");
        }
    }

    #[test]
    fn unknown_and_endless_commands_do_no_harm() {
        let directory = private();
        let config = directory.path().join("gateway.json");
        let _control = Control::listen(directory.path(), &config, accepted).unwrap();
        let gateway = &running(directory.path(), None)[0];
        assert_eq!(ask(&gateway.socket, "fly", PATIENCE).unwrap().0, "unknown");
        assert_eq!(ask(&gateway.socket, &"x".repeat(63), PATIENCE).unwrap().0, "unknown");
        let mut stream = UnixStream::connect(&gateway.socket).unwrap();
        stream.write_all(b"\xff\xfe\n").unwrap();
        drop(stream);
        assert_eq!(gateway.command(Command::Reload).unwrap(), accepted(Command::Reload));
    }
}
