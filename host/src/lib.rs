//! The gateway's program: command line, wiring of all parts, life cycle.

pub mod app;
pub mod build;
pub mod cli;
pub mod cmd;
pub mod control;
pub mod demo;
pub mod output;
pub mod reference;
pub mod render;
pub mod signal;
pub mod trial;
pub mod watch;
pub mod wiring;
