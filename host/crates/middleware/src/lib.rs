//! Components of the pipeline, one file each. None knows another.

pub mod concurrent;
pub mod conditional;
pub mod flatmap;
pub mod jsonpath;
pub mod proxy;
pub mod shadow;
pub mod static_response;

pub use concurrent::ConcurrentCalls;
pub use flatmap::Flatmap;
pub use jsonpath::JsonPath;
pub use static_response::StaticResponse;
