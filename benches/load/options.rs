//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

use crate::scenario::Scenario;

/// Loads a gateway over loopback and says what a request costs it.
///
/// Starts upstreams in this process and the gateway as a process of its own, each scenario in a fresh one, checks one
/// answer, and then keeps every connection busy with one request after the other.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Options {
    /// Scenarios, in this order
    #[arg(
        short,
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "passthrough,decode,merge,plugin"
    )]
    pub(crate) scenarios: Vec<Scenario>,
    /// The gateway's program [default: `torana` beside this one]
    #[arg(long, value_name = "PATH")]
    pub(crate) torana: Option<PathBuf>,
    /// Load what already runs there, with GET, in place of the scenarios: http://HOST:PORT/PATH
    #[arg(long, value_name = "URL", conflicts_with_all = ["torana", "beside", "reload_every"])]
    pub(crate) url: Option<String>,
    /// Process behind --url, to learn its CPU time and memory
    #[arg(long, requires = "url")]
    pub(crate) pid: Option<u32>,
    /// Connections, each with one request at a time
    #[arg(short, long, value_name = "N", default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Requests per second of all connections together [default: as many as are answered]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// How long each measurement takes
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Load before each measurement
    #[arg(long, value_name = "S", default_value = "2", value_parser = seconds)]
    pub(crate) warmup: Duration,
    /// Measurements of each; results are medians
    #[arg(short, long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,
    /// Worker threads of the gateway, and processes of what runs beside it
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: u16,
    /// Keep what is measured on the last processor and everything else on the others
    #[arg(long)]
    pub(crate) pin: bool,
    /// Measure this as a plain reverse proxy too, in turns, and print ratios to it
    #[arg(long, value_enum)]
    pub(crate) beside: Option<Beside>,
    /// Change the configuration and send SIGHUP every so many milliseconds meanwhile
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) reload_every: Option<u64>,
    /// The header-edit component of the scenario `plugin` [default: built from plugins/]
    #[arg(long, value_name = "PATH")]
    pub(crate) plugin: Option<PathBuf>,
    /// How to print results
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// What may be measured beside the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Beside {
    /// nginx, if it is installed
    Nginx,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs: every measurement
    Json,
}

impl Options {
    /// Time between two requests of one connection.
    pub(crate) fn gap(&self) -> Option<Duration> {
        self.rate.map(|rate| Duration::from_secs(self.connections.into()) / rate)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        let options = Options::try_parse_from(["load"]).expect("no option is needed");
        assert_eq!(options.scenarios.len(), 4);
        assert_eq!(options.seconds, Duration::from_secs(10));
    }

    #[test]
    fn connections_share_the_rate() {
        let options = Options::try_parse_from(["load", "--rate", "1000", "-c", "4"]);
        assert_eq!(options.expect("valid").gap(), Some(Duration::from_millis(4)));
        assert_eq!(Options::try_parse_from(["load"]).expect("valid").gap(), None);
    }

    #[test]
    fn a_running_gateway_cannot_be_reconfigured() {
        let parsed = Options::try_parse_from(["load", "--url", "http://a/", "--reload-every", "9"]);
        assert!(parsed.is_err());
    }
}
