//! Loads a gateway from outside: upstreams in this process, the gateway as a process of its own, clients that keep their
//! connections busy. See `--help`.

mod affinity;
mod client;
mod drive;
mod options;
mod peer;
mod process;
mod reload;
mod report;
mod scenario;
mod upstream;

use std::{
    error::Error,
    io,
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;

use crate::{
    affinity::Affinity,
    client::{Client, get},
    drive::{Seen, Target, load},
    options::{Format, Options},
    peer::{Kind, Peer},
    process::Server,
    reload::Reloads,
    report::{BadRow, ReloadRow, Row, milliseconds, quantile},
    scenario::Scenario,
};

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("load: requests of the gateway were lost or answered wrong");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the gateway answered everything right.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    // Before any thread starts: threads inherit it.
    let affinity = if options.pin { Affinity::pinned()? } else { Affinity::free() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = runtime.block_on(async {
        tokio::select! {
            rows = measure_all(options, &affinity) => rows,
            // Returning drops the server: nothing is left behind.
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                Err("interrupted".into())
            }
        }
    })?;
    let mut out = io::stdout().lock();
    match options.format {
        Format::Table => report::table(&rows, &mut out)?,
        Format::Json => report::json(&rows, &mut out)?,
    }
    Ok(rows.iter().filter(|row| row.server != NGINX).all(Row::is_clean))
}

const TORANA: &str = "torana";
const NGINX: &str = "nginx";

async fn measure_all(options: &Options, affinity: &Affinity) -> Result<Vec<Row>, Box<dyn Error>> {
    if let Some(url) = &options.url {
        return attached(options, url).await;
    }
    let directory = tempfile::tempdir()?;
    let setup = Setup {
        options,
        affinity,
        upstream: upstream::start()?,
        directory: directory.path(),
        program: program(options)?,
    };
    // Before the first measurement, as it takes a while and both processors.
    for &scenario in &options.scenarios {
        plugin(options, scenario)?;
    }
    // nginx has one measurement in each round, that all scenarios are compared to.
    let mut cells: Vec<Option<Scenario>> = options.scenarios.iter().copied().map(Some).collect();
    if options.beside.is_some() {
        if peer::has_nginx() {
            cells.insert(0, None);
        } else {
            eprintln!("load: nginx is not installed and is left out");
        }
    }
    let mut rows = Vec::new();
    for round in 0..options.rounds {
        // Another one goes first in each round: what the machine does meanwhile hits all alike.
        cells.rotate_left(usize::from(round > 0));
        let mut own = Vec::new();
        for &cell in &cells {
            own.push(setup.measure(cell, round).await?);
        }
        if let Some(base) = own.iter().position(|row| row.server == NGINX) {
            let base = own.remove(base);
            own.iter_mut().for_each(|row| row.compare(&base));
            own.insert(0, base);
        }
        rows.append(&mut own);
    }
    Ok(rows)
}

/// The gateway's program.
fn program(options: &Options) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(program) = &options.torana {
        return Ok(program.clone());
    }
    let beside = std::env::current_exe()?.with_file_name("torana");
    if !beside.is_file() {
        let hint = "build it with `cargo build --release`, or name one with --torana";
        return Err(format!("there is no {}: {hint}", beside.display()).into());
    }
    Ok(beside)
}

/// The component of a scenario: for header-edit the one that was named, else one that is built now.
fn plugin(options: &Options, scenario: Scenario) -> io::Result<PathBuf> {
    match (scenario.plugin(), &options.plugin) {
        // The gateway reads it relative to its own directory.
        (Some("header-edit"), Some(plugin)) => std::path::absolute(plugin),
        (Some(name), _) => std::path::absolute(torana_plugins_build::plugin(name)),
        (None, _) => Ok(PathBuf::new()),
    }
}

/// What all measurements share.
struct Setup<'a> {
    options: &'a Options,
    affinity: &'a Affinity,
    upstream: SocketAddr,
    directory: &'a Path,
    program: PathBuf,
}

