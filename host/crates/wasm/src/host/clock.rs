//! `torana:plugin/clock`.

use std::{
    sync::LazyLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::{bindings::torana::plugin::clock::Host, state::State};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since 1970.
pub(crate) fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Nanoseconds since this process first looked.
pub(crate) fn monotonic() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
}

impl Host for State {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(now().as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_ns(&mut self) -> wasmtime::Result<u64> {
        Ok(monotonic())
    }
}
