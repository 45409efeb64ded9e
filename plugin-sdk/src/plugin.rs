//! The trait that plugins implement.

use serde::de::DeserializeOwned;

use crate::{Action, Answer, Chunk, Request, Response, Result};

pub use crate::bindings::imports::torana::plugin::types::Hooks;

/// A plugin. Every hook has a default that does nothing; [`export!`](crate::export!) says which ones the gateway sees.
pub trait Plugin: Sized + 'static {
    /// The plugin's `config` in the gateway's configuration. Use `()` for a plugin without one, and
    /// `#[serde(deny_unknown_fields)]` so that `torana check` finds misspelt keys. No `config` and an empty one are the
    /// same.
    type Config: DeserializeOwned;

    /// Makes the plugin. Runs once in each instance and, to find mistakes, when the configuration is loaded or checked.
    ///
    /// # Errors
    /// Refuses the configuration.
    fn new(config: Self::Config) -> Result<Self>;

    /// Which of the exported hooks this configuration needs. The others are not called at all. Hooks for streaming bodies
    /// and `handle` are always called when they are exported.
    fn hooks(&self) -> Hooks {
        Hooks::all()
    }

    /// A client's request: at service level before routing, at endpoint level before the endpoint's header filter.
    ///
    /// # Errors
    /// Fails the request as `on_error` says.
    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let _ = request;
        Ok(Action::Continue)
    }

    /// A request that is about to be sent to a backend.
    ///
    /// # Errors
    /// Fails the request as `on_error` says.
    fn on_backend_request(&self, request: &mut Request) -> Result<Action> {
        let _ = request;
        Ok(Action::Continue)
    }

    /// A backend's answer.
    ///
    /// # Errors
    /// Fails the request as `on_error` says.
    fn on_backend_response(&self, response: &mut Response) -> Result<()> {
        let _ = response;
        Ok(())
    }

    /// The answer to the client.
    ///
    /// # Errors
    /// Fails the request as `on_error` says.
    fn on_response(&self, response: &mut Response) -> Result<()> {
        let _ = response;
        Ok(())
    }

    /// A request's body as it streams past, chunk by chunk: gives back what takes the chunk's place, which may be empty.
    /// Headers have left by then.
    ///
    /// # Errors
    /// Fails the request.
    fn on_request_body(&self, chunk: Chunk) -> Result<Vec<u8>> {
        Ok(chunk.bytes)
    }

    /// A response's body as it streams past; otherwise as [`Plugin::on_request_body`]. Decoded data has no body: the hook
    /// is not called for it.
    ///
    /// # Errors
    /// Breaks the answer off.
    fn on_response_body(&self, chunk: Chunk) -> Result<Vec<u8>> {
        Ok(chunk.bytes)
    }

    /// The plugin is the backend: makes the answer to a request that would be sent to a host.
    ///
    /// # Errors
    /// Fails the request.
    fn handle(&self, request: &Request) -> Result<Answer> {
        let _ = request;
        Err("the plugin exports `handle`, but does not implement it".into())
    }
}
