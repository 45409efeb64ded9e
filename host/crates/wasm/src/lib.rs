//! WebAssembly component plugins: from `plugin/wasm` in the configuration to steps of a pipeline.
//!
//! This is the only crate that names wasmtime. A gateway without plugins has no engine, no thread and no memory of it.

mod anatomy;
mod attached;
mod backend;
mod bindings;
mod bodies;
mod budget;
mod cache;
mod call;
mod code;
mod component;
mod config;
mod digest;
mod engine;
mod factory;
mod fiber;
mod figures;
mod frames;
mod grants;
mod host;
mod inspect;
mod instance;
mod invocation;
mod jsonpath;
mod kv;
mod limits;
mod linker;
mod metrics;
mod offer;
mod outbound;
mod output;
mod plugin;
mod pool;
mod rate;
mod report;
mod schema;
mod source;
mod state;
mod step;
mod stream;
mod ticker;
mod trip;
mod wasi;
mod wasi_http;

#[cfg(test)]
mod tests;

pub use attached::watched_files;
pub use bodies::BodyLimit;
pub use code::codes;
pub use component::Hook;
pub use config::{Isolation, LimitsConfig, OnError, PluginConfig};
pub use factory::{BackendHooks, EndpointHooks, NAMESPACE, ServiceHooks, backend};
pub use grants::Grants;
pub use inspect::{Config, Import, Inspection, Kind, Maker, Problem, check_config_schema, inspect};
pub use report::{Summary, metrics, summary};
