//! `torana:plugin/clock`: time stands still unless the test moves it.

use crate::test::state::with;

pub(crate) fn now_ms() -> u64 {
    with(|state| state.now_ms)
}

pub(crate) fn monotonic_ns() -> u64 {
    with(|state| state.monotonic_ns)
}
