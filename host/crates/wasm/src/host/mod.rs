//! What plugins may ask the gateway: one file per interface of `wit/`.

pub(crate) mod clock;
mod config;
mod context;
mod data;
mod exchange;
mod http;
mod kv;
mod log;
mod metrics;
pub(crate) mod random;

pub(crate) use exchange::{FieldError, final_status, settable};

use crate::{bindings::torana::plugin::types, state::State};

impl types::Host for State {}
