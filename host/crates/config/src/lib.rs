//! Configuration of the gateway: text → as written → valid.
//!
//! This crate knows files, JSON, YAML and TOML, positions, defaults and inheritance. It knows no runtime: building
//! pipelines from a [`valid::Gateway`] is the work of the crates above. Every problem becomes a [`Diagnostic`].

mod code;
mod diagnostic;
mod document;
mod duration;
mod no_proxy;
mod pointer;
mod raw;
mod read;
pub mod report;
mod resolve;
pub mod valid;

pub use code::codes;
pub use diagnostic::{Diagnostic, Diagnostics, Part, Severity, did_you_mean};
pub use document::{Document, Format, LoadError, Span};
pub use pointer::{At, Pointer};
pub use read::{ByteSize, Documented, Field, FromConfig, Object, object_schema, read, wrong_type};
pub use report::Located;
pub use resolve::{ComponentLevel, Options, Supported, resolve};

/// The JSON schema of a whole file. What stands under an `extra_config` is left open: components read their own.
#[must_use]
pub fn schema() -> Value {
    raw::schema()
}

/// The JSON schemas of the namespaces that this crate reads itself.
#[must_use]
pub fn own_components() -> [(&'static str, ComponentLevel, Value); 2] {
    [
        ("router", ComponentLevel::Service, <raw::Router as FromConfig>::schema()),
        ("workflow", ComponentLevel::Backend, raw::workflow_schema()),
    ]
}

// The macros name these through `$crate`.
#[doc(hidden)]
pub use serde_json::{Value, json};
