//! The part of WASI 0.2 that standard libraries import whether they use it or not. It gives no power: no files, no
//! sockets, no environment, no arguments; standard output and error become log lines.

use wasmtime::{
    StoreContextMut, bail,
    component::{ComponentType, Lift, Linker, Lower, Resource, ResourceType},
};

use crate::{
    host::{clock, random},
    output::Stream,
    state::State,
};

/// What is offered, without versions; any 0.2 fits.
pub(crate) const INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

// Resources carry nothing but their number: which stream it is.
enum IoError {}
enum Pollable {}
enum InputStream {}
enum OutputStream {}
enum TerminalInput {}
enum TerminalOutput {}

const OUT: u32 = 1;
const ERR: u32 = 2;

/// How many bytes a guest may print at once.
const CHUNK: u64 = 4096;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    #[component(name = "seconds")]
    seconds: u64,
    #[component(name = "nanoseconds")]
    nanoseconds: u32,
}

type Streamed<T> = (Result<T, StreamError>,);

/// Adds all of it.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    io(linker)?;
    streams(linker)?;
    cli(linker)?;
    terminals(linker)?;
    clocks(linker)?;
    randoms(linker)
}

fn io(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut error = linker.instance("wasi:io/error@0.2.0")?;
    error.resource("error", ResourceType::host::<IoError>(), |_, _| Ok(()))?;
    error.func_wrap(
        "[method]error.to-debug-string",
        |_: StoreContextMut<'_, State>, (_,): (Resource<IoError>,)| Ok(("closed".to_owned(),)),
    )?;
    let mut poll = linker.instance("wasi:io/poll@0.2.0")?;
    poll.resource("pollable", ResourceType::host::<Pollable>(), |_, _| Ok(()))?;
    // Nothing here ever waits, so everything is ready.
    poll.func_wrap("[method]pollable.ready", |_, (_,): (Resource<Pollable>,)| Ok((true,)))?;
    poll.func_wrap("[method]pollable.block", |_, (_,): (Resource<Pollable>,)| Ok(()))?;
    poll.func_wrap("poll", |_, (pollables,): (Vec<Resource<Pollable>>,)| {
        Ok(((0_u32..).take(pollables.len()).collect::<Vec<u32>>(),))
    })
}

fn streams(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut streams = linker.instance("wasi:io/streams@0.2.0")?;
    streams.resource("input-stream", ResourceType::host::<InputStream>(), |_, _| Ok(()))?;
    streams.resource("output-stream", ResourceType::host::<OutputStream>(), |_, _| Ok(()))?;
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        streams.func_wrap(
            name,
            |_, (_, _): (Resource<InputStream>, u64)| -> wasmtime::Result<Streamed<Vec<u8>>> {
                Ok((Err(StreamError::Closed),))
            },
        )?;
    }
    streams.func_wrap("[method]input-stream.subscribe", |_, (_,): (Resource<InputStream>,)| {
        Ok((Resource::<Pollable>::new_own(0),))
    })?;
    streams
        .func_wrap("[method]output-stream.subscribe", |_, (_,): (Resource<OutputStream>,)| {
            Ok((Resource::<Pollable>::new_own(0),))
        })?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |_, (_,): (Resource<OutputStream>,)| -> wasmtime::Result<Streamed<u64>> {
            Ok((Ok(CHUNK),))
        },
    )?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        streams.func_wrap(name, print)?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        streams.func_wrap(
            name,
            |_, (_,): (Resource<OutputStream>,)| -> wasmtime::Result<Streamed<()>> {
                Ok((Ok(()),))
            },
        )?;
    }
    Ok(())
}

fn print(
    mut store: StoreContextMut<'_, State>,
    (stream, bytes): (Resource<OutputStream>, Vec<u8>),
) -> wasmtime::Result<Streamed<()>> {
    let state = store.data_mut();
    let stream = if stream.rep() == OUT { Stream::Out } else { Stream::Err };
    state.output.print(&state.facts, state.exchange.request_id, stream, &bytes);
    Ok((Ok(()),))
}

