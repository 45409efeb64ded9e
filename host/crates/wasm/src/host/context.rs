//! `torana:plugin/context`.

use std::sync::{Arc, PoisonError};

use torana_core::SharedState;

use crate::{bindings::torana::plugin::context::Host, state::State};

/// Keys of one plugin in one request.
const KEYS: usize = 64;
/// Bytes of its keys and values together.
const BYTES: usize = 64 << 10;

impl Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.exchange.check_running()?;
        let Some(shared) = &self.exchange.shared else { return Ok(None) };
        // Locked for one look-up; backends of one request run in one task, so nobody waits here.
        let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shared.get(&(Arc::clone(&self.facts.name), key)).cloned())
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        self.exchange.check_running()?;
        let Some(shared) = &self.exchange.shared else { return Ok(Ok(())) };
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(put(&mut shared, &self.facts.name, key, value))
    }
}

fn put(
    shared: &mut SharedState,
    plugin: &Arc<str>,
    key: String,
    value: Vec<u8>,
) -> Result<(), String> {
    let (mut keys, mut bytes) = (1, key.len() + value.len());
    for ((_, other), value) in
        shared.iter().filter(|((owner, other), _)| owner == plugin && *other != key)
    {
        keys += 1;
        bytes += other.len() + value.len();
    }
    if keys > KEYS || bytes > BYTES {
        return Err(format!("more than {KEYS} keys or {BYTES} bytes in the request's context"));
    }
    shared.insert((Arc::clone(plugin), key), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_plugin_keeps_is_bounded() {
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let mut shared = SharedState::new();
        for index in 0..KEYS {
            put(&mut shared, &one, index.to_string(), vec![1]).expect("there is room");
        }
        put(&mut shared, &one, "0".into(), vec![2]).expect("replacing needs no room");
        assert!(put(&mut shared, &one, "more".into(), vec![]).is_err());
        put(&mut shared, &two, "more".into(), vec![]).expect("another plugin has room of its own");
        assert!(put(&mut shared, &two, "large".into(), vec![0; BYTES]).is_err());
    }
}
