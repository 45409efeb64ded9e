//! `torana run`: starts the gateway, then waits for what calls for a reload or for the end.

use std::{
    fmt,
    path::Path,
    sync::mpsc::{self, Receiver, Sender},
    time::{Duration, Instant},
};

use torana_config::Severity;
use torana_telemetry::LogConfig;

use crate::{
    app::{App, Options, Rejected, StartError},
    cli::{self, Exit},
    cmd,
    control::{self, Command, Control, Outcome},
    output, render,
    signal::{self, Request},
    watch::Watch,
};

/// How long the end waits for a slow reader of the log.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What the main thread waits for.
enum Event {
    Reload { origin: Origin, reply: Option<Sender<Outcome>> },
    Ask { what: fn(&App) -> String, reply: Sender<Outcome> },
    Shutdown,
}

/// Who asks for a reload.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Signal,
    File,
    Command,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "SIGHUP",
            Self::File => "a file changed",
            Self::Command => "torana reload",
        })
    }
}

/// Runs a gateway until a signal ends it.
pub(super) fn run(arguments: &cli::Run) -> Exit {
    // What happens before the configuration is read needs a place too.
    torana_telemetry::init(&LogConfig::default());
    let exit = serve(options(arguments));
    torana_telemetry::flush(LAST_LINES);
    exit
}

fn options(arguments: &cli::Run) -> Options {
    Options {
        port: arguments.port,
        debug: arguments.debug > 0,
        workers: arguments.workers.map(usize::from),
        watch: true,
        control: true,
        logs: true,
        ..cmd::options(&arguments.config)
    }
}

fn serve(options: Options) -> Exit {
    let (events, received) = mpsc::channel();
    // Before the start: a signal or a change during it is not lost.
    if let Err(error) = signals(events.clone()) {
        output::note(&format!("torana: cannot handle signals: {error}"));
        return Exit::CannotStart;
    }
    let watch = options.watch.then(|| watch(&options.config, events.clone())).flatten();
    let config = options.config.clone();
    let with_control = options.control;
    let app = match App::start(options) {
        Ok(app) => app,
        Err(StartError::Rejected(rejected)) => return cmd::refuse(&rejected),
        Err(error) => {
            output::note(&format!("torana: {error}"));
            return Exit::CannotStart;
        }
    };
    if let Some(watch) = &watch {
        watch.set_files(app.watched_files());
    }
    let control = with_control.then(|| control(&config, events)).flatten();
    until_shutdown(&app, &received, watch.as_ref(), &config);
    drop((control, watch));
    tracing::info!("[SERVICE: torana] shutting down: requests in flight finish");
    if !app.shutdown() {
        tracing::warn!(
            "[SERVICE: torana] max_shutdown_wait_time is over: open requests are cut off"
        );
    }
    Exit::Success
}

fn signals(events: Sender<Event>) -> std::io::Result<()> {
    signal::listen(move |request| {
        let event = match request {
            Request::Reload => Event::Reload { origin: Origin::Signal, reply: None },
            Request::Shutdown => Event::Shutdown,
        };
        let _ = events.send(event);
    })
}

/// Without a watcher the gateway runs all the same: signals and `torana reload` still work.
fn watch(config: &Path, events: Sender<Event>) -> Option<Watch> {
    let watch = Watch::new(vec![config.to_owned()], move || {
        let _ = events.send(Event::Reload { origin: Origin::File, reply: None });
    });
    watch.inspect_err(|error| tracing::warn!(%error, "changes of files will not be noticed")).ok()
}

fn control(config: &Path, events: Sender<Event>) -> Option<Control> {
    let command = move |command| {
        let (reply, replied) = mpsc::channel();
        let event = match command {
            Command::Reload => Event::Reload { origin: Origin::Command, reply: Some(reply) },
            Command::Status => Event::Ask { what: App::status, reply },
            Command::Metrics => Event::Ask { what: App::metrics, reply },
        };
        let outcome = events.send(event).ok().and_then(|()| replied.recv().ok());
        outcome.unwrap_or_else(|| Outcome {
            accepted: false,
            text: "the gateway is shutting down".to_owned(),
        })
    };
    Control::listen(&control::directory(), config, command)
        .inspect_err(|error| tracing::warn!(%error, "`torana reload` will not find this gateway"))
        .ok()
}

fn until_shutdown(app: &App, events: &Receiver<Event>, watch: Option<&Watch>, config: &Path) {
    while let Ok(event) = events.recv() {
        let (outcome, reply) = match event {
            Event::Shutdown => return,
            Event::Ask { what, reply } => {
                (Outcome { accepted: true, text: what(app) }, Some(reply))
            }
            Event::Reload { origin, reply } => {
                let outcome = reload(app, origin, config);
                if let Some(watch) = watch {
                    watch.set_files(app.watched_files());
                }
                (outcome, reply)
            }
        };
        if let Some(reply) = reply {
            // Who asked may be gone by now.
            let _ = reply.send(outcome);
        }
    }
}

fn reload(app: &App, origin: Origin, config: &Path) -> Outcome {
    let start = Instant::now();
    let file = config.display();
    match app.reload() {
        Ok(()) => {
            let took = start.elapsed().as_millis();
            tracing::debug!(%origin, took_ms = took, "reload");
            Outcome { accepted: true, text: format!("{file} is live after {took} ms") }
        }
        Err(rejected) => {
            tracing::error!(%origin, "[SERVICE: torana] {file} is refused, nothing has changed");
            log(&rejected);
            let text = render::rejected(&rejected, false);
            Outcome {
                accepted: false,
                text: format!("{text}{file} is refused, nothing has changed"),
            }
        }
    }
}

/// One line for each finding, at its own level.
fn log(rejected: &Rejected) {
    let Rejected::Invalid { findings, .. } = rejected else {
        tracing::error!("{rejected}");
        return;
    };
    for finding in findings {
        match finding.severity {
            Severity::Error => tracing::error!("{finding}"),
            Severity::Warning => tracing::warn!("{finding}"),
        }
    }
}
