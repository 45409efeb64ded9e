//! `torana demo`: the demo backends until Ctrl-C.

use std::{fmt::Write, io, sync::mpsc, thread};

use crate::{
    cli::{self, Exit},
    cmd::run,
    demo::Demo,
    output,
};

/// Runs the demo backends, and a gateway in front of them if it has a configuration.
pub(super) fn demo(arguments: &cli::Demo) -> Exit {
    let Some(config) = &arguments.config else { return end(serve(arguments.port, interrupt())) };
    let (bound, result) = mpsc::channel();
    let port = arguments.port;
    // Its threads end with the process.
    thread::spawn(move || {
        let failed = bound.clone();
        let forever = async move {
            // The gateway waits until its backends are there.
            let _ = bound.send(Ok(()));
            std::future::pending().await
        };
        if let Err(error) = serve(port, forever) {
            let _ = failed.send(Err(error));
        }
    });
    match result.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())) {
        Ok(()) => run::run(&cli::Run::of(config.clone())),
        failed => end(failed),
    }
}

fn end(result: io::Result<()>) -> Exit {
    match result {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::note(&format!("torana: {error}"));
            Exit::CannotStart
        }
    }
}

async fn interrupt() {
    // Without a handler there is still the signal's default: the end.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn serve(port: u16, until: impl Future<Output = ()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let demo = Demo::bind(port).await?;
        output::print(&overview(&demo)?);
        demo.serve(until).await;
        Ok(())
    })
}

fn overview(demo: &Demo) -> io::Result<String> {
    let mut text = String::from("Demo backends, until Ctrl-C:\n");
    for (service, address) in demo.addresses()? {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n  {}", service.description());
        for path in service.examples() {
            let _ = writeln!(text, "    http://{address}{path}");
        }
    }
    Ok(text)
}
