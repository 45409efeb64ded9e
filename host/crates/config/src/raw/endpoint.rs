//! An endpoint as written.

use std::time::Duration;

use super::{Backend, Components, Later, List, Method, OutputEncoding};

crate::config! {
    /// A public method and path with its backends.
    pub(crate) struct Endpoint {
        /// Path. Required. `{name}` is a parameter; a last segment `*` matches everything below; `/__catchall`
        /// matches what nothing else does.
        "endpoint" endpoint: Option<String> = None,
        /// Method of the request.
        "method" method: Method = Method::from("GET"),
        /// The calls that make the answer. Required, at least one.
        "backend" backend: Later<Backend> = Later::default(),
        /// Time limit of the whole exchange; without it, the root's.
        "timeout" timeout: Duration = Duration::ZERO,
        /// For how long clients may cache complete answers; without it, the root's.
        "cache_ttl" cache_ttl: Duration = Duration::ZERO,
        /// How often each backend is called at once; the first complete answer counts.
        "concurrent_calls" concurrent_calls: u32 = 1,
        /// Client headers that reach the backends; `["*"]` lets all pass. Without it, only `Content-Type`.
        "input_headers" input_headers: List<String> = List::default(),
        /// Client query strings that reach the backends; `["*"]` lets all pass.
        "input_query_strings" input_query_strings: List<String> = List::default(),
        /// How the answer is written: `json`, `fast-json`, `json-collection`, `xml`, `yaml`, `negotiate`, `string`
        /// or `no-op`. Without it, the root's.
        "output_encoding" output_encoding: Option<OutputEncoding> = None,
        /// Components of the endpoint level, by namespace.
        "extra_config" extra_config: Components = Components,
    }
}
