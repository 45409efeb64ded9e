//! Stores of keys and values that plugins share: in memory, by name, with quotas.

mod claims;
mod memory;

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use tokio::sync::oneshot;
use torana_core::Resources;

pub(crate) use self::claims::{ClaimError, Claims};
use self::memory::Memory;

/// Bytes of a key.
pub(crate) const KEY: usize = 256;
/// Bytes of a value.
pub(crate) const VALUE: usize = 64 << 10;

/// Why a store does not do what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The key or the value is larger than the interface allows.
    #[error("the key has more than {KEY} bytes, or the value more than {VALUE}")]
    TooLarge,
    /// The store has no room.
    #[error("the store's quota is used up")]
    Quota,
    /// The key holds bytes that were set.
    #[error("the value is no counter")]
    NotACounter,
}

/// How much a store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Quota {
    /// Keys.
    pub(crate) entries: usize,
    /// Bytes of keys and values together.
    pub(crate) bytes: usize,
}

/// A store with the quota that the configuration gives it.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) quota: Quota,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("quota", &self.quota).finish_non_exhaustive()
    }
}

impl Shelf {
    /// The store with this name, which a reload keeps.
    pub(crate) fn of(resources: &Resources, name: &str, quota: Quota) -> Self {
        let made: Result<_, Infallible> =
            resources.get_or_try_make(&("plugin store", name), || Ok(Memory::default()));
        let Ok(store) = made;
        Self { store, quota }
    }
}

/// A store. The quota comes with each write: it belongs to the configuration, which changes while the store stays.
///
/// These functions answer at once, as memory does, and so the host functions of `kv` are plain ones. A store that waits,
/// such as Redis, fits like this: its functions give futures, the host functions become asynchronous as those of `http`
/// are (`imports` in `bindings.rs`), components that import `kv` run on fibers as those that import `http` do, and the
/// variant `unavailable` of the interface's error says that the store did not answer. The interface stays as it is. Claims
/// fit too: a claim is a key with the claimant's number and a time to live, set if absent, and news come by subscription.
pub(crate) trait Store: Send + Sync {
    /// The value; a counter as decimal text.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a value, for `ttl` milliseconds or for ever.
    fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<u64>,
        quota: Quota,
    ) -> Result<(), StoreError>;

    /// Keeps a value if there is none; says whether it did.
    fn set_if_absent(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<u64>,
        quota: Quota,
    ) -> Result<bool, StoreError>;

    /// Says whether there was one.
    fn delete(&self, key: &str) -> Result<bool, StoreError>;

    /// Adds to a counter, which begins at zero and stops at the ends of its range; gives the sum. `ttl` counts from
    /// the counter's first use.
    fn add(&self, key: &str, by: i64, ttl: Option<u64>, quota: Quota) -> Result<i64, StoreError>;

    /// The value, or else the claim to make it, which one claimant has at a time: until there is a value, however it
    /// comes, or a [`Store::release`], and for a bounded time. A claimant that has it is given it again.
    fn claim(&self, key: &str, claimant: u64) -> Result<Claimed, StoreError>;

    /// The claimant does not make the value, or does not wait for it any more. Must follow each [`Store::claim`] that
    /// has found no value.
    fn release(&self, key: &str, claimant: u64);
}

/// What a claimant is given.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// The value is there.
    Found(Vec<u8>),
    /// The claim.
    Yours,
    /// Another one has the claim. It lasts for so long at most: one must claim again then, and keeps one's turn.
    Taken { news: oneshot::Receiver<News>, left: Duration },
}

/// What a claimant hears that waits. Nothing at all if it claims again meanwhile.
#[derive(Debug)]
pub(crate) enum News {
    /// The value.
    Value(Arc<[u8]>),
    /// The claim.
    Yours,
}

/// Checks the sizes that the interface allows.
fn check(key: &str, value: &[u8]) -> Result<(), StoreError> {
    if key.len() > KEY || value.len() > VALUE { Err(StoreError::TooLarge) } else { Ok(()) }
}
