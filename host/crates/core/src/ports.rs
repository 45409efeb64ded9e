//! What crates need of each other without knowing each other: traits that `wiring` connects.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

/// What an access log line says about one request. Everything is borrowed: nothing is copied before the line is
/// written.
#[derive(Debug, Clone, Copy)]
pub struct AccessEntry<'a> {
    /// When the answer was complete, or broke off.
    pub time: SystemTime,
    /// Method as the client wrote it.
    pub method: &'a str,
    /// Path as the client wrote it, without the query.
    pub path: &'a [u8],
    /// Query as the client wrote it, without `?`.
    pub query: Option<&'a [u8]>,
    /// Status of the answer.
    pub status: u16,
    /// From the request's head to the end of the answer.
    pub duration: Duration,
    /// Who asked.
    pub client_ip: IpAddr,
    /// Path of the endpoint as configured; `None` when nothing matched.
    pub endpoint: Option<&'a str>,
    /// Bytes of the answer's body that were sent.
    pub bytes: u64,
    /// Number of the request in this process.
    pub request_id: u64,
    /// What went wrong.
    pub error: Option<&'a str>,
}

/// Where access lines go.
pub trait AccessSink: Send + Sync {
    /// Records one request. Never waits.
    fn record(&self, entry: &AccessEntry<'_>);
}
