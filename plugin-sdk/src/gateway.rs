//! What the gateway offers, by the names of `wit/`: on wasm its own functions, elsewhere those of the test double.
//! `http` has a file of its own.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::imports::torana::plugin::{
    cache, clock, config, context, data, exchange, kv, log, metrics, random,
};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::test::host::{
    cache, clock, config, context, data, exchange, kv, log, metrics, random,
};
