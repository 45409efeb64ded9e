//! Components of the pipeline, one file each. None knows another.

pub mod concurrent;
pub mod conditional;
pub mod proxy;
pub mod shadow;
pub mod static_response;

pub use concurrent::ConcurrentCalls;
pub use static_response::StaticResponse;
