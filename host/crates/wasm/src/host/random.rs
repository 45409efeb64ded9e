//! `torana:plugin/random`.

use wasmtime::bail;

use crate::{bindings::torana::plugin::random::Host, state::State};

/// Bytes that may be asked for at once.
const MOST: usize = 4096;

/// Random bytes from the operating system; traps above 4,096.
pub(crate) fn bytes(length: u64) -> wasmtime::Result<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MOST {
        bail!("{length} random bytes at once, at most {MOST} are given");
    }
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(bytes)
}

/// A random number from the operating system.
pub(crate) fn number() -> wasmtime::Result<u64> {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes(8)?);
    Ok(u64::from_le_bytes(number))
}

impl Host for State {
    fn get_u64(&mut self) -> wasmtime::Result<u64> {
        number()
    }

    fn get_bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        bytes(u64::from(length))
    }
}
