//! `torana:plugin/random`: what the test has set, then a fixed sequence.

use crate::test::state::{State, with};

/// Bytes that may be asked for at once.
const MOST: u32 = 4096;

pub(crate) fn get_u64() -> u64 {
    let mut number = [0; 8];
    with(|state| number.fill_with(|| next(state)));
    u64::from_le_bytes(number)
}

pub(crate) fn get_bytes(length: u32) -> Vec<u8> {
    assert!(length <= MOST, "{length} random bytes at once, at most {MOST} are given");
    with(|state| (0..length).map(|_| next(state)).collect())
}

fn next(state: &mut State) -> u8 {
    if state.random.is_empty() {
        state.seed = state.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.random.extend(mix(state.seed).to_le_bytes());
    }
    state.random.pop_front().expect("it was filled")
}

/// SplitMix64.
fn mix(seed: u64) -> u64 {
    let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
