//! The tables of all components. A table's order is the pipeline's order, outermost first; adding a component is one
//! file in its crate and one line here.

use serde_json::{Value, json};
use torana_config::{ComponentLevel, FromConfig, Supported};
use torana_core::{pipeline::StepFactory, step};
use torana_http::{payload, rewrite};
use torana_middleware as middleware;
use torana_telemetry::LogConfig;
use torana_wasm as wasm;

use crate::reference::Described;

/// A line of a table.
pub enum Row {
    /// A step that a factory makes.
    Step(&'static dyn StepFactory),
    /// The place of the step that copies requests to shadow backends: its backends are pipelines themselves.
    Shadow,
    /// The place of the step that chooses a backend's host: it belongs to the HTTP backend.
    Balance,
}

use Row::{Balance, Shadow, Step};

/// In front of the router.
pub const SERVICE: &[Row] =
    &[Step(&rewrite::UrlRewrite), Step(&wasm::ServiceHooks), Step(&rewrite::VirtualHosts)];

/// Around all backends of an endpoint (reference 1.1, layers 8 to 10).
pub const ENDPOINT: &[Row] = &[
    Step(&payload::Payload),
    Step(&wasm::EndpointHooks),
    Step(&step::InputFilter),
    Step(&step::BodyBuffer),
    Shadow,
    Step(&middleware::JsonPath),
    Step(&middleware::StaticResponse),
    Step(&middleware::Flatmap),
];

/// Around all backends of a workflow: its input has been filtered by the endpoint around it.
pub const WORKFLOW: &[Row] = &[
    Step(&payload::Payload),
    Step(&wasm::EndpointHooks),
    Shadow,
    Step(&middleware::JsonPath),
    Step(&middleware::StaticResponse),
    Step(&middleware::Flatmap),
];

/// Around one backend (reference 1.1, layers 11 and 12).
pub const BACKEND: &[Row] = &[
    Step(&step::BackendQueryFilter),
    Step(&step::RequestBuilder),
    Step(&middleware::ConcurrentCalls),
    Balance,
    Step(&step::BackendHeaderFilter),
    Step(&wasm::BackendHooks),
    Step(&middleware::JsonPath),
    Step(&step::Decode),
];

/// Namespaces that something other than a step reads.
const OTHERS: &[(&str, ComponentLevel)] = &[
    ("router", ComponentLevel::Service),
    (torana_telemetry::NAMESPACE, ComponentLevel::Service),
    (middleware::proxy::NAMESPACE, ComponentLevel::Endpoint),
    (middleware::proxy::NAMESPACE, ComponentLevel::Backend),
    (middleware::conditional::NAMESPACE, ComponentLevel::Backend),
    (torana_http::backend::NAMESPACE, ComponentLevel::Backend),
    (torana_http::balance::NAMESPACE, ComponentLevel::Backend),
    ("workflow", ComponentLevel::Backend),
];

/// Every namespace that this version runs, with its levels.
#[must_use]
pub fn supported() -> Vec<Supported> {
    let tables = [
        (SERVICE, ComponentLevel::Service),
        (ENDPOINT, ComponentLevel::Endpoint),
        (BACKEND, ComponentLevel::Backend),
    ];
    let of_steps = tables.into_iter().flat_map(|(table, level)| {
        table.iter().flat_map(move |row| {
            let namespaces = if let Step(factory) = row { factory.namespaces() } else { &[] };
            namespaces.iter().map(move |&namespace| Supported { namespace, level })
        })
    });
    let others = OTHERS.iter().map(|&(namespace, level)| Supported { namespace, level });
    of_steps.chain(others).collect()
}

/// Every namespace that this version runs, with what it accepts: for the schema and the reference.
#[must_use]
pub fn described() -> Vec<Described> {
    use ComponentLevel::{Backend, Endpoint, Service};
    let own = torana_config::own_components();
    let own = own.map(|(namespace, level, schema)| Described { namespace, level, schema });
    let mut all = vec![
        Described::new::<LogConfig>(torana_telemetry::NAMESPACE, Service),
        Described { namespace: "plugin/http-server", level: Service, schema: http_server() },
        Described::new::<rewrite::VirtualHostConfig>("server/virtualhost", Service),
        Described::new::<Vec<wasm::PluginConfig>>(wasm::NAMESPACE, Service),
        Described::new::<Vec<wasm::PluginConfig>>(wasm::NAMESPACE, Endpoint),
        Described::new::<Vec<wasm::PluginConfig>>(wasm::NAMESPACE, Backend),
        Described::new::<middleware::jsonpath::JsonPathConfig>(
            middleware::jsonpath::NAMESPACE,
            Endpoint,
        ),
        Described::new::<middleware::jsonpath::JsonPathConfig>(
            middleware::jsonpath::NAMESPACE,
            Backend,
        ),
        Described::new::<middleware::proxy::ProxyConfig>(middleware::proxy::NAMESPACE, Endpoint),
        Described::new::<middleware::proxy::BackendProxyConfig>(
            middleware::proxy::NAMESPACE,
            Backend,
        ),
        Described::new::<middleware::conditional::ConditionalConfig>(
            middleware::conditional::NAMESPACE,
            Backend,
        ),
        Described::new::<step::BackendHttpConfig>("backend/http", Backend),
        Described::new::<torana_http::backend::HttpClientConfig>(
            torana_http::backend::NAMESPACE,
            Backend,
        ),
        Described::new::<torana_http::balance::BalancingConfig>(
            torana_http::balance::NAMESPACE,
            Backend,
        ),
    ];
    all.extend(own);
    all
}

/// `plugin/http-server` names its plugins; of those that KrakenD has only `url-rewrite` is built in here.
fn http_server() -> Value {
    json!({"type": "object", "description": "Built-in changes of requests before routing.", "properties": {
        "name": {"type": ["array", "string"], "description": "Which of them are on: `url-rewrite`."},
        "url-rewrite": rewrite::UrlRewriteConfig::schema(),
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is configured there and would not run, a guard say, would vanish without a word.
    #[test]
    fn a_workflow_runs_what_an_endpoint_runs() {
        let namespaces = |table: &'static [Row]| {
            table.iter().flat_map(|row| match row {
                Step(factory) => factory.namespaces(),
                Shadow | Balance => &[],
            })
        };
        for namespace in namespaces(ENDPOINT) {
            assert!(namespaces(WORKFLOW).any(|other| other == namespace), "{namespace}");
        }
    }

    #[test]
    fn what_is_supported_is_described() {
        let described = described();
        for Supported { namespace, level } in supported() {
            assert!(
                described.iter().any(|one| one.namespace == namespace && one.level == level),
                "{namespace} at {level:?} has no description"
            );
        }
    }
}
