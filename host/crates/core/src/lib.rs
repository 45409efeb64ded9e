//! The vocabulary of the gateway and its pipeline. Knows no transport, no TLS, no plugins' engine.

pub mod body;
mod context;
pub mod deadline;
pub mod encoding;
pub mod entity;
mod error;
pub mod format;
pub mod headers;
pub mod merge;
pub mod percent;
pub mod pipeline;
pub mod ports;
mod request;
mod resources;
mod response;
mod room;
pub mod step;
pub mod worker;

pub use body::Body;
pub use context::{EndpointInfo, RequestContext, SharedState};
pub use error::{Error, ErrorKind, Origin};
pub use request::{Params, Request, RequestParts};
pub use resources::Resources;
pub use response::{Data, Response, ResponseParts};
