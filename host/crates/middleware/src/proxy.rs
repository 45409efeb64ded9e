//! The namespace `proxy`, which several components share: all its keys in one place.

use torana_config::{ByteSize, Pointer, Value, config, read};
use torana_core::{merge::Propagated, pipeline::BuildContext};

/// The namespace.
pub const NAMESPACE: &str = "proxy";

config! {
    /// `proxy` at an endpoint: how its backends' answers become one.
    pub struct ProxyConfig {
        /// Call the backends one after the other.
        "sequential" sequential: bool = false,
        /// Values of earlier answers that later backends get as parameters: `resp0_user.id`, or `resp0` for the whole
        /// body of a `no-op` backend.
        "sequential_propagated_params" sequential_propagated_params: Vec<String> = Vec::new(),
        /// Name of a merger: `default`, `parallel` or `sequential`.
        "combiner" combiner: Option<String> = None,
        /// Name of a merger; wins over `sequential`.
        "strategy" strategy: Option<String> = None,
        /// Fixed data for the answer.
        "static" static_data: Option<Value> = None,
        /// Changes of arrays and nested data in the merged answer.
        "flatmap_filter" flatmap_filter: Option<Value> = None,
        /// Accepted for compatibility: every backend always gets its own copy of the request.
        "force_sandboxed_request" force_sandboxed_request: bool = false,
        /// Largest request body of this endpoint; a larger one is answered with 413. 0 is no limit but that of
        /// `router.max_payload`, which holds in any case.
        "max_payload" max_payload: ByteSize = ByteSize(0),
        /// Hand gzipped request bodies of this endpoint on in clear, as `router.decompress_gzip` does for all.
        "decompress_gzip" decompress_gzip: bool = false,
    }
}

config! {
    /// `proxy` at a backend.
    pub struct BackendProxyConfig {
        /// Send this backend a copy of each request and ignore its answers.
        "shadow" shadow: bool = false,
        /// Time limit of a shadow call; the endpoint's `timeout` by default.
        "shadow_timeout" shadow_timeout: Option<std::time::Duration> = None,
        /// Changes of arrays and nested data in this backend's answer.
        "flatmap_filter" flatmap_filter: Option<Value> = None,
    }
}

/// The `proxy` settings of the context's endpoint.
pub fn endpoint(cx: &mut BuildContext<'_>) -> Option<ProxyConfig> {
    let component = cx.component(NAMESPACE)?.clone();
    read(&component.value, &component.at, cx.diagnostics)
}

/// The `proxy` settings of the context's backend.
pub fn backend(cx: &mut BuildContext<'_>) -> Option<BackendProxyConfig> {
    let component = cx.component(NAMESPACE)?.clone();
    read(&component.value, &component.at, cx.diagnostics)
}

impl ProxyConfig {
    /// Whether the backends are called one after the other.
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        match self.strategy.as_deref() {
            Some("sequential") => true,
            Some("parallel") => false,
            _ => self.sequential,
        }
    }

    /// The values that `sequential_propagated_params` names.
    pub fn propagated(&self, at: &Pointer, cx: &mut BuildContext<'_>) -> Vec<Propagated> {
        let mut values = Vec::new();
        for (index, name) in self.sequential_propagated_params.iter().enumerate() {
            let parsed = name.strip_prefix("resp").and_then(|rest| {
                let (backend, path) = rest.split_once('_').unwrap_or((rest, ""));
                Some((backend.parse::<usize>().ok()?, path))
            });
            match parsed {
                Some((backend, path)) => values.push(Propagated {
                    backend,
                    path: path.to_owned(),
                    name: name.as_str().into(),
                }),
                None => cx.report(
                    torana_config::Diagnostic::error(
                        "undefined-parameter",
                        at.key("sequential_propagated_params").index(index),
                        format!("`{name}` names no answer of a sequence"),
                    )
                    .help(
                        "write respN for a whole body or respN_path for a value, such as resp0_id",
                    ),
                ),
            }
        }
        values
    }
}
