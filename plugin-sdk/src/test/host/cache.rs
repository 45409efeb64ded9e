//! `torana:plugin/cache`. One hook runs at a time, so nobody else ever has a claim.

pub(crate) use crate::bindings::imports::torana::plugin::cache::{Claimed, Error};

use super::kv;
use crate::test::state::{Exchange, Value, with};

/// Keys without a value that one hook may claim.
const CLAIMS: usize = 16;

impl From<kv::Error> for Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::TooLarge => Self::TooLarge,
            kv::Error::Quota => Self::Quota,
            kv::Error::NotACounter | kv::Error::Unavailable(_) => {
                Self::Unavailable(error.to_string())
            }
        }
    }
}

pub(crate) fn claim(key: &str, _: Option<u32>) -> Result<Claimed, Error> {
    kv::check(key, &[])?;
    with(|state| {
        assert!(!matches!(state.exchange, Exchange::Idle), "there is no exchange in `Plugin::new`");
        if let Some(value) = state.live(key).map(Value::bytes) {
            return Ok(Claimed::Found(value));
        }
        if !state.claims.contains(key) {
            if state.claims_in_hook == CLAIMS {
                return Err(Error::TooMany);
            }
            state.claims_in_hook += 1;
            state.claims.insert(key.to_owned());
        }
        Ok(Claimed::Yours)
    })
}

pub(crate) fn keep(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    let kept = kv::set(key, value, ttl_ms);
    release(key);
    Ok(kept?)
}

pub(crate) fn release(key: &str) {
    with(|state| state.claims.remove(key));
}
