//! `torana:plugin/cache`: values that one call makes while others wait.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    bindings::torana::plugin::cache::{Claimed, Error, Host},
    kv::{ClaimError, Shelf, StoreError},
    state::State,
};

/// How long a claim waits that does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);
/// Longest time that one may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge => Self::TooLarge,
            StoreError::Quota => Self::Quota,
            // Nothing here counts.
            StoreError::NotACounter => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<ClaimError> for Error {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Store(error) => error.into(),
            ClaimError::TooMany => Self::TooMany,
            ClaimError::Timeout => Self::Timeout,
        }
    }
}

impl Host for State {
    async fn claim(
        &mut self,
        key: String,
        wait_ms: Option<u32>,
    ) -> wasmtime::Result<Result<Claimed, Error>> {
        self.exchange.check_running()?;
        let wait = wait_ms.map_or(DEFAULT_WAIT, |time| Duration::from_millis(time.into()));
        Ok(self.find_or_claim(key, wait.min(LONGEST_WAIT)).await)
    }

    fn keep(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let kept = self
            .kept_in()
            .and_then(|shelf| Ok(shelf.store.set(&key, value, ttl_ms, shelf.quota)?));
        self.claims.end(&key);
        Ok(kept)
    }

    fn release(&mut self, key: String) -> wasmtime::Result<()> {
        self.claims.end(&key);
        Ok(())
    }
}

impl State {
    fn kept_in(&self) -> Result<&Shelf, Error> {
        self.granted().map_err(Error::Unavailable)
    }

    async fn find_or_claim(&mut self, key: String, wait: Duration) -> Result<Claimed, Error> {
        let store = Arc::clone(&self.kept_in()?.store);
        // Mostly the value is there.
        if let Some(value) = store.get(&key)? {
            return Ok(Claimed::Found(value));
        }
        let claim = self.claims.take(&store, key)?;
        let started = Instant::now();
        let settled = claim.settle(wait).await;
        self.budget.waited(started.elapsed());
        if let Some(value) = settled? {
            return Ok(Claimed::Found(value));
        }
        self.claims.hold(claim);
        Ok(Claimed::Yours)
    }
}
