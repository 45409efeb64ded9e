//! The harness of the tests that look at the gateway from outside: an in-process gateway on a free port, an upstream
//! that can delay, break off and lie, a client that sends exact bytes, certificates, and golden scenarios.

pub mod certs;
pub mod client;
pub mod command;
pub mod gateway;
pub mod pattern;
pub mod scenario;
pub mod scratch;
pub mod upstream;

use std::time::Duration;

/// How long anything in a test may take before it counts as hanging. Nothing waits that long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the gateway calls itself in `X-Krakend` and `User-Agent`: these texts of the scenarios are written in one place.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