fn cli(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut environment = linker.instance("wasi:cli/environment@0.2.0")?;
    environment.func_wrap("get-environment", |_, ()| Ok((Vec::<(String, String)>::new(),)))?;
    environment.func_wrap("get-arguments", |_, ()| Ok((Vec::<String>::new(),)))?;
    environment.func_wrap("initial-cwd", |_, ()| Ok((None::<String>,)))?;

    let mut exit = linker.instance("wasi:cli/exit@0.2.0")?;
    exit.func_wrap("exit", |_, (_,): (Result<(), ()>,)| -> wasmtime::Result<()> {
        bail!("the plugin called exit")
    })?;

    linker
        .instance("wasi:cli/stdin@0.2.0")?
        .func_wrap("get-stdin", |_, ()| Ok((Resource::<InputStream>::new_own(0),)))?;
    linker
        .instance("wasi:cli/stdout@0.2.0")?
        .func_wrap("get-stdout", |_, ()| Ok((Resource::<OutputStream>::new_own(OUT),)))?;
    linker
        .instance("wasi:cli/stderr@0.2.0")?
        .func_wrap("get-stderr", |_, ()| Ok((Resource::<OutputStream>::new_own(ERR),)))
}

fn terminals(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance("wasi:cli/terminal-input@0.2.0")?.resource(
        "terminal-input",
        ResourceType::host::<TerminalInput>(),
        |_, _| Ok(()),
    )?;
    linker.instance("wasi:cli/terminal-output@0.2.0")?.resource(
        "terminal-output",
        ResourceType::host::<TerminalOutput>(),
        |_, _| Ok(()),
    )?;
    linker
        .instance("wasi:cli/terminal-stdin@0.2.0")?
        .func_wrap("get-terminal-stdin", |_, ()| Ok((None::<Resource<TerminalInput>>,)))?;
    linker
        .instance("wasi:cli/terminal-stdout@0.2.0")?
        .func_wrap("get-terminal-stdout", |_, ()| Ok((None::<Resource<TerminalOutput>>,)))?;
    linker
        .instance("wasi:cli/terminal-stderr@0.2.0")?
        .func_wrap("get-terminal-stderr", |_, ()| Ok((None::<Resource<TerminalOutput>>,)))
}

fn clocks(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut monotonic = linker.instance("wasi:clocks/monotonic-clock@0.2.0")?;
    monotonic.func_wrap("now", |_, ()| Ok((clock::monotonic(),)))?;
    monotonic.func_wrap("resolution", |_, ()| Ok((1_u64,)))?;
    // Guests do not sleep: a call that is asked to wait is over at once, and loops until its time is up.
    monotonic.func_wrap("subscribe-instant", |_, (_,): (u64,)| {
        Ok((Resource::<Pollable>::new_own(0),))
    })?;
    monotonic.func_wrap("subscribe-duration", |_, (_,): (u64,)| {
        Ok((Resource::<Pollable>::new_own(0),))
    })?;
    let mut wall = linker.instance("wasi:clocks/wall-clock@0.2.0")?;
    wall.func_wrap("now", |_, ()| {
        let now = clock::now();
        Ok((Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() },))
    })?;
    wall.func_wrap("resolution", |_, ()| Ok((Datetime { seconds: 0, nanoseconds: 1 },)))
}

fn randoms(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut secure = linker.instance("wasi:random/random@0.2.0")?;
    secure.func_wrap("get-random-bytes", |_, (length,): (u64,)| Ok((random::bytes(length)?,)))?;
    secure.func_wrap("get-random-u64", |_, ()| Ok((random::number()?,)))?;
    let mut insecure = linker.instance("wasi:random/insecure@0.2.0")?;
    insecure.func_wrap("get-insecure-random-bytes", |_, (length,): (u64,)| {
        Ok((random::bytes(length)?,))
    })?;
    insecure.func_wrap("get-insecure-random-u64", |_, ()| Ok((random::number()?,)))?;
    linker
        .instance("wasi:random/insecure-seed@0.2.0")?
        .func_wrap("insecure-seed", |_, ()| Ok(((random::number()?, random::number()?),)))
}
