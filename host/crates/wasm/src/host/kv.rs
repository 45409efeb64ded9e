//! `torana:plugin/kv`.

use crate::{
    bindings::torana::plugin::kv::{Error, Host},
    kv::{Shelf, StoreError},
    state::State,
};

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge => Self::TooLarge,
            StoreError::Quota => Self::Quota,
            StoreError::NotACounter => Self::NotACounter,
        }
    }
}

impl State {
    /// The plugin's store, or why there is none.
    pub(super) fn granted(&self) -> Result<&Shelf, String> {
        // A component that imports `kv` or `cache` without the grant is not loaded.
        self.facts.store.as_ref().ok_or_else(|| "`kv` is not granted".to_owned())
    }

    fn shelf(&self) -> Result<&Shelf, Error> {
        self.granted().map_err(Error::Unavailable)
    }
}

impl Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(self.shelf().and_then(|shelf| Ok(shelf.store.get(&key)?)))
    }

    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.shelf().and_then(|shelf| Ok(shelf.store.set(&key, value, ttl_ms, shelf.quota)?)))
    }

    fn set_if_absent(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<bool, Error>> {
        Ok(self
            .shelf()
            .and_then(|shelf| Ok(shelf.store.set_if_absent(&key, value, ttl_ms, shelf.quota)?)))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<bool, Error>> {
        Ok(self.shelf().and_then(|shelf| Ok(shelf.store.delete(&key)?)))
    }

    fn add(
        &mut self,
        key: String,
        by: i64,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<i64, Error>> {
        Ok(self.shelf().and_then(|shelf| Ok(shelf.store.add(&key, by, ttl_ms, shelf.quota)?)))
    }
}
