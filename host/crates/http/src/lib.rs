//! The edges of the gateway: listeners, connections, router and answers on the client's side, calls to HTTP backends on
//! the other.

pub mod backend;
pub mod balance;
mod body;
pub mod builtin;
pub mod client;
pub mod client_ip;
pub mod connection;
pub mod endpoint;
mod gzip;
mod io;
pub mod listen;
pub mod payload;
pub mod proxy_protocol;
pub mod respond;
pub mod rewrite;
pub mod router;
pub mod server;
pub mod service;
pub mod tls;
