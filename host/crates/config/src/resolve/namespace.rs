//! Which namespaces KrakenD has, and where (reference 17b); which of them protect something.

use super::ComponentLevel::{self, Backend, Endpoint, Service};

/// The levels at which KrakenD or this gateway knows a namespace; empty for an unknown one.
pub(super) fn levels(namespace: &str) -> &'static [ComponentLevel] {
    NAMESPACES.iter().find(|(known, _)| *known == namespace).map_or(&[], |(_, levels)| *levels)
}

/// All known namespaces.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMESPACES.iter().map(|(name, _)| *name)
}

/// Whether leaving the component out would serve something unprotected: authentication, security, validation, limits.
pub(super) fn protects(namespace: &str) -> bool {
    ["auth/", "security/", "validation/", "qos/ratelimit/", "governance/"]
        .iter()
        .any(|family| namespace.starts_with(family))
}

/// Whether somebody who wrote this name, which is none, meant a component that protects something: one of those in other
/// letters, or plugins, among which guards are.
pub(crate) fn means_to_protect(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    protects(&name) || name.starts_with("plugin/") || name.starts_with("plugins/")
}

const NAMESPACES: &[(&str, &[ComponentLevel])] = &[
    ("ai/llm", &[Backend]),
    ("ai/mcp", &[Service, Endpoint]),
    ("auth/api-keys", &[Service, Endpoint]),
    ("auth/aws-sigv4", &[Backend]),
    ("auth/basic", &[Service, Endpoint]),
    ("auth/client-credentials", &[Backend]),
    ("auth/gcp", &[Backend]),
    ("auth/ntlm", &[Backend]),
    ("auth/revoker", &[Service]),
    ("auth/signer", &[Endpoint]),
    ("auth/validator", &[Service, Endpoint]),
    ("backend/amqp/consumer", &[Backend]),
    ("backend/amqp/producer", &[Backend]),
    ("backend/conditional", &[Backend]),
    ("backend/graphql", &[Backend]),
    ("backend/grpc", &[Backend]),
    ("backend/http", &[Backend]),
    ("backend/http/client", &[Backend]),
    ("backend/lambda", &[Backend]),
    ("backend/pubsub/publisher", &[Backend]),
    ("backend/pubsub/publisher/kafka", &[Backend]),
    ("backend/pubsub/subscriber", &[Backend]),
    ("backend/pubsub/subscriber/kafka", &[Backend]),
    ("backend/soap", &[Backend]),
    ("backend/static-filesystem", &[Backend]),
    ("documentation/openapi", &[Service, Endpoint]),
    ("documentation/postman", &[Service, Endpoint]),
    ("governance/processors", &[Service]),
    ("governance/quota", &[Service, Endpoint, Backend]),
    ("grpc", &[Service]),
    ("modifier/body-generator", &[Endpoint, Backend]),
    ("modifier/jmespath", &[Endpoint, Backend]),
    ("modifier/jsonpath", &[Endpoint, Backend]),
    ("modifier/lua-backend", &[Backend]),
    ("modifier/lua-endpoint", &[Service, Endpoint]),
    ("modifier/lua-proxy", &[Endpoint]),
    ("modifier/martian", &[Backend]),
    ("modifier/request-body-extractor", &[Service, Endpoint]),
    ("modifier/request-body-extractor/early", &[Endpoint]),
    ("modifier/request-body-generator", &[Endpoint, Backend]),
    ("modifier/response-body", &[Endpoint, Backend]),
    ("modifier/response-body-generator", &[Endpoint, Backend]),
    ("modifier/response-headers", &[Service, Endpoint]),
    ("plugin/http-client", &[Backend]),
    ("plugin/http-server", &[Service]),
    ("plugin/middleware", &[Endpoint, Backend]),
    ("plugin/req-resp-modifier", &[Endpoint, Backend]),
    ("plugin/wasm", &[Service, Endpoint, Backend]),
    ("proxy", &[Endpoint, Backend]),
    ("qos/circuit-breaker", &[Backend]),
    ("qos/circuit-breaker/http", &[Backend]),
    ("qos/http-cache", &[Backend]),
    ("qos/ratelimit/proxy", &[Backend]),
    ("qos/ratelimit/router", &[Endpoint]),
    ("qos/ratelimit/router/redis", &[Endpoint]),
    ("qos/ratelimit/service", &[Service]),
    ("qos/ratelimit/service/redis", &[Service]),
    ("qos/ratelimit/tiered", &[Service, Endpoint]),
    ("redis", &[Service]),
    ("router", &[Service]),
    ("security/bot-detector", &[Service, Endpoint]),
    ("security/cors", &[Service, Endpoint]),
    ("security/http", &[Service, Endpoint]),
    ("security/policies", &[Endpoint, Backend]),
    ("server/static-filesystem", &[Service]),
    ("server/virtualhost", &[Service]),
    ("telemetry/gelf", &[Service]),
    ("telemetry/influx", &[Service]),
    ("telemetry/logging", &[Service, Backend]),
    ("telemetry/logstash", &[Service]),
    ("telemetry/metrics", &[Service]),
    ("telemetry/moesif", &[Service]),
    ("telemetry/newrelic", &[Service]),
    ("telemetry/opencensus", &[Service]),
    ("telemetry/opentelemetry", &[Service, Endpoint, Backend]),
    ("telemetry/opentelemetry-security", &[Service]),
    ("validation/cel", &[Endpoint, Backend]),
    ("validation/json-schema", &[Endpoint]),
    ("validation/response-json-schema", &[Endpoint, Backend]),
    ("websocket", &[Endpoint]),
    ("workflow", &[Backend]),
];
