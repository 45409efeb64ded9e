//! Signals: SIGHUP reloads, SIGTERM and SIGINT drain, a second one of these ends at once.

use std::{
    io,
    sync::mpsc::{self, Sender},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Exit;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Read the configuration again.
    Reload,
    /// Finish what is being served, then end.
    Shutdown,
}

/// Listens to signals on a thread of its own, from before this returns. `on_request` must not block.
///
/// # Errors
/// The system refuses a handler or a thread.
pub fn listen(on_request: impl Fn(Request) + Send + 'static) -> io::Result<()> {
    let (installed, is_installed) = mpsc::channel();
    std::thread::Builder::new()
        .name("signal".into())
        .spawn(move || serve(&installed, &on_request))?;
    is_installed.recv().unwrap_or_else(|_| Err(io::Error::other("the signal thread ended")))
}

struct Handlers {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

fn serve(installed: &Sender<io::Result<()>>, on_request: &dyn Fn(Request)) {
    let served =
        tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            runtime.block_on(async {
                let handlers = Handlers::install()?;
                let _ = installed.send(Ok(()));
                handlers.forward(on_request).await;
                Ok(())
            })
        });
    if let Err(error) = served {
        let _ = installed.send(Err(error));
    }
}

impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn forward(mut self, on_request: &dyn Fn(Request)) {
        let mut draining = false;
        loop {
            let ends = tokio::select! {
                Some(()) = self.hangup.recv() => false,
                Some(()) = self.terminate.recv() => true,
                Some(()) = self.interrupt.recv() => true,
                else => return,
            };
            match (ends, draining) {
                (false, _) => on_request(Request::Reload),
                (true, false) => {
                    draining = true;
                    on_request(Request::Shutdown);
                }
                (true, true) => end_at_once(),
            }
        }
    }
}

/// The main thread is draining and may be for long: there is nobody to ask.
fn end_at_once() -> ! {
    tracing::warn!("a second signal: open requests are cut off");
    torana_telemetry::flush(Duration::from_millis(200));
    std::process::exit(Exit::Fatal.code().into())
}
