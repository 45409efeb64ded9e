//! Components of the standard world `wasi:http/proxy` as backends: each request gets an instance of its own, which may
//! send its answer piece by piece.

mod answer;
mod backend;
mod body;
mod console;
mod guest;
mod load;
mod meter;
mod outbound;
mod state;

pub(crate) use self::{
    backend::WasiHttpBackend,
    guest::try_start,
    load::{EXPORT, OUTGOING, Pre, load},
};
