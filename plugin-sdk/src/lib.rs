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
//! # fn main() {}
//! ```
//!
//! Build it with `cargo build --release --target wasm32-wasip2` as a `cdylib`. Hooks that are not named in [`export!`]
//! are not in the component and cost the gateway nothing.
//!
//! Memory of a plugin lives as long as its instance, which serves many requests, one at a time, and may be replaced
//! between two hooks of one request: hand state from hook to hook through [`context`].
//!
//! The crate compiles for the host too, so that a plugin's own logic can be tested with `cargo test`; functions that
//! ask the gateway something panic there.

mod answer;
#[doc(hidden)]
pub mod bindings;
pub mod clock;
pub mod context;
mod error;
mod export;
pub mod log;
mod message;
mod plugin;
pub mod random;

pub use answer::{Action, Answer};
pub use error::{Error, Result};
pub use message::{Message, Request, Response};
pub use plugin::{Hooks, Plugin};

// The macros name these through `$crate`.
#[doc(hidden)]
pub use export::{init, run};
