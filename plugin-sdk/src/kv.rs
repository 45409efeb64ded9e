//! Values that outlive requests and are shared by all instances of all plugins that are granted the same store. The
//! store is this gateway's memory: another node has another one, and a restart empties it. Needs the grant `kv`.
//!
//! ```
//! use std::time::Duration;
//! use torana_plugin::{Action, Answer, Plugin, Request, Result, kv, test};
//!
//! /// Three requests in a minute for each client.
//! struct Quota;
//!
//! impl Plugin for Quota {
//!     type Config = ();
//!
//!     fn new((): ()) -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Result<Action> {
//!         let used = kv::add(&request.client_ip(), 1, Some(Duration::from_secs(60)))?;
//!         Ok(if used > 3 { Answer::new(429).into() } else { Action::Continue })
//!     }
//! }
//!
//! let plugin = test::start::<Quota>("null")?;
//! for _ in 0..3 {
//!     assert_eq!(plugin.on_request(&mut test::Request::get("/")), Ok(Action::Continue));
//! }
//! assert_eq!(plugin.on_request(&mut test::Request::get("/")), Ok(Answer::new(429).into()));
//! plugin.gateway().advance(Duration::from_secs(60));
//! assert_eq!(plugin.on_request(&mut test::Request::get("/")), Ok(Action::Continue));
//! # Ok::<(), torana_plugin::Error>(())
//! ```

use std::{fmt, time::Duration};

use crate::gateway::kv;

/// Why the store did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The key has more than 256 bytes, or the value more than 64 KiB.
    TooLarge,
    /// The store's quota is used up.
    Quota,
    /// The value is no counter.
    NotACounter,
    /// The store does not answer.
    Unavailable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                f.write_str("the key has more than 256 bytes, or the value more than 64 KiB")
            }
            Self::Quota => f.write_str("the store's quota is used up"),
            Self::NotACounter => f.write_str("the value is no counter"),
            Self::Unavailable(reason) => write!(f, "the store does not answer: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::new(format!("kv: {error}"))
    }
}

impl From<kv::Error> for Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::TooLarge => Self::TooLarge,
            kv::Error::Quota => Self::Quota,
            kv::Error::NotACounter => Self::NotACounter,
            kv::Error::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

/// The value of a key.
///
/// # Errors
/// Those of the store.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(kv::get(key)?)
}

/// Keeps a value, for a time or for ever.
///
/// # Errors
/// Those of the store.
pub fn set(key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
    Ok(kv::set(key, value, ttl.map(milliseconds))?)
}

/// Keeps a value only if there is none; says whether it did.
///
/// # Errors
/// Those of the store.
pub fn set_if_absent(key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, Error> {
    Ok(kv::set_if_absent(key, value, ttl.map(milliseconds))?)
}

/// Removes a value; says whether there was one.
///
/// # Errors
/// Those of the store.
pub fn delete(key: &str) -> Result<bool, Error> {
    Ok(kv::delete(key)?)
}

/// Adds to a counter, which begins at zero, and gives the sum. The time counts from the counter's first use.
///
/// # Errors
/// Those of the store.
pub fn add(key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
    Ok(kv::add(key, by, ttl.map(milliseconds))?)
}

/// At least as long: a value never goes before its time.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        let found =
            [0, 1, 1_000_000, 1_000_001].map(|nanos| milliseconds(Duration::from_nanos(nanos)));
        assert_eq!(found, [0, 1, 1, 2]);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }
}
