//! Behaviour that a golden scenario cannot tell: time, streams, connections, processes, certificates.

#![allow(clippy::unwrap_used, reason = "a helper of a test that cannot go on fails the test")]

mod backtraces;
mod bodies;
mod cache;
mod chaos;
mod cli;
mod common;
mod compression;
mod conformance;
mod dashboard;
mod examples;
mod function;
mod http2;
mod languages;
mod limits;
mod misbehaving;
mod outbound;
mod plugin_tools;
mod proxy_protocol;
mod reload;
mod shutdown;
mod standard_plugins;
mod streaming;
mod tls;
mod wasi_http;
mod wasm;
mod wire;
