//! A running gateway: start, reload, shutdown.

use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use torana_config::{Diagnostics, Document, LoadError, Located, valid::Gateway};
use torana_core::{Resources, ports::AccessSink, worker};
use torana_http::{listen, server::Server};
use torana_telemetry::AccessLog;

use crate::{
    build::{self, Snapshot},
    wiring,
};

/// How a gateway is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file.
    pub config: PathBuf,
    /// Port in place of the configured one; 0 takes a free one.
    pub port: Option<u16>,
    /// Switch the debug endpoint on.
    pub debug: bool,
    /// Worker threads; `None` for one per processor, or as `TOKIO_WORKER_THREADS` says.
    pub workers: Option<usize>,
    /// Environment variables that may override the configuration.
    pub environment: Vec<(String, String)>,
    /// Reload when a file changes. The caller watches; this is kept here for it.
    pub watch: bool,
    /// Offer a control socket. The caller offers it; this is kept here for it.
    pub control: bool,
    /// Set the application log of the process up as the configuration says, now and with each reload.
    pub logs: bool,
}

/// A configuration that was refused, with all that is wrong with it.
#[derive(Debug)]
pub enum Rejected {
    /// The file cannot be read, or is no JSON, YAML or TOML.
    Load(LoadError),
    /// The configuration has errors.
    Invalid {
        /// The file, for excerpts.
        document: Box<Document>,
        /// What is wrong, and warnings.
        findings: Vec<Located>,
    },
    /// The new address cannot be listened on.
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::Invalid { findings, .. } => {
                let lines: Vec<String> =
                    findings.iter().map(torana_config::report::text_line).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Bind { address, error } => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for Rejected {}

/// A gateway that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The workers cannot be started.
    #[error("cannot start the workers: {0}")]
    Workers(io::Error),
}

/// A file that was read, checked and built.
pub struct Loaded {
    /// The file.
    pub document: Document,
    /// The checked configuration.
    pub gateway: Gateway,
    /// What was built of it.
    pub snapshot: Snapshot,
    /// What is worth a look, though not wrong.
    pub warnings: Vec<Located>,
}

/// Reads, checks and builds a configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(options: &Options, resources: &Resources) -> Result<Loaded, Rejected> {
    let document = Document::load(&options.config).map_err(Rejected::Load)?;
    let mut diagnostics = Diagnostics::default();
    let resolving = torana_config::Options {
        environment: options.environment.clone(),
        port: options.port,
        debug: options.debug,
        supported: wiring::supported(),
    };
    let gateway = torana_config::resolve(&document, &resolving, &mut diagnostics);
    let snapshot =
        gateway.as_ref().and_then(|gateway| build::build(gateway, resources, &mut diagnostics));
    let findings = document.locate_all(&diagnostics);
    match (gateway, snapshot) {
        (Some(gateway), Some(snapshot)) if !diagnostics.has_errors() => {
            Ok(Loaded { document, gateway, snapshot, warnings: findings })
        }
        _ => Err(Rejected::Invalid { document: Box::new(document), findings }),
    }
}

/// A running gateway.
pub struct App {
    options: Options,
    resources: Resources,
    server: Server,
    access: Arc<AccessLog>,
    current: Mutex<Current>,
    started: Instant,
    reloads: AtomicU64,
    refused: AtomicU64,
}

/// What the live configuration says beyond what was built of it.
struct Current {
    address: SocketAddr,
    max_shutdown_wait: Option<Duration>,
    files: Vec<PathBuf>,
    log: torana_telemetry::LogConfig,
}