impl Setup<'_> {
    /// One scenario of the gateway in a fresh process, or nginx.
    async fn measure(&self, cell: Option<Scenario>, round: u16) -> Result<Row, Box<dyn Error>> {
        let scenario = cell.unwrap_or(Scenario::Passthrough);
        let plugin = plugin(self.options, scenario)?;
        let kind = match cell {
            Some(scenario) => Kind::Torana { program: &self.program, scenario, plugin: &plugin },
            None => Kind::Nginx,
        };
        let peer = Peer {
            kind,
            listen: peer::free_address()?,
            upstream: self.upstream,
            directory: self.directory,
            workers: self.options.workers,
        };
        peer.configure(0)?;
        let log = self.directory.join("log");
        let mut server = Server::start(peer.command(), &log, self.affinity)?;
        server.ready(peer.listen, scenario.path()).await?;
        let host = peer.listen.to_string();
        let path = scenario.path().to_owned();
        let gap = self.options.gap();
        let mut target = Target { address: peer.listen, host, path, length: 0, bad: None, gap };
        target.length = self.check(scenario, &target).await?;
        target.bad = cell.and_then(Scenario::bad);
        load(&target, self.options.connections, self.options.warmup).await;
        let before = process::cpu(server.pid());
        let end = Instant::now() + self.options.seconds;
        let loading = load(&target, self.options.connections, self.options.seconds);
        let (seen, reloads) = match self.options.reload_every {
            None => (loading.await, None),
            Some(every) => {
                let every = Duration::from_millis(every);
                let reloading = reload::reload(&peer, &server, every, end);
                let (seen, reloads) = tokio::join!(loading, reloading);
                (seen, Some(reloads))
            }
        };
        let used = process::cpu(server.pid()).saturating_sub(before);
        let memory = process::peak_memory(server.pid());
        let name = if cell.is_some() { TORANA } else { NGINX };
        let mut row = row(name, scenario.name(), round, seen);
        row.cpu_us_per_request = cpu_per_request(used, row.requests);
        row.peak_memory_kib = Some(memory);
        row.reloads = reloads.map(reload_row);
        Ok(row)
    }

    /// The length of the right answer, once one was seen to be right.
    async fn check(&self, scenario: Scenario, target: &Target) -> Result<usize, Box<dyn Error>> {
        let mut client = Client::connect(target.address).await?;
        let answer = client.exchange(&get(&target.host, &target.path)).await?;
        scenario.check(client.head(), client.body()).map_err(|problem| {
            format!("{}: the answer ({}) is {problem}", scenario.name(), answer.status)
        })?;
        Ok(answer.length)
    }
}

/// Loads what already runs.
async fn attached(options: &Options, url: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let rest = url.strip_prefix("http://").ok_or("--url starts with http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let address = with_port.to_socket_addrs()?.next().ok_or("--url names no address")?;
    let path = format!("/{path}");
    let answer = Client::connect(address).await?.exchange(&get(host, &path)).await?;
    if answer.status != 200 {
        return Err(format!("{url} answers {}", answer.status).into());
    }
    let length = answer.length;
    let gap = options.gap();
    let target = Target { address, host: host.to_owned(), path, length, bad: None, gap };
    let mut rows = Vec::new();
    for round in 0..options.rounds {
        load(&target, options.connections, options.warmup).await;
        let before = options.pid.map(process::cpu);
        let seen = load(&target, options.connections, options.seconds).await;
        let mut row = row(host, &target.path, round, seen);
        if let (Some(pid), Some(before)) = (options.pid, before) {
            let used = process::cpu(pid).saturating_sub(before);
            row.cpu_us_per_request = cpu_per_request(used, row.requests);
            row.peak_memory_kib = Some(process::peak_memory(pid));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn row(server: &str, scenario: &str, round: u16, mut seen: Seen) -> Row {
    seen.latencies.sort_unstable();
    seen.bad.sort_unstable();
    let requests = seen.latencies.len() as u64;
    let microseconds = |share| quantile(&seen.latencies, share) as f64 / 1e3;
    Row {
        server: server.to_owned(),
        scenario: scenario.to_owned(),
        round,
        requests,
        requests_per_second: requests as f64 / seen.elapsed.as_secs_f64(),
        p50_us: microseconds(0.5),
        p99_us: microseconds(0.99),
        p999_us: microseconds(0.999),
        cpu_us_per_request: None,
        peak_memory_kib: None,
        wrong: seen.wrong,
        lost: seen.lost,
        bad: (!seen.bad.is_empty()).then(|| BadRow::of(&seen.bad)),
        reloads: None,
        ratio: None,
    }
}

fn cpu_per_request(used: Duration, requests: u64) -> Option<f64> {
    (requests > 0).then(|| used.as_secs_f64() * 1e6 / requests as f64)
}

fn reload_row(mut reloads: Reloads) -> ReloadRow {
    reloads.live.sort_unstable();
    let live: Vec<u64> = reloads.live.iter().map(|time| time.as_nanos() as u64).collect();
    ReloadRow {
        live: live.len(),
        failed: reloads.failed,
        p50_ms: quantile(&live, 0.5) as f64 / 1e6,
        max_ms: reloads.live.last().copied().map_or(0.0, milliseconds),
        held: reloads.early.zip(reloads.late),
    }
}
