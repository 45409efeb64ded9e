//! The configuration as written: every key of the root and what lies below it, before defaults are inherited.
//!
//! Lists whose elements need positions of their own are read by the resolver: here they are [`Later`].

mod backend;
mod endpoint;
mod list;
mod router;
mod tls;

use std::time::Duration;

use serde_json::Value;

pub(crate) use self::{
    backend::{Backend, Workflow},
    endpoint::Endpoint,
    list::{
        Components, Encoding, Later, List, Method, OutputEncoding, ServiceDiscovery, TlsVersion,
    },
    router::Router,
    tls::{ClientTls, ServerTls},
};
use crate::FromConfig;

crate::config! {
    /// The whole file. A key that starts with `@`, `$`, `_` or `#` is a comment, here and in every object below.
    pub(crate) struct Gateway {
        /// Version of this format. Required; must be 3.
        "version" version: Option<i64> = None,
        /// What logs, traces and metrics call this gateway.
        "name" name: String = String::new(),
        /// TCP port to listen on; 0 means 8080. `--port` and `KRAKEND_PORT` override it.
        "port" port: u16 = 8080,
        /// IPv4 or IPv6 address to listen on. Without it the gateway listens on all.
        "listen_ip" listen_ip: Option<String> = None,
        /// Time limit of a whole exchange, for endpoints without their own; 0 means 2s.
        "timeout" timeout: Duration = Duration::from_secs(2),
        /// For how long clients may cache complete answers of endpoints without their own.
        "cache_ttl" cache_ttl: Duration = Duration::ZERO,
        /// How answers are written by endpoints without their own.
        "output_encoding" output_encoding: Option<OutputEncoding> = None,
        /// Hosts of backends without their own, such as `http://users:8080`.
        "host" host: List<String> = List::default(),
        /// The public methods and paths.
        "endpoints" endpoints: Later<Endpoint> = Later::default(),
        /// Consumers of message queues. Not built yet: a warning says so.
        "async_agent" async_agent: Option<Value> = None,
        /// Components of the service level, by namespace.
        "extra_config" extra_config: Components = Components,
        /// TLS of the listener.
        "tls" tls: Option<ServerTls> = None,
        /// TLS towards backends.
        "client_tls" client_tls: Option<ClientTls> = None,
        /// HTTP/2 without TLS on the listener.
        "use_h2c" use_h2c: bool = false,
        /// Time limit for reading one whole request; 0 is none.
        "read_timeout" read_timeout: Duration = Duration::ZERO,
        /// Time limit from the end of a request's head to the end of its answer; 0 is none.
        "write_timeout" write_timeout: Duration = Duration::ZERO,
        /// Time limit between two requests of a connection; 0 takes `read_timeout`.
        "idle_timeout" idle_timeout: Duration = Duration::ZERO,
        /// Time limit for reading a request's head; 0 takes `read_timeout`.
        "read_header_timeout" read_header_timeout: Duration = Duration::ZERO,
        /// Bytes that request line and headers may have together; 0 means 1 MiB.
        "max_header_bytes" max_header_bytes: usize = 1 << 20,
        /// How long a shutdown waits for requests in flight; 0 waits for ever.
        "max_shutdown_wait_time" max_shutdown_wait_time: Duration = Duration::ZERO,
        /// A new connection for each call of a backend.
        "disable_keep_alives" disable_keep_alives: bool = false,
        /// Do not ask backends for compressed answers.
        "disable_compression" disable_compression: bool = false,
        /// Idle connections to all backends together; 0 is no limit.
        "max_idle_connections" max_idle_connections: usize = 0,
        /// Idle connections to one backend host; 0 means 250.
        "max_idle_connections_per_host" max_idle_connections_per_host: usize = 250,
        /// How long a connection to a backend may be idle; 0 is no limit.
        "idle_connection_timeout" idle_connection_timeout: Duration = Duration::ZERO,
        /// Time limit from the end of a backend call to the head of its answer; 0 is none.
        "response_header_timeout" response_header_timeout: Duration = Duration::ZERO,
        /// How long to wait for `100 Continue` before the body is sent; 0 does not wait.
        "expect_continue_timeout" expect_continue_timeout: Duration = Duration::ZERO,
        /// Time limit for connecting to a backend; 0 leaves it to the system.
        "dialer_timeout" dialer_timeout: Duration = Duration::ZERO,
        /// Interval of TCP keep-alive probes; 0 means 15s.
        "dialer_keep_alive" dialer_keep_alive: Duration = Duration::from_secs(15),
        /// Head start of the first address family when a name has both; 0 means 300ms.
        "dialer_fallback_delay" dialer_fallback_delay: Duration = Duration::from_millis(300),
        /// How long names of `sd: dns` are kept. No effect until DNS discovery is built.
        "dns_cache_ttl" dns_cache_ttl: Duration = Duration::from_secs(30),
        /// Accept any certificate of a backend. Old; `client_tls.allow_insecure_connections` is today's key.
        "allow_insecure_connections" allow_insecure_connections: bool = false,
        /// Placeholders may stand anywhere in a segment of an endpoint's path: `/file.{ext}`.
        "disable_rest" disable_rest: bool = false,
        /// Serve `/__debug/`. `--debug` does the same.
        "debug_endpoint" debug_endpoint: bool = false,
        /// Serve `/__echo/`, which answers with the request.
        "echo_endpoint" echo_endpoint: bool = false,
        /// Start message queue consumers before the listener. No effect here.
        "sequential_start" sequential_start: bool = false,
        /// Folder of Go plugins. They cannot run here: a warning says so.
        "plugin" plugin: Option<Plugin> = None,
    }
}