impl App {
    /// Starts a gateway; it serves when this returns.
    ///
    /// # Errors
    /// A configuration that is refused, an address that cannot be bound.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let resources = Resources::default();
        let workers = workers(&options);
        // Before anything is built: pools are shared out among the workers.
        worker::set_count(workers);
        let loaded = load(&options, &resources)?;
        let log = log_config(&loaded.gateway);
        let access = Arc::new(AccessLog::stdout(&log, workers));
        if options.logs {
            torana_telemetry::init(&log);
        }
        warn(&loaded.warnings);
        let address = SocketAddr::new(loaded.gateway.listen_ip, loaded.gateway.port);
        let listeners =
            listen::bind(address, workers).map_err(|error| Rejected::Bind { address, error })?;
        let sink: Arc<dyn AccessSink> = access.clone();
        let Loaded { gateway, snapshot, .. } = loaded;
        let current = Mutex::new(Current {
            address,
            max_shutdown_wait: gateway.max_shutdown_wait,
            files: files(&options, &gateway),
            log,
        });
        // What was read is needed no more: a large file's tree would stay in memory for nothing.
        drop(gateway);
        let server = Server::start(listeners, snapshot.service, snapshot.listening, Some(sink))
            .map_err(StartError::Workers)?;
        tracing::info!(address = %server.address(), workers, "[SERVICE: torana] listening");
        Ok(Self {
            options,
            resources,
            server,
            access,
            current,
            started: Instant::now(),
            reloads: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The files whose change calls for a reload: configuration, certificates, plugins.
    #[must_use]
    pub fn watched_files(&self) -> Vec<PathBuf> {
        self.lock().files.clone()
    }

    /// The log settings of the live configuration.
    #[must_use]
    pub fn log_config(&self) -> torana_telemetry::LogConfig {
        self.lock().log.clone()
    }

    /// Reads the configuration again and puts it in place. Requests in flight end as they began, connections stay.
    ///
    /// # Errors
    /// A configuration that is refused: nothing has changed then.
    pub fn reload(&self) -> Result<(), Rejected> {
        let outcome = self.load_again();
        let counter = if outcome.is_ok() { &self.reloads } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        outcome
    }

    fn load_again(&self) -> Result<(), Rejected> {
        let mut current = self.lock();
        let loaded = load(&self.options, &self.resources)?;
        warn(&loaded.warnings);
        let Loaded { gateway, snapshot, .. } = loaded;
        let address = SocketAddr::new(gateway.listen_ip, gateway.port);
        let moved = address != current.address;
        let listeners = if moved {
            Some(
                listen::bind(address, self.server.workers())
                    .map_err(|error| Rejected::Bind { address, error })?,
            )
        } else {
            None
        };
        self.server.shared().swap(snapshot.service, snapshot.listening);
        if let Some(listeners) = listeners {
            self.server.listen_on(listeners);
        }
        *current = Current {
            address,
            max_shutdown_wait: gateway.max_shutdown_wait,
            files: files(&self.options, &gateway),
            log: log_config(&gateway),
        };
        if self.options.logs {
            torana_telemetry::init(&current.log);
        }
        self.resources.sweep();
        tracing::info!("[SERVICE: torana] configuration reloaded");
        Ok(())
    }

    /// What it does now and has done, one `name value` on each line.
    #[must_use]
    pub fn status(&self) -> String {
        let counts = self.server.shared().counts();
        format!(
            "config {}\nlisten {}\nuptime_seconds {}\nworkers {}\nconnections {}\npanics {}\n\
             reloads {}\nreloads_refused {}\n",
            self.options.config.display(),
            self.address(),
            self.started.elapsed().as_secs(),
            self.server.workers(),
            counts.connections,
            counts.panics,
            self.reloads.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        )
    }

    /// The figures of plugins, in the text format of Prometheus.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        torana_wasm::metrics(&self.resources, &mut text).expect("strings can be written to");
        text
    }

    /// Stops listening, lets requests in flight finish and ends. Waits as long as `max_shutdown_wait_time` allows.
    /// False if requests had to be cut.
    pub fn shutdown(self) -> bool {
        let limit = self.lock().max_shutdown_wait;
        let finished = self.server.drain(limit);
        self.access.flush(Duration::from_secs(1));
        finished
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn workers(options: &Options) -> usize {
    let from_environment = || {
        let named = options.environment.iter().find(|(name, _)| name == "TOKIO_WORKER_THREADS");
        named.and_then(|(_, value)| value.parse().ok())
    };
    options
        .workers
        .or_else(from_environment)
        .filter(|&count| count > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn warn(findings: &[Located]) {
    for finding in findings {
        tracing::warn!("{}", torana_config::report::text_line(finding));
    }
}

fn log_config(gateway: &Gateway) -> torana_telemetry::LogConfig {
    // Its problems were reported when the configuration was built.
    torana_telemetry::read(gateway, &mut Diagnostics::default())
}

fn files(options: &Options, gateway: &Gateway) -> Vec<PathBuf> {
    let mut files = vec![options.config.clone()];
    if let Some(tls) = &gateway.tls {
        files.extend(
            tls.keys
                .iter()
                .flat_map(|pair| [&pair.certificate, &pair.private_key])
                .map(PathBuf::from),
        );
        files.extend(tls.ca_certs.iter().map(PathBuf::from));
    }
    if let Some(tls) = &gateway.client.tls {
        files.extend(tls.files().map(PathBuf::from));
    }
    files.extend(torana_http::backend::watched_files(gateway));
    files.extend(torana_wasm::watched_files(gateway));
    files
}
