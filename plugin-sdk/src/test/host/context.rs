//! `torana:plugin/context`.

use crate::test::state::{Exchange, State, with};

/// Keys of one plugin in one request.
const KEYS: usize = 64;
/// Bytes of its keys and values together.
const BYTES: usize = 64 << 10;

pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
    with(|state| state.contexts.get(&running(state))?.get(key).cloned())
}

pub(crate) fn set(key: &str, value: &[u8]) -> Result<(), String> {
    with(|state| {
        let id = running(state);
        let context = state.contexts.entry(id).or_default();
        let others = || context.iter().filter(|(other, _)| *other != key);
        let bytes: usize = others().map(|(key, value)| key.len() + value.len()).sum();
        if others().count() + 1 > KEYS || bytes + key.len() + value.len() > BYTES {
            return Err(format!("more than {KEYS} keys or {BYTES} bytes in the request's context"));
        }
        context.insert(key.to_owned(), value.to_vec());
        Ok(())
    })
}

fn running(state: &State) -> u64 {
    assert!(!matches!(state.exchange, Exchange::Idle), "there is no exchange in `Plugin::new`");
    state.request_id()
}
