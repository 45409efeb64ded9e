//! The claims of one hook call: which values it makes, and how it waits for those that others make.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{Claimed, News, Store, StoreError};

/// Keys without a value that one hook call may claim. Bounds how long it may wait, too.
const MOST: usize = 16;

/// Why a value does not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    /// The store says so.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hook call has claimed too much.
    #[error("the hook call has claimed {MOST} keys already that had no value")]
    TooMany,
    /// It takes too long.
    #[error("the value did not come in time")]
    Timeout,
}

/// What a hook call has claimed.
#[derive(Default)]
pub(crate) struct Claims {
    held: Vec<Claim>,
    begun: usize,
}

impl Claims {
    /// The claim on a key: the one that is held, or a new one to be settled.
    pub(crate) fn take(
        &mut self,
        store: &Arc<dyn Store>,
        key: String,
    ) -> Result<Claim, ClaimError> {
        if let Some(held) = self.held.iter().position(|claim| claim.key == key) {
            return Ok(self.held.swap_remove(held));
        }
        if self.begun == MOST {
            return Err(ClaimError::TooMany);
        }
        self.begun += 1;
        Ok(Claim::new(store, key))
    }

    /// Holds a claim until it is ended, or the hook call ends.
    pub(crate) fn hold(&mut self, claim: Claim) {
        self.held.push(claim);
    }

    /// Ends the claim on a key, if there is one.
    pub(crate) fn end(&mut self, key: &str) {
        self.held.retain(|claim| claim.key != key);
    }

    /// The hook call ends.
    pub(crate) fn end_all(&mut self) {
        self.held.clear();
        self.begun = 0;
    }
}

/// A claim, or a place among those that wait for it. Gives it up when it goes.
pub(crate) struct Claim {
    store: Arc<dyn Store>,
    key: String,
    claimant: u64,
}

impl Claim {
    fn new(store: &Arc<dyn Store>, key: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let claimant = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { store: Arc::clone(store), key, claimant }
    }

    /// Waits for the value; `None` if it is for this claim to make it.
    pub(crate) async fn settle(&self, wait: Duration) -> Result<Option<Vec<u8>>, ClaimError> {
        let deadline = Instant::now() + wait;
        loop {
            let (news, left) = match self.store.claim(&self.key, self.claimant)? {
                Claimed::Found(value) => return Ok(Some(value)),
                Claimed::Yours => return Ok(None),
                Claimed::Taken { news, left } => (news, left),
            };
            let now = Instant::now();
            if deadline <= now {
                return Err(ClaimError::Timeout);
            }
            match timeout_at(deadline.min(now + left), news).await {
                Ok(Ok(News::Value(value))) => return Ok(Some(value.to_vec())),
                Ok(Ok(News::Yours)) => return Ok(None),
                // Its own time is over or that of the claim, or the store has gone another way: one more look.
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.store.release(&self.key, self.claimant);
    }
}

#[cfg(test)]
mod tests;
