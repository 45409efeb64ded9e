//! Changes a server's configuration while it is loaded, and sees how long each change takes to be live.

use std::time::{Duration, Instant};

use crate::{
    client::{Client, get},
    peer::Peer,
    process::{self, Server},
    report::Held,
    scenario::generation_path,
};

/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often is asked whether the change is live.
const POLL: Duration = Duration::from_millis(1);

/// What became of the changes.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    /// From each SIGHUP until the change could be seen.
    pub(crate) live: Vec<Duration>,
    /// Changes that did not become live.
    pub(crate) failed: u64,
    /// What the server held after the first [`WARM`] changes.
    pub(crate) early: Option<Held>,
    /// What it held after the last one.
    pub(crate) late: Option<Held>,
}

/// Changes until caches and pools are full.
const WARM: u64 = 50;

/// Changes the configuration again and again, until `end`.
pub(crate) async fn reload(
    peer: &Peer<'_>,
    server: &Server,
    every: Duration,
    end: Instant,
) -> Reloads {
    let mut reloads = Reloads::default();
    let mut client = None;
    let mut next = Instant::now() + every;
    for generation in 1.. {
        if next >= end {
            break;
        }
        tokio::time::sleep_until(next.into()).await;
        next += every;
        if peer.configure(generation).is_err() {
            reloads.failed += 1;
            continue;
        }
        let start = Instant::now();
        if server.reload().is_err() {
            reloads.failed += 1;
            continue;
        }
        match live(peer, &mut client, generation, start).await {
            true => reloads.live.push(start.elapsed()),
            false => reloads.failed += 1,
        }
        if generation == WARM {
            reloads.early = Some(process::held(server.pid()));
        }
    }
    reloads.late = Some(process::held(server.pid()));
    reloads
}

/// Asks for the path that only this generation has, until it is there.
async fn live(
    peer: &Peer<'_>,
    client: &mut Option<Client>,
    generation: u64,
    start: Instant,
) -> bool {
    let request = get(&peer.listen.to_string(), &generation_path(generation));
    while start.elapsed() < PATIENCE {
        if client.is_none() {
            *client = Client::connect(peer.listen).await.ok();
        }
        if let Some(open) = client {
            match open.exchange(&request).await {
                Ok(answer) if answer.status == 200 => return true,
                Ok(answer) if !answer.close => {}
                _ => *client = None,
            }
        }
        tokio::time::sleep(POLL).await;
    }
    false
}
