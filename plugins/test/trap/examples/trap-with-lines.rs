//! The plugin under a name of its own, so that a build with other flags is not in the way of the usual one. Tests of the
//! workspace build examples for their machine too, where a plugin cannot be linked.

#[cfg(target_family = "wasm")]
#[path = "../src/lib.rs"]
mod trap;
