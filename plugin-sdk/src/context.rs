//! State that the hooks of one request hand to each other, seen by this plugin only.

use crate::{Error, Result, gateway::context};

/// What an earlier hook of this request has stored.
#[must_use]
pub fn get(key: &str) -> Option<Vec<u8>> {
    context::get(key)
}

/// Stores bytes for later hooks of this request.
///
/// # Errors
/// Above 64 keys, or 64 KiB for keys and values together.
pub fn set(key: &str, value: &[u8]) -> Result<()> {
    context::set(key, value).map_err(Error::from)
}
