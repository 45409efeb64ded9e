//! Values that are costly to make, such as a token of an identity provider: one call makes the value while all others
//! that want it wait for it, whichever plugin or worker they are of. The values are those of [`kv`](crate::kv): the same
//! store with the same limits, under the same grant `kv`. Waiting does not count to the plugin's time limit and holds up
//! nobody else.
//!
//! ```
//! use std::time::Duration;
//! use torana_plugin::{Action, Plugin, Request, Result, cache, http, test};
//!
//! /// Adds a token, which is asked for once and used for five minutes.
//! struct Login;
//!
//! impl Plugin for Login {
//!     type Config = ();
//!
//!     fn new((): ()) -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Result<Action> {
//!         let token = cache::get_or_make("token", || {
//!             let answer = http::Request::get("http://auth.internal/token").send()?;
//!             if answer.status != 200 {
//!                 return Err(format!("no token: {}", answer.status).into());
//!             }
//!             Ok((answer.body, Some(Duration::from_secs(300))))
//!         })?;
//!         request.set_header("authorization", &format!("Bearer {}", String::from_utf8_lossy(&token)))?;
//!         Ok(Action::Continue)
//!     }
//! }
//!
//! let token = http::Response { body: b"t0".to_vec(), ..http::Response::new(200) };
//! let gateway = test::Gateway::new()
//!     .with_http("http://auth.internal/token", move |_| Ok(token.clone()));
//! let plugin = gateway.start::<Login>("null")?;
//! for _ in 0..3 {
//!     let mut request = test::Request::get("/");
//!     plugin.on_request(&mut request)?;
//!     assert_eq!(request.header("authorization"), Some("Bearer t0"));
//! }
//! assert_eq!(gateway.calls().len(), 1);
//! # Ok::<(), torana_plugin::Error>(())
//! ```

use std::{fmt, time::Duration};

use crate::{Result, gateway::cache, kv::milliseconds};

/// Why there is neither a value nor a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The key has more than 256 bytes, or the value more than 64 KiB.
    TooLarge,
    /// The store's quota is used up.
    Quota,
    /// The hook has claimed 16 keys already that had no value.
    TooMany,
    /// The value did not come in time.
    Timeout,
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
            Self::TooMany => f.write_str("the hook has claimed 16 keys already that had no value"),
            Self::Timeout => f.write_str("the value did not come in time"),
            Self::Unavailable(reason) => write!(f, "the store does not answer: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::new(format!("cache: {error}"))
    }
}

impl From<cache::Error> for Error {
    fn from(error: cache::Error) -> Self {
        match error {
            cache::Error::TooLarge => Self::TooLarge,
            cache::Error::Quota => Self::Quota,
            cache::Error::TooMany => Self::TooMany,
            cache::Error::Timeout => Self::Timeout,
            cache::Error::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

/// What came of [`claim`].
#[derive(Debug)]
pub enum Claimed {
    /// The value was there, or came while the hook waited.
    Found(Vec<u8>),
    /// There is none, and this hook is the one that makes it.
    Yours(Claim),
}

/// The claim to make a value, for 30 seconds at most. Dropped, it goes to the next one that waits.
#[derive(Debug)]
pub struct Claim {
    key: String,
    ended: bool,
}

impl Claim {
    /// Keeps the value, for a time or for ever, and ends the claim: all that wait get the value, however short its time
    /// is.
    ///
    /// # Errors
    /// The store refuses the value. The claim has ended then too.
    pub fn keep(mut self, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        self.ended = true;
        Ok(cache::keep(&self.key, value, ttl.map(milliseconds))?)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.ended {
            cache::release(&self.key);
        }
    }
}

/// The value of a key, or the claim to make it. Waits while another hook has the claim: for 1 s without `wait`, and at
/// most 30 s.
///
/// # Errors
/// Those of the store; [`Error::Timeout`] if the value does not come.
pub fn claim(key: &str, wait: Option<Duration>) -> Result<Claimed, Error> {
    let wait = wait.map(|wait| u32::try_from(milliseconds(wait)).unwrap_or(u32::MAX));
    Ok(match cache::claim(key, wait)? {
        cache::Claimed::Found(value) => Claimed::Found(value),
        cache::Claimed::Yours => Claimed::Yours(Claim { key: key.to_owned(), ended: false }),
    })
}

/// The value of a key. If there is none, `make` gives it with its time to live, while all others wait for up to a second;
/// if it fails, the next of them makes the value.
///
/// # Errors
/// Those of [`claim`] and of `make`, or the store refuses the value.
pub fn get_or_make(
    key: &str,
    make: impl FnOnce() -> Result<(Vec<u8>, Option<Duration>)>,
) -> Result<Vec<u8>> {
    match claim(key, None)? {
        Claimed::Found(value) => Ok(value),
        Claimed::Yours(claim) => {
            let (value, ttl) = make()?;
            claim.keep(&value, ttl)?;
            Ok(value)
        }
    }
}
