//! What plugins may ask the gateway: one file per interface of `wit/`.

mod cache;
pub(crate) mod clock;
mod config;
mod context;
mod data;
mod exchange;
mod http;
mod interface;
mod kv;
mod log;
mod metrics;
mod names;
pub(crate) mod random;

pub(crate) use exchange::{FieldError, final_status, settable};
pub(crate) use interface::{HostCalls, Interface};
pub(crate) use names::Names;

use crate::{bindings::torana::plugin::types, state::State};

impl types::Host for State {}
