//! SDK for plugins of the Torana gateway.
//!
//! A plugin is a type that implements [`Plugin`], and a line that says which hooks it exports:
//!
//! ```
//! use serde::Deserialize;
//! use torana_plugin::{Action, Answer, Plugin, Request, Result, export};
//!
//! /// Lets a request pass only if it names its tenant.
//! struct TenantGuard {
//!     header: String,
//! }
//!
//! #[derive(Deserialize)]
//! struct Config {
//!     header: String,
//! }
//!
//! impl Plugin for TenantGuard {
//!     type Config = Config;
//!
//!     fn new(config: Config) -> Result<Self> {
//!         Ok(Self { header: config.header })
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Result<Action> {
//!         if request.header(&self.header).is_none() {
//!             return Ok(Answer::new(400).text("which tenant?").into());
//!         }
//!         Ok(Action::Continue)
//!     }
//! }
//!
//! export!(TenantGuard: on_request);
//!
//! // What `cargo test` would run, in a `#[test]`:
//! use torana_plugin::test;
//!
//! let guard = test::start::<TenantGuard>(r#"{ "header": "x-tenant" }"#)?;
//! let mut request = test::Request::get("/orders");
//! assert_eq!(guard.on_request(&mut request), Ok(Answer::new(400).text("which tenant?").into()));
//! # Ok::<(), torana_plugin::Error>(())
//! ```
//!
//! Build it with `cargo build --release --target wasm32-wasip2` as a `cdylib`. Hooks that are not named in [`export!`]
//! are not in the component and cost the gateway nothing.
//!
//! Memory of a plugin lives as long as its instance, which serves many requests, one at a time, and may be replaced
//! between two hooks of one request: hand state from hook to hook through [`context`].
//!
//! The crate compiles for the host too: there its functions talk to the double of the gateway in `test`, so that the
//! tests of a plugin need no WebAssembly.

mod answer;
#[doc(hidden)]
pub mod bindings;
mod body;
pub mod cache;
pub mod clock;
pub mod config;
pub mod context;
mod error;
mod export;
mod gateway;
pub mod header;
pub mod http;
pub mod kv;
pub mod log;
mod message;
pub mod metrics;
mod parts;
mod plugin;
pub mod random;
#[cfg(not(target_arch = "wasm32"))]
pub mod test;

pub use answer::{Action, Answer};
pub use body::Chunk;
pub use error::{Error, Result};
pub use message::{Found, Message, Request, Response};
pub use plugin::{Hooks, Plugin};

// The macros name these through `$crate`.
#[doc(hidden)]
pub use export::{init, run};
