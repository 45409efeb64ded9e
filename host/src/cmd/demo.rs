//! `torana demo`: the demo backends until Ctrl-C.

use std::{fmt::Write, io};

use crate::{
    cli::{self, Exit},
    demo::Demo,
    output,
};

/// Runs the demo backends.
pub(super) fn demo(arguments: &cli::Demo) -> Exit {
    match serve(arguments.port) {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::note(&format!("torana: {error}"));
            Exit::CannotStart
        }
    }
}

fn serve(port: u16) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let demo = Demo::bind(port).await?;
        output::print(&overview(&demo)?);
        demo.serve(async {
            // Without a handler there is still the signal's default: the end.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
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
