//! `torana:plugin/config`.

use crate::test::state::with;

pub(crate) fn get() -> String {
    with(|state| state.config.clone())
}

pub(crate) fn env(name: &str) -> Option<String> {
    with(|state| state.environment.get(name).cloned())
}
