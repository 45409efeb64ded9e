//! A gateway in this process, on a free port of 127.0.0.1.

use std::{
    fmt::Display,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use torana::app::{App, Options, Rejected, StartError};

use crate::{client::Client, scratch::Scratch};

/// A gateway to be started.
pub struct Builder {
    scratch: Scratch,
    name: String,
    debug: bool,
    workers: Option<usize>,
    environment: Vec<(String, String)>,
}

impl Builder {
    /// Puts a file beside the configuration. A relative path in the configuration means this process's directory, so
    /// configurations name such files by [`Builder::path`].
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.scratch.write(name, content);
        self
    }

    /// The path of a file beside the configuration.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.scratch.path().join(name).to_string_lossy().into_owned()
    }

    /// Names the configuration file, whose suffix chooses the format (`gateway.json`).
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// As with `-d`.
    #[must_use]
    pub fn debug(mut self, debug: bool) -> Self {
        self.debug = debug;
        self
    }

    /// So many worker threads instead of one for each core.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it with this configuration.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(self, config: impl Display) -> Gateway {
        self.try_start(config).unwrap_or_else(|error| panic!("the gateway does not start: {error}"))
    }

    /// Starts it with this configuration, if that can be.
    ///
    /// # Errors
    /// Those of the gateway.
    pub fn try_start(self, config: impl Display) -> Result<Gateway, StartError> {
        let path = self.scratch.write(&self.name, config.to_string());
        let app = App::start(Options {
            config: path.clone(),
            port: Some(0),
            debug: self.debug,
            // Two, also on a machine with one core: requests of one test may land on different workers.
            workers: Some(self.workers.unwrap_or(2)),
            environment: self.environment,
            ..Options::default()
        })?;
        // The listener may be bound to the unspecified address; clients need one that they can name.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, app.address().port()));
        Ok(Gateway { app: Some(app), address, path, name: self.name, scratch: self.scratch })
    }
}

/// A running gateway; it stops on drop.
pub struct Gateway {
    app: Option<App>,
    address: SocketAddr,
    path: PathBuf,
    name: String,
    scratch: Scratch,
}

impl Gateway {
    /// Settings first.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            scratch: Scratch::new(),
            name: "gateway.json".to_owned(),
            debug: false,
            workers: None,
            environment: Vec::new(),
        }
    }

    /// Starts one with this JSON configuration and nothing else.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(config: impl Display) -> Self {
        Self::builder().start(config)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection to it.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// The figures of its plugins.
    ///
    /// # Panics
    /// Never: a started gateway has its app.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.app.as_ref().expect("a started gateway").metrics()
    }

    /// The configuration file.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The directory of the configuration file.
    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Replaces the configuration file, without a reload.
    pub fn write(&self, config: impl Display) {
        self.scratch.replace(&self.name, config.to_string());
    }

    /// Replaces the configuration file and reloads.
    ///
    /// # Errors
    /// When the gateway refuses the new configuration and keeps the old one.
    ///
    /// # Panics
    /// Never: a started gateway has its app.
    pub fn reload(&self, config: impl Display) -> Result<(), Rejected> {
        self.write(config);
        self.app.as_ref().expect("a started gateway").reload()
    }

    /// Stops accepting, finishes what runs, and gives back when that is done.
    pub fn shutdown(mut self) {
        if let Some(app) = self.app.take() {
            let _ = app.shutdown();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            // Nobody waits: a failing test may hold a request open for ever.
            std::thread::spawn(move || app.shutdown());
        }
    }
}
