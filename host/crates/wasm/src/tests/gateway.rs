//! A small configuration with plugins at one level.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use serde_json::Value;
use torana_config::{
    Pointer,
    valid::{
        Backend, ClientSettings, Component, Encoding, Endpoint, Extra, Gateway, Host, Method,
        Names, OutputEncoding, Route, RouteSegment, RouterOptions, ServerTimeouts,
        ServiceDiscovery, UrlPattern,
    },
};

use super::At;
use crate::factory::NAMESPACE;

/// A gateway with one endpoint with one backend.
pub(super) fn gateway(at: At, plugins: Value) -> Gateway {
    let component =
        Component { namespace: NAMESPACE.into(), value: plugins, at: Pointer::parse("/plugins") };
    let extra = |here: bool| Extra(here.then(|| component.clone()).into_iter().collect());
    let backend = Backend {
        encoding: if at == At::NoOpBackend { Encoding::NoOp } else { Encoding::Json },
        extra: extra(matches!(at, At::Backend | At::NoOpBackend)),
        ..backend()
    };
    let endpoint = Endpoint { extra: extra(at == At::Endpoint), ..endpoint(backend) };
    Gateway { extra: extra(at == At::Service), ..empty(endpoint) }
}

fn backend() -> Backend {
    Backend {
        hosts: vec![Host {
            url: "http://users:8080".into(),
            scheme: "http".into(),
            name: "users".into(),
            port: Some(8080),
            base_path: String::new(),
            at: Pointer::root(),
        }],
        service_discovery: ServiceDiscovery::Static,
        url_pattern: UrlPattern { source: "/".into(), path: vec![], query: vec![] },
        method: Method::Get,
        encoding: Encoding::Json,
        is_collection: false,
        target: None,
        allow: vec![],
        deny: vec![],
        mapping: BTreeMap::new(),
        group: None,
        input_headers: vec![],
        input_query_strings: vec![],
        workflow: None,
        extra: Extra::default(),
        at: Pointer::root(),
    }
}

fn endpoint(backend: Backend) -> Endpoint {
    Endpoint {
        path: "/users/{id}".into(),
        route: Route {
            segments: vec![RouteSegment::Param("id".into())],
            wildcard: false,
            catch_all: false,
        },
        method: Method::Get,
        timeout: Duration::from_secs(2),
        cache_ttl: Duration::ZERO,
        concurrent_calls: 1,
        input_headers: Names::Default,
        input_query_strings: Names::Default,
        output_encoding: OutputEncoding::Json,
        backends: vec![backend],
        extra: Extra::default(),
        at: Pointer::root(),
    }
}

fn empty(endpoint: Endpoint) -> Gateway {
    Gateway {
        name: String::new(),
        port: 0,
        listen_ip: Ipv4Addr::LOCALHOST.into(),
        server_timeouts: ServerTimeouts::default(),
        max_header_bytes: 1 << 20,
        use_h2c: false,
        tls: None,
        client: ClientSettings {
            disable_keep_alives: false,
            disable_compression: false,
            max_idle_connections: None,
            max_idle_connections_per_host: 250,
            idle_connection_timeout: None,
            response_header_timeout: None,
            expect_continue_timeout: None,
            dialer_timeout: None,
            dialer_keep_alive: Duration::from_secs(15),
            dialer_fallback_delay: Duration::from_millis(300),
            tls: None,
        },
        debug_endpoint: false,
        echo_endpoint: false,
        max_shutdown_wait: None,
        router: RouterOptions {
            return_error_msg: false,
            honest_status: false,
            error_body_404: None,
            error_body_405: None,
            hide_version_header: false,
            health_path: None,
            disable_access_log: false,
            logger_skip_paths: vec![],
            disable_redirect_trailing_slash: false,
            disable_redirect_fixed_path: false,
            remove_extra_slash: false,
            disable_handle_method_not_allowed: false,
            disable_path_decoding: false,
            auto_options: false,
            forwarded_by_client_ip: false,
            remote_ip_headers: vec![],
            trusted_proxies: None,
            app_engine: false,
            max_payload: None,
            decompress_gzip: false,
            gzip: false,
            proxy_protocol: false,
        },
        endpoints: vec![endpoint],
        extra: Extra::default(),
    }
}
