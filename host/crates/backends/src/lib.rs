//! Backends that are not plain HTTP calls, one file each.

pub mod workflow;
