//! `torana:plugin/kv`.

pub(crate) use crate::bindings::imports::torana::plugin::kv::Error;

use crate::test::state::{Entry, State, Value, with};

/// Bytes of a key.
const KEY: usize = 256;
/// Bytes of a value.
const VALUE: usize = 64 << 10;

impl Value {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Counter(number) => number.to_string().into_bytes(),
        }
    }
}

impl State {
    /// The value of a key, unless its time is over.
    pub(crate) fn live(&self, key: &str) -> Option<&Value> {
        let entry = self.store.get(key)?;
        entry.until.is_none_or(|until| self.now_ms < until).then_some(&entry.value)
    }

    fn put(&mut self, key: &str, value: Value, ttl_ms: Option<u64>) -> Result<(), Error> {
        let others = self.store.iter().filter(|(other, _)| *other != key);
        let used: usize = others.map(|(key, entry)| key.len() + entry.value.bytes().len()).sum();
        if used + key.len() + value.bytes().len() > self.quota {
            return Err(Error::Quota);
        }
        let until = ttl_ms.map(|ttl| self.now_ms.saturating_add(ttl));
        self.store.insert(key.to_owned(), Entry { value, until });
        self.claims.remove(key);
        Ok(())
    }
}

pub(super) fn check(key: &str, value: &[u8]) -> Result<(), Error> {
    if key.len() > KEY || value.len() > VALUE { Err(Error::TooLarge) } else { Ok(()) }
}

pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    check(key, &[])?;
    Ok(with(|state| state.live(key).map(Value::bytes)))
}

pub(crate) fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    check(key, value)?;
    with(|state| state.put(key, Value::Bytes(value.to_vec()), ttl_ms))
}

pub(crate) fn set_if_absent(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<bool, Error> {
    check(key, value)?;
    with(|state| {
        if state.live(key).is_some() {
            return Ok(false);
        }
        state.put(key, Value::Bytes(value.to_vec()), ttl_ms).map(|()| true)
    })
}

pub(crate) fn delete(key: &str) -> Result<bool, Error> {
    check(key, &[])?;
    Ok(with(|state| {
        let lived = state.live(key).is_some();
        state.store.remove(key);
        lived
    }))
}

pub(crate) fn add(key: &str, by: i64, ttl_ms: Option<u64>) -> Result<i64, Error> {
    check(key, &[])?;
    with(|state| {
        let sum = match state.live(key) {
            None => return state.put(key, Value::Counter(by), ttl_ms).map(|()| by),
            Some(Value::Bytes(_)) => return Err(Error::NotACounter),
            Some(Value::Counter(number)) => number.saturating_add(by),
        };
        // The time keeps running from the first use.
        state.store.entry(key.to_owned()).and_modify(|entry| entry.value = Value::Counter(sum));
        Ok(sum)
    })
}
