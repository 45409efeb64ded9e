//! What the gateway says about itself: application log lines and one access line per request.
//!
//! Both go through a [`Sink`], a thread that owns the output, so that no worker ever waits for a slow terminal or a
//! full pipe. Application lines come from `tracing` events; access lines are written by hand, as a span per request
//! would cost more than the request.

pub mod access;
mod config;
mod escape;
mod layout;
mod log;
mod pattern;
mod sink;
mod time;

pub use access::{AccessEntry, AccessLog};
pub use config::{AccessFormat, Format, Level, LogConfig, NAMESPACE, read};
pub use log::{CRITICAL, flush, init};
pub use sink::{Sink, stdout};
