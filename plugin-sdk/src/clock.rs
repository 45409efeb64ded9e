//! Time.

use crate::gateway::clock;

/// Milliseconds since 1970-01-01 UTC. May jump.
#[must_use]
pub fn now_ms() -> u64 {
    clock::now_ms()
}

/// Nanoseconds from an arbitrary point. Never goes back.
#[must_use]
pub fn monotonic_ns() -> u64 {
    clock::monotonic_ns()
}
