//! A double of the gateway: runs hooks of a plugin in `cargo test`, without WebAssembly and without a gateway.
//!
//! [`start`] makes an instance with a configuration, and its hooks edit a [`Request`] or [`Response`] that the test has
//! built. [`Gateway`] has what the plugin meets beside them: clock, random numbers, environment, key-value store, other
//! services, log and metrics.
//!
//! ```
//! use torana_plugin::{Action, Plugin, Request, Response, Result, context, test};
//!
//! /// Tells the client which path it asked for.
//! struct Echo;
//!
//! impl Plugin for Echo {
//!     type Config = ();
//!
//!     fn new((): ()) -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Result<Action> {
//!         context::set("path", request.path().as_bytes())?;
//!         Ok(Action::Continue)
//!     }
//!
//!     fn on_response(&self, response: &mut Response) -> Result<()> {
//!         let path = context::get("path").unwrap_or_default();
//!         response.set_data("/path", &String::from_utf8_lossy(&path))
//!     }
//! }
//!
//! let plugin = test::start::<Echo>("null")?;
//! plugin.on_request(&mut test::Request::get("/a?x=1"))?;
//! let mut response = test::Response::json(r#"{ "id": 7 }"#);
//! plugin.on_response(&mut response)?;
//! assert_eq!(response.data().map(ToString::to_string).as_deref(), Some(r#"{"id":7,"path":"/a"}"#));
//! # Ok::<(), torana_plugin::Error>(())
//! ```
//!
//! The double refuses what the gateway refuses. Where the gateway ends an instance, such as for a request hook that asks
//! for the response, it panics. It knows neither limits of time and memory nor grants: a test says what there is.

mod gateway;
pub(crate) mod host;
mod instance;
mod message;
mod schema;
mod state;

pub use gateway::Gateway;
pub use instance::{Instance, start};
pub use message::{Request, Response};
pub use schema::check_schema;
pub use state::{Level, LogLine, Measured, Metric};

#[cfg(test)]
mod tests;
