//! Random numbers from the operating system's generator, fit for keys and tokens.

use crate::gateway::random;

/// A random number.
#[must_use]
pub fn number() -> u64 {
    random::get_u64()
}

/// Random bytes, at most 4,096 at once.
#[must_use]
pub fn bytes(length: u32) -> Vec<u8> {
    random::get_bytes(length)
}
