//! The functions of `wit/`, as the gateway does them: one file per interface.

pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod data;
pub(crate) mod exchange;
pub(crate) mod http;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod random;
