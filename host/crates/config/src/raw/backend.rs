//! A backend and a workflow as written.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{Components, Encoding, Later, List, Method, OutputEncoding, ServiceDiscovery};

crate::config! {
    /// One upstream call of an endpoint.
    pub(crate) struct Backend {
        /// Hosts to balance over, such as `http://users:8080`. Without it, the root's.
        "host" host: List<String> = List::default(),
        /// Path and query of the call. `{name}` is a parameter of the endpoint, `{resp0_key}` a value of an earlier
        /// answer of a sequence, `{JWT.claim}` a claim of the validated token.
        "url_pattern" url_pattern: String = "/".to_owned(),
        /// Method of the call. Without it, the endpoint's.
        "method" method: Option<Method> = None,
        /// How the answer is read: `json`, `fast-json`, `safejson`, `xml`, `rss`, `yaml`, `string` or `no-op`.
        "encoding" encoding: Option<Encoding> = None,
        /// Where hosts come from: `static` or `dns`.
        "sd" service_discovery: ServiceDiscovery = ServiceDiscovery::from("static"),
        /// Scheme of hosts found by DNS.
        "sd_scheme" scheme: String = "http".to_owned(),
        /// Hosts are taken as written: other schemes, paths and names without a scheme are allowed.
        "disable_host_sanitize" disable_host_sanitize: bool = false,
        /// The answer is an array; it goes under the key `collection`.
        "is_collection" is_collection: bool = false,
        /// Dot path of the object to take out of the answer.
        "target" target: String = String::new(),
        /// Dot paths to keep; all others are removed.
        "allow" allow: List<String> = List::default(),
        /// Dot paths to remove. No effect beside `allow`.
        "deny" deny: List<String> = List::default(),
        /// New names of top-level keys.
        "mapping" mapping: BTreeMap<String, String> = BTreeMap::new(),
        /// Key under which the whole answer is put.
        "group" group: String = String::new(),
        /// Which of the endpoint's headers reach this backend; without it, all.
        "input_headers" input_headers: List<String> = List::default(),
        /// Which of the endpoint's query strings reach this backend; without it, all.
        "input_query_strings" input_query_strings: List<String> = List::default(),
        /// A WebAssembly component that makes the answer itself, in the place of a host: an object as in the array
        /// `plugin/wasm` of `extra_config`, whose component exports `handle`.
        "plugin/wasm" plugin: Option<Value> = None,
        /// Components of the backend level, by namespace.
        "extra_config" extra_config: Components = Components,
    }
}

crate::config! {
    /// A nested endpoint that takes the place of a backend's call.
    pub(crate) struct Workflow {
        /// Name: logs call it `/__workflow/NAME`. Required.
        "endpoint" endpoint: Option<String> = None,
        /// The calls of the workflow. Required, at least one.
        "backend" backend: Later<Backend> = Later::default(),
        /// Time limit; must be below that of the endpoint around it, which is the default.
        "timeout" timeout: Duration = Duration::ZERO,
        /// How often each backend is called at once.
        "concurrent_calls" concurrent_calls: u32 = 1,
        /// As at an endpoint.
        "output_encoding" output_encoding: Option<OutputEncoding> = None,
        /// Failing backends do not make the workflow fail.
        "ignore_errors" ignore_errors: bool = false,
        /// Components of the workflow, by namespace.
        "extra_config" extra_config: Components = Components,
    }
}