crate::config! {
    /// Where KrakenD looks for Go plugins.
    pub(crate) struct Plugin {
        /// Folder.
        "folder" folder: String = String::new(),
        /// Part of the file names.
        "pattern" pattern: String = String::new(),
    }
}

impl Gateway {
    /// Keys whose values are neither objects nor arrays: the environment may override them (reference 2.1).
    pub(crate) fn scalar_keys() -> impl Iterator<Item = &'static str> {
        const OTHERS: [&str; 7] =
            ["host", "endpoints", "async_agent", "extra_config", "tls", "client_tls", "plugin"];
        <Self as crate::Documented>::fields()
            .into_iter()
            .map(|field| field.key)
            .filter(|key| !OTHERS.contains(key))
    }
}

/// The JSON schema of the whole file; components are left open.
pub(crate) fn schema() -> Value {
    let mut schema = <Gateway as FromConfig>::schema();
    require(&mut schema, "", &["version"]);
    schema["properties"]["version"]["const"] = 3.into();
    require(&mut schema, "/properties/endpoints/items", &["endpoint", "backend"]);
    require(&mut schema, "/properties/tls/properties/keys/items", &["public_key", "private_key"]);
    let pairs = "/properties/client_tls/properties/client_certs/items";
    require(&mut schema, pairs, &["certificate", "private_key"]);
    // A good file may have no endpoint yet.
    if let Some(Value::Object(endpoints)) = schema.pointer_mut("/properties/endpoints") {
        endpoints.remove("minItems");
    }
    schema
}

/// The JSON schema of a workflow.
pub(crate) fn workflow_schema() -> Value {
    let mut schema = <Workflow as FromConfig>::schema();
    require(&mut schema, "", &["endpoint", "backend"]);
    schema
}

/// Keys whose absence the resolver reports itself, with more to say than their names.
fn require(schema: &mut Value, object: &str, keys: &[&str]) {
    if let Some(object) = schema.pointer_mut(object) {
        object["required"] = keys.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_reaches_down_to_backends() {
        let schema = schema();
        let backend = "/properties/endpoints/items/properties/backend/items";
        let backend = schema.pointer(backend).expect("backends are described");
        assert_eq!(backend["properties"]["encoding"]["enum"][0], "json");
        assert_eq!(backend["properties"]["sd"]["default"], "static");
        let endpoint = &schema["properties"]["endpoints"]["items"];
        assert_eq!(endpoint["required"], serde_json::json!(["endpoint", "backend"]));
        assert_eq!(endpoint["patternProperties"]["^[@$_#]"], serde_json::json!({}));
        assert_eq!(schema["properties"]["timeout"]["default"], "2s");
        let keys = &schema["properties"]["tls"]["properties"]["keys"]["items"];
        assert_eq!(keys["required"][0], "public_key");
        assert_eq!(workflow_schema()["properties"]["backend"]["items"]["type"], "object");
    }

    #[test]
    fn every_key_has_a_meaning() {
        fn check(schema: &Value, at: &str) {
            let Some(properties) = schema["properties"].as_object() else { return };
            for (key, property) in properties {
                let description = property["description"].as_str().unwrap_or_default();
                assert!(description.ends_with('.'), "{at}/{key}: {description}");
                check(property, &format!("{at}/{key}"));
                check(&property["items"], &format!("{at}/{key}/*"));
            }
        }
        check(&schema(), "");
        check(&workflow_schema(), "workflow");
        check(&<Router as FromConfig>::schema(), "router");
    }

    #[test]
    fn the_environment_reaches_only_scalars() {
        let schema = schema();
        for key in Gateway::scalar_keys() {
            let kind = &schema["properties"][key]["type"];
            assert!(kind != "array" && kind != "object", "{key}");
        }
    }
}
