//! The load: every connection sends its next request as soon as it has the last answer, or when its time has come.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    client::{Client, get, get_with},
    scenario::BAD_EVERY,
};

/// How long a client waits before it tries a refused connection again.
const REFUSED: Duration = Duration::from_millis(1);

/// What is requested, and what must come back.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Where.
    pub(crate) address: SocketAddr,
    /// `Host`.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
    /// Bytes of the right body.
    pub(crate) length: usize,
    /// A header field that one request in [`BAD_EVERY`] has, and that makes it fail with 500.
    pub(crate) bad: Option<&'static str>,
    /// Time between two requests of one connection, if it does not go as fast as it can.
    pub(crate) gap: Option<Duration>,
}

/// What a load saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Time of each right answer, in nanoseconds.
    pub(crate) latencies: Vec<u64>,
    /// Time of each answer to a bad request, in nanoseconds.
    pub(crate) bad: Vec<u64>,
    /// Answers with another status or length than the right one.
    pub(crate) wrong: u64,
    /// Requests without a whole answer, and refused connections.
    pub(crate) lost: u64,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

/// Loads a target.
pub(crate) async fn load(target: &Target, connections: u16, duration: Duration) -> Seen {
    let target = Arc::new(target.clone());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for index in 0..connections {
        tasks.spawn(connection(target.clone(), usize::from(index), start + duration));
    }
    let mut seen = Seen::default();
    while let Some(ended) = tasks.join_next().await {
        let one = ended.expect("a connection's task neither panics nor is cancelled");
        seen.latencies.extend(one.latencies);
        seen.bad.extend(one.bad);
        seen.wrong += one.wrong;
        seen.lost += one.lost;
    }
    seen.elapsed = start.elapsed();
    seen
}

async fn connection(target: Arc<Target>, index: usize, end: Instant) -> Seen {
    let request = get(&target.host, &target.path);
    let bad = target.bad.map(|field| get_with(&target.host, &target.path, field));
    // Connections take turns with bad requests.
    let mut number = index * 7;
    let mut seen = Seen::default();
    let mut client = None;
    let mut now = Instant::now();
    let mut next = now;
    while now < end {
        if let Some(gap) = target.gap {
            tokio::time::sleep_until(next.into()).await;
            next += gap;
        }
        let mut open = match client.take() {
            Some(client) => client,
            None => match Client::connect(target.address).await {
                Ok(client) => client,
                Err(_) => {
                    seen.lost += 1;
                    tokio::time::sleep(REFUSED).await;
                    now = Instant::now();
                    continue;
                }
            },
        };
        number += 1;
        let bad = bad.as_ref().filter(|_| number.is_multiple_of(BAD_EVERY));
        now = Instant::now();
        let answer = open.exchange(bad.unwrap_or(&request)).await;
        let done = Instant::now();
        let took = (done - now).as_nanos() as u64;
        match answer {
            Ok(answer) => {
                if bad.is_some() && answer.status == 500 {
                    seen.bad.push(took);
                } else if bad.is_none() && answer.status == 200 && answer.length == target.length {
                    seen.latencies.push(took);
                } else {
                    seen.wrong += 1;
                }
                client = (!answer.close).then_some(open);
            }
            Err(_) => seen.lost += 1,
        }
        now = done;
    }
    seen
}
