//! Tests of the rules together: what a file means, what is reported, where.

use std::{net::IpAddr, time::Duration};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    Format, Severity, codes,
    valid::{
        Encoding, Gateway, Method, Names, Network, OutputEncoding, PatternPart, ServiceDiscovery,
        TlsVersion,
    },
};

struct Outcome {
    gateway: Option<Gateway>,
    out: Diagnostics,
    document: Document,
}

impl Outcome {
    /// The findings as `severity code pointer`.
    fn findings(&self) -> Vec<String> {
        let word = |severity| if severity == Severity::Error { "error" } else { "warning" };
        self.out.iter().map(|d| format!("{} {} {}", word(d.severity), d.code, d.at)).collect()
    }

    fn help(&self) -> &str {
        self.out.iter().next().unwrap().help.as_deref().unwrap()
    }

    fn gateway(&self) -> &Gateway {
        assert_eq!(self.findings(), [""; 0]);
        self.gateway.as_ref().unwrap()
    }
}

fn with(value: &Value, options: &Options) -> Outcome {
    let document = Document::parse("krakend.json", value.to_string(), Format::Json).unwrap();
    let mut out = Diagnostics::default();
    let gateway = resolve(&document, options, &mut out);
    for finding in out.iter() {
        assert!(codes().iter().any(|(code, _)| *code == finding.code), "{}", finding.code);
        assert!(!finding.message.ends_with('.'), "{}", finding.message);
    }
    Outcome { gateway, out, document }
}

fn supported() -> Options {
    let at = |namespace, level| Supported { namespace, level };
    Options {
        supported: vec![
            at("proxy", ComponentLevel::Endpoint),
            at("proxy", ComponentLevel::Backend),
            at("backend/http", ComponentLevel::Backend),
            at("plugin/wasm", ComponentLevel::Service),
            at("our/own", ComponentLevel::Endpoint),
            at("server/virtualhost", ComponentLevel::Service),
        ],
        ..Options::default()
    }
}

/// A root with these members beside version and host.
fn root(members: Value) -> Outcome {
    let mut value = json!({"version": 3, "host": ["http://users:8080"]});
    value.as_object_mut().unwrap().append(&mut members.as_object().unwrap().clone());
    with(&value, &supported())
}

/// One endpoint with one backend, each with these members.
fn endpoint(endpoint: Value, backend: Value) -> Outcome {
    let mut one = json!({"endpoint": "/a/{id}"});
    one.as_object_mut().unwrap().append(&mut endpoint.as_object().unwrap().clone());
    if one.get("backend").is_none() {
        let mut call = json!({"url_pattern": "/"});
        call.as_object_mut().unwrap().append(&mut backend.as_object().unwrap().clone());
        one["backend"] = json!([call]);
    }
    root(json!({"endpoints": [one]}))
}

#[test]
fn an_empty_root_has_all_defaults() {
    let outcome = with(&json!({"version": 3}), &Options::default());
    let gateway = outcome.gateway();
    assert_eq!(gateway.port, 8080);
    assert!(gateway.listen_ip.is_unspecified());
    assert_eq!(gateway.max_header_bytes, 1 << 20);
    assert_eq!(gateway.client.max_idle_connections_per_host, 250);
    assert_eq!(gateway.client.dialer_keep_alive, Duration::from_secs(15));
    assert_eq!(gateway.client.dialer_fallback_delay, Duration::from_millis(300));
    assert_eq!(gateway.client.tls, None);
    assert_eq!(gateway.max_shutdown_wait, None);
    assert_eq!(gateway.router.health_path.as_deref(), Some("/__health"));
    assert_eq!(gateway.router.remote_ip_headers, ["X-Forwarded-For", "X-Real-IP"]);
    assert!(gateway.router.forwarded_by_client_ip && gateway.router.gzip);
    assert_eq!(gateway.router.trusted_proxies, None);
    assert!(gateway.endpoints.is_empty() && gateway.tls.is_none());
}

#[test]
fn zero_counts_as_unset() {
    let outcome = root(json!({
        "port": 0, "timeout": "0s", "max_idle_connections_per_host": 0, "max_header_bytes": 0,
        "dialer_keep_alive": "0s", "read_timeout": "5s", "listen_ip": "",
        "endpoints": [{"endpoint": "/", "timeout": 0, "concurrent_calls": 0, "method": "",
                       "backend": [{"url_pattern": "/"}]}],
    }));
    let gateway = outcome.gateway();
    assert_eq!(gateway.port, 8080);
    assert_eq!(gateway.endpoints[0].timeout, Duration::from_secs(2));
    assert_eq!(gateway.endpoints[0].concurrent_calls, 1);
    assert_eq!(gateway.endpoints[0].method, Method::Get);
    assert_eq!(gateway.client.max_idle_connections_per_host, 250);
    assert_eq!(gateway.server_timeouts.idle, Some(Duration::from_secs(5)));
    assert_eq!(gateway.server_timeouts.read_header, Some(Duration::from_secs(5)));
    assert_eq!(gateway.server_timeouts.write, None);
}

#[test]
fn the_version_must_be_three() {
    let outcome = with(&json!({"version": 2}), &Options::default());
    assert_eq!(outcome.findings(), ["error unsupported-version /version"]);
    let message = &outcome.out.iter().next().unwrap().message;
    assert_eq!(message, "unsupported version: 2 (want: 3)");
    let outcome = with(&json!({}), &Options::default());
    assert_eq!(outcome.findings(), ["error unsupported-version /version"]);
}

#[test]
fn a_document_that_is_no_object() {
    let outcome = with(&json!([1]), &Options::default());
    assert_eq!(outcome.findings(), ["error wrong-type "]);
    assert!(outcome.gateway.is_none());
}

#[test]
fn all_problems_at_once() {
    let outcome = with(
        &json!({
            "version": 4, "prot": 1, "port": "x", "listen_ip": "localhost",
            "endpoints": [
                {"endpoint": "/__health", "backend": [{"host": ["http://a/b"]}]},
                7,
                {"timeout": "2", "backend": []},
                {"endpoint": "/ok", "backend": [{"host": ["a"], "url_pattern": "/{x}"}]},
            ],
        }),
        &Options::default(),
    );
    let mut findings = outcome.findings();
    findings.sort();
    let expected = [
        "error invalid-address /listen_ip",
        "error invalid-duration /endpoints/2/timeout",
        "error invalid-host /endpoints/0/backend/0/host/0",
        "error missing-key /endpoints/2",
        "error no-backend /endpoints/2/backend",
        "error reserved-path /endpoints/0/endpoint",
        "error undefined-parameter /endpoints/3/backend/0/url_pattern",
        "error unsupported-version /version",
        "error wrong-type /endpoints/1",
        "error wrong-type /port",
        "warning unknown-key /prot",
    ];
    assert_eq!(findings, expected);
    assert!(outcome.gateway.is_some());
}

#[test]
fn comment_keys_are_ignored_everywhere() {
    let comments = json!({"@comment": 1, "$schema": "x", "_a": {}, "#b": []});
    let mut value = json!({
        "version": 3, "host": ["a"], "extra_config": {"router": {}, "plugin/wasm": {}},
        "endpoints": [{"endpoint": "/", "extra_config": {"proxy": {}},
                       "backend": [{"url_pattern": "/", "extra_config": {}}]}],
    });
    for pointer in [
        "",
        "/extra_config",
        "/extra_config/router",
        "/endpoints/0",
        "/endpoints/0/extra_config",
        "/endpoints/0/backend/0",
        "/endpoints/0/backend/0/extra_config",
    ] {
        let object = value.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        object.append(&mut comments.as_object().unwrap().clone());
    }
    with(&value, &supported()).gateway();
}

#[test]
fn endpoints_inherit_from_the_root() {
    let outcome = root(json!({
        "timeout": "100ms", "cache_ttl": "1m", "output_encoding": "string",
        "endpoints": [
            {"endpoint": "a", "backend": [{"url_pattern": "x"}]},
            {"endpoint": "/b", "timeout": "1s", "cache_ttl": "1s", "output_encoding": "json",
             "method": "post", "input_headers": ["X-A", "*"], "input_query_strings": ["q"],
             "backend": [{"host": ["https://b/"], "url_pattern": "/x", "method": "put"}]},
        ],
    }));
    let [a, b] = outcome.gateway().endpoints.as_slice() else { panic!("two endpoints") };
    assert_eq!((a.path.as_str(), a.timeout), ("/a", Duration::from_millis(100)));
    assert_eq!((a.cache_ttl, a.output_encoding), (Duration::from_secs(60), OutputEncoding::String));
    assert_eq!(a.input_headers, Names::Default);
    assert_eq!(a.backends[0].hosts[0].url, "http://users:8080");
    assert_eq!(a.backends[0].hosts[0].at.as_str(), "/host/0");
    assert_eq!((b.timeout, b.output_encoding), (Duration::from_secs(1), OutputEncoding::Json));
    assert_eq!((b.method, b.backends[0].method), (Method::Post, Method::Put));
    assert_eq!(b.input_headers, Names::All);
    assert_eq!(b.input_query_strings, Names::Listed(vec!["q".to_owned()]));
    assert_eq!(b.backends[0].hosts[0].url, "https://b");
    assert_eq!(b.backends[0].hosts[0].at.as_str(), "/endpoints/1/backend/0/host/0");
}

#[test]
fn a_backend_takes_the_method_of_its_endpoint() {
    let outcome = endpoint(json!({"method": "PATCH"}), json!({}));
    assert_eq!(outcome.gateway().endpoints[0].backends[0].method, Method::Patch);
}

#[test]
fn the_environment_names_forward_proxies() {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let value = json!({"version": 3});
    let environment = vec![set("HTTPS_PROXY", "proxy.test:3128"), set("NO_PROXY", ".inside.test")];
    let options = Options { environment, ..Options::default() };
    let outcome = with(&value, &options);
    let proxies = &outcome.gateway().client.proxies;
    let url = proxies.find(true, "a.test", 443).map(crate::valid::ForwardProxy::url);
    assert_eq!(url.as_deref(), Some("http://proxy.test:3128"));
    assert_eq!(proxies.find(true, "a.inside.test", 443), None);
    assert_eq!(proxies.find(false, "a.test", 80), None);
    let options = Options { environment: vec![set("http_proxy", "a b")], ..Options::default() };
    assert_eq!(with(&value, &options).findings(), ["error invalid-proxy "]);
}

#[test]
fn the_environment_overrides_scalars_of_the_root() {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let value = json!({"version": 3, "name": "file", "debug_endpoint": false});
    let environment = vec![
        set("KRAKEND_PORT", "9999"),
        set("KRAKEND_NAME", "krakend"),
        set("TORANA_NAME", "torana"),
        set("KRAKEND_DEBUG_ENDPOINT", "true"),
        set("KRAKEND_TIMEOUT", "5s"),
        set("KRAKEND_ENDPOINTS", "[]"),
        set("KRAKEND_SERVICE_HOST", "10.0.0.1"),
        set("KRAKEND_USE_H2C", ""),
        set("PORT", "1"),
    ];
    let options = Options { environment, ..Options::default() };
    let outcome = with(&value, &options);
    let gateway = outcome.gateway();
    assert_eq!((gateway.port, gateway.name.as_str()), (9999, "torana"));
    assert!(gateway.debug_endpoint && !gateway.use_h2c);
    let options = Options { port: Some(0), debug: true, ..options };
    assert_eq!(with(&value, &options).gateway().port, 0);
}

#[test]
fn wrong_variables_are_named() {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = vec![set("KRAKEND_PORT", "tcp://10.0.0.1:8080"), set("TORANA_TIMEOUT", "x")];
    let options = Options { environment, ..Options::default() };
    let outcome = with(&json!({"version": 3, "port": 7}), &options);
    let expected = ["warning environment-ignored /port", "error invalid-duration /timeout"];
    assert_eq!(outcome.findings(), expected);
    let messages: Vec<_> = outcome.out.iter().map(|d| d.message.as_str()).collect();
    assert!(messages[1].starts_with("the environment variable TORANA_TIMEOUT: "), "{messages:?}");
    assert_eq!(outcome.gateway.unwrap().port, 7);
}

#[test]
fn wrong_variables_are_named_also_where_the_value_has_the_right_type() {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = vec![set("KRAKEND_LISTEN_IP", "localhost"), set("KRAKEND_VERSION", "2")];
    let options = Options { environment, ..Options::default() };
    let value = json!({"version": 3, "listen_ip": "127.0.0.1", "prot": 1});
    let outcome = with(&value, &options);
    let messages: Vec<_> = outcome.out.iter().map(|d| d.message.as_str()).collect();
    let named = |variable: &str| {
        let start = format!("the environment variable {variable}: ");
        messages.iter().filter(|message| message.starts_with(&start)).count()
    };
    assert_eq!((named("KRAKEND_LISTEN_IP"), named("KRAKEND_VERSION")), (1, 1), "{messages:?}");
    assert!(messages.contains(&"unknown key `prot`"), "{messages:?}");
}

#[test]
fn durations_without_a_unit_are_worth_a_warning() {
    let outcome = root(json!({"timeout": 3000, "cache_ttl": 0}));
    assert_eq!(outcome.findings(), ["warning duration-without-unit /timeout"]);
    let outcome = root(json!({"timeout": -1}));
    assert_eq!(outcome.findings(), ["error invalid-duration /timeout"]);
}

#[test]
fn endpoints_survive_an_override() {
    let value = json!({"version": 3, "host": ["a"],
                       "endpoints": [{"endpoint": "/", "backend": [{"url_pattern": "/"}]}]});
    let environment = vec![("KRAKEND_PORT".to_owned(), "1".to_owned())];
    let outcome = with(&value, &Options { environment, ..Options::default() });
    assert_eq!(outcome.gateway().endpoints.len(), 1);
}

#[test]
fn listen_ip_is_an_address() {
    let outcome = root(json!({"listen_ip": "::1"}));
    assert_eq!(outcome.gateway().listen_ip, "::1".parse::<IpAddr>().unwrap());
}

#[test]
fn hosts_without_sanitising() {
    let outcome = endpoint(
        json!({}),
        json!({"host": ["https://api.example/v1/"], "disable_host_sanitize": true}),
    );
    let host = &outcome.gateway().endpoints[0].backends[0].hosts[0];
    assert_eq!((host.url.as_str(), host.base_path.as_str()), ("https://api.example/v1", "/v1"));
    let outcome = root(json!({"host": ["http://a/base"]}));
    assert_eq!(outcome.findings(), ["error invalid-host /host/0"]);
    let dynamic = json!({"host": ["http://{input_headers.X}"], "disable_host_sanitize": true});
    let outcome = endpoint(json!({}), dynamic);
    let at = "/endpoints/0/backend/0/host/0";
    assert_eq!(outcome.findings(), [format!("error dynamic-routing-not-built {at}")]);
}

#[test]
fn a_call_without_a_host() {
    let value = |extra: Value| {
        json!({"version": 3, "endpoints": [{"endpoint": "/", "backend": [
            {"url_pattern": "/", "extra_config": extra}]}]})
    };
    let http = with(&value(json!({"backend/http": {}})), &supported());
    assert_eq!(http.findings(), ["error no-host /endpoints/0/backend/0"]);
    let lambda = with(&value(json!({"backend/lambda": {}})), &supported());
    let at = "/endpoints/0/backend/0/extra_config/backend~1lambda";
    assert_eq!(lambda.findings(), [format!("warning component-ignored {at}")]);
}

#[test]
fn equal_routes_are_found() {
    let call = json!([{"url_pattern": "/"}]);
    let outcome = root(json!({"endpoints": [
        {"endpoint": "/a/{x}", "backend": call},
        {"endpoint": "/a/{y}", "backend": call},
        {"endpoint": "/a/{x}", "method": "POST", "backend": call},
        {"endpoint": "/a/{z}/b", "backend": call},
        {"endpoint": "/a/{z}/b/", "backend": call},
        {"endpoint": "/w/*", "backend": call},
        {"endpoint": "/w/*", "backend": call},
        {"endpoint": "/__catchall", "backend": call},
        {"endpoint": "/__catchall", "method": "POST", "backend": call},
    ]}));
    let expected = [1, 6, 8].map(|i| format!("error duplicate-route /endpoints/{i}/endpoint"));
    assert_eq!(outcome.findings(), expected);
    let related: Vec<_> =
        outcome.out.iter().map(|d| d.related.as_ref().unwrap().0.as_str()).collect();
    assert_eq!(
        related,
        ["/endpoints/0/endpoint", "/endpoints/5/endpoint", "/endpoints/7/endpoint"]
    );
    let located = outcome.document.locate_all(&outcome.out);
    let precedes = |one: &crate::Located| {
        one.related.as_ref().is_some_and(|(first, _)| first.start < one.span.start)
    };
    assert!(located.iter().all(precedes));
}

#[test]
fn the_health_path_is_taken() {
    let outcome = root(json!({
        "extra_config": {"router": {"health_path": "up"}},
        "endpoints": [{"endpoint": "/up", "backend": [{"url_pattern": "/"}]}],
    }));
    assert_eq!(outcome.findings(), ["error duplicate-route /endpoints/0/endpoint"]);
    let outcome = root(json!({"extra_config": {"router": {"disable_health": true}}}));
    assert_eq!(outcome.gateway().router.health_path, None);
}

#[test]
fn no_op_has_one_backend() {
    let two = json!([{"url_pattern": "/"}, {"url_pattern": "/", "extra_config": {"proxy": {"shadow": true}}}]);
    let outcome = endpoint(json!({"output_encoding": "no-op", "backend": two}), json!({}));
    assert_eq!(outcome.findings(), ["error no-op-needs-one-backend /endpoints/0/backend"]);
    let outcome = endpoint(json!({"output_encoding": "no-op"}), json!({"encoding": "xml"}));
    let endpoint = &outcome.gateway().endpoints[0];
    assert_eq!(endpoint.output_encoding, OutputEncoding::NoOp);
    assert_eq!(endpoint.backends[0].encoding, Encoding::NoOp);
}

#[test]
fn unknown_encodings_mean_json() {
    let outcome = endpoint(json!({"output_encoding": "no_op"}), json!({"encoding": "form"}));
    let expected = [
        "warning unknown-encoding /endpoints/0/output_encoding",
        "warning unknown-encoding /endpoints/0/backend/0/encoding",
    ];
    assert_eq!(outcome.findings(), expected);
    assert_eq!(outcome.help(), "did you mean `no-op`?");
    let endpoint_found = &outcome.gateway.as_ref().unwrap().endpoints[0];
    assert_eq!(endpoint_found.output_encoding, OutputEncoding::Json);
    assert_eq!(endpoint_found.backends[0].encoding, Encoding::Json);
    let outcome = endpoint(json!({"output_encoding": "x"}), json!({"encoding": "string"}));
    let gateway = outcome.gateway.unwrap();
    assert_eq!(gateway.endpoints[0].output_encoding, OutputEncoding::String);
}

#[test]
fn methods() {
    let outcome = endpoint(json!({"method": "GETT"}), json!({"method": "BREW"}));
    let expected = [
        "error unknown-method /endpoints/0/method",
        "error unknown-method /endpoints/0/backend/0/method",
    ];
    assert_eq!(outcome.findings(), expected);
    assert_eq!(outcome.help(), "did you mean `GET`?");
    let outcome = endpoint(json!({"method": "TRACE"}), json!({}));
    assert_eq!(outcome.findings(), ["warning method-not-routed /endpoints/0/method"]);
    assert!(outcome.gateway.unwrap().endpoints.is_empty());
}

#[test]
fn sequences_use_earlier_answers() {
    let backends = json!([{"url_pattern": "/a"}, {"url_pattern": "/{resp0_user.id}"}]);
    let sequential = json!({"backend": backends, "extra_config": {"proxy": {"sequential": true}}});
    let outcome = endpoint(sequential, json!({}));
    let found = &outcome.gateway().endpoints[0].backends[1].url_pattern.path[1];
    let expected = PatternPart::Response {
        backend: 0,
        path: "user.id".to_owned(),
        name: "resp0_user.id".to_owned(),
    };
    assert_eq!(found, &expected);
    let outcome = endpoint(json!({"backend": backends}), json!({}));
    let at = "/endpoints/0/backend/1/url_pattern";
    assert_eq!(outcome.findings(), [format!("error response-out-of-reach {at}")]);
}

#[test]
fn tls_of_the_listener() {
    let pair = json!({"public_key": "c.pem", "private_key": "k.pem"});
    let outcome = root(json!({"tls": {"keys": [pair]}}));
    let tls = outcome.gateway().tls.clone().unwrap();
    assert_eq!((tls.min_version, tls.max_version), (TlsVersion::Tls13, TlsVersion::Tls13));
    assert_eq!(tls.keys[0].at.as_str(), "/tls/keys/0");
    assert!(tls.system_ca_pool && !tls.mtls);
    let old = json!({"public_key": "c.pem", "private_key": "k.pem", "min_version": "TLS12",
                     "cipher_suites": [4865, 49195], "curve_preferences": [29, 23]});
    let outcome = root(json!({"tls": old}));
    let tls = outcome.gateway().tls.clone().unwrap();
    assert_eq!((tls.min_version, tls.keys.len()), (TlsVersion::Tls12, 1));
    assert_eq!((tls.cipher_suites, tls.curve_preferences), (vec![49195], vec![29, 23]));
    assert!(root(json!({"tls": {"disabled": true}})).gateway().tls.is_none());
}

#[test]
fn wrong_tls() {
    for (tls, expected) in [
        (json!({}), vec!["error missing-tls-key /tls"]),
        (json!({"keys": [{"public_key": "c"}]}), vec!["error missing-tls-key /tls/keys/0"]),
        (json!({"public_key": "c"}), vec!["error missing-tls-key /tls"]),
    ] {
        assert_eq!(root(json!({"tls": tls})).findings(), expected, "{tls}");
    }
    for (tls, expected) in [
        (json!({"min_version": "TLS10"}), vec!["error tls-version /client_tls/min_version"]),
        (json!({"min_version": "TLS14"}), vec!["warning tls-version /client_tls/min_version"]),
        (json!({"max_version": "TLS12"}), vec!["error tls-version /client_tls/min_version"]),
        (
            json!({"cipher_suites": [49195, 47]}),
            vec!["warning tls-number /client_tls/cipher_suites/1"],
        ),
        (
            json!({"curve_preferences": [25]}),
            vec![
                "warning tls-number /client_tls/curve_preferences/0",
                "error tls-number /client_tls/curve_preferences",
            ],
        ),
    ] {
        assert_eq!(root(json!({"client_tls": tls})).findings(), expected, "{tls}");
    }
}

#[test]
fn tls_towards_backends() {
    let outcome = root(json!({"client_tls": {}}));
    let tls = outcome.gateway().client.tls.clone().unwrap();
    assert_eq!(tls.min_version, TlsVersion::Tls13);
    let outcome = root(json!({"allow_insecure_connections": true}));
    let tls = outcome.gateway().client.tls.clone().unwrap();
    assert!(tls.allow_insecure_connections && tls.system_ca_pool);
}

#[test]
fn router_options() {
    let outcome = root(json!({"extra_config": {"router": {
        "trusted_proxies": ["10.0.0.0/8", "::1"], "error_body": {"404": {"a": 1}},
        "max_payload": "1MB", "disable_gzip": true, "use_h2c": true, "honest_status": true,
        "proxy_protocol": true,
    }}}));
    let gateway = outcome.gateway();
    let router = &gateway.router;
    let networks = [
        Network { address: "10.0.0.0".parse().unwrap(), prefix: 8 },
        Network { address: "::1".parse().unwrap(), prefix: 128 },
    ];
    assert_eq!(router.trusted_proxies.as_deref(), Some(networks.as_slice()));
    assert_eq!(router.error_body_404, Some(json!({"a": 1})));
    assert_eq!((router.error_body_405.as_ref(), router.max_payload), (None, Some(1_000_000)));
    assert!(!router.gzip && router.honest_status && router.proxy_protocol && gateway.use_h2c);
    assert!(gateway.extra.get("router").is_none());

    let outcome = root(json!({"extra_config": {"router": {
        "trusted_proxies": ["10.0.0.0/33", "proxy", "1.2.3.4/+8"], "healht_path": "/"}}}));
    let at = "/extra_config/router";
    let expected = [
        format!("warning unknown-key {at}/healht_path"),
        format!("error invalid-network {at}/trusted_proxies/0"),
        format!("error invalid-network {at}/trusted_proxies/1"),
        format!("error invalid-network {at}/trusted_proxies/2"),
    ];
    assert_eq!(outcome.findings(), expected);
    assert_eq!(
        root(json!({"extra_config": {"router": 1}})).findings(),
        [format!("error wrong-type {at}")]
    );
}

#[test]
fn old_namespaces_are_made_new() {
    let old = "github.com/devopsfaith/krakend/proxy";
    let outcome = endpoint(json!({"extra_config": {old: {"static": {}}}}), json!({}));
    let proxy = outcome.gateway().endpoints[0].extra.get("proxy").unwrap();
    assert_eq!(proxy.value, json!({"static": {}}));
    assert_eq!(proxy.at.segments().last().as_deref(), Some(old));

    let both = json!({"extra_config": {old: {"sequential": false}, "proxy": {"sequential": true}}});
    let outcome = endpoint(both, json!({}));
    let at = "/endpoints/0/extra_config/github.com~1devopsfaith~1krakend~1proxy";
    assert_eq!(outcome.findings(), [format!("warning shadowed-namespace {at}")]);
    let gateway = outcome.gateway.unwrap();
    assert_eq!(gateway.endpoints[0].extra.0.len(), 1);
    assert_eq!(gateway.endpoints[0].extra.0[0].value, json!({"sequential": true}));

    let router = json!({"github_com/luraproject/lura/router/gin": {"disable_health": true}});
    assert_eq!(root(json!({"extra_config": router})).gateway().router.health_path, None);
}

#[test]
fn components_that_are_not_there() {
    let at = "/endpoints/0/extra_config";
    for (name, expected) in [
        ("auth/validator", "error component-not-built"),
        ("github.com/devopsfaith/krakend-jose/validator", "error component-not-built"),
        ("qos/ratelimit/router", "error component-not-built"),
        ("governance/quota", "error component-not-built"),
        ("qos/ratelimit/tiered", "error component-not-built"),
        ("security/policies", "error component-not-built"),
        ("validation/cel", "error component-not-built"),
        ("auth/validater", "error unknown-namespace"),
        ("Auth/Validator", "error unknown-namespace"),
        ("plugins/wasm", "error unknown-namespace"),
        ("plugin/wasm ", "error unknown-namespace"),
        ("auth/gcp", "error misplaced-namespace"),
        ("modifier/lua-proxy", "warning component-ignored"),
        ("telemetry/logging", "warning misplaced-namespace"),
        ("plugin/wasm", "warning component-ignored"),
        ("foo/bar", "warning unknown-namespace"),
        ("our/ovn", "warning unknown-namespace"),
    ] {
        let outcome = endpoint(json!({"extra_config": {name: {}}}), json!({}));
        let place = Pointer::parse(at).key(name);
        assert_eq!(outcome.findings(), [format!("{expected} {place}")]);
        let starts = !outcome.out.has_errors();
        assert_eq!(starts, expected.starts_with("warning"));
    }
    let outcome = endpoint(json!({"extra_config": {"our/ovn": {}}}), json!({}));
    assert_eq!(outcome.help(), "did you mean `our/own`?");
    let outcome = endpoint(json!({"extra_config": {"auth/gcp": {}}}), json!({}));
    assert_eq!(outcome.help(), "it belongs to the backend level");
    endpoint(json!({"extra_config": {"our/own": {}, "proxy": null}}), json!({})).gateway();
}

#[test]
fn guards_beside_extra_config_are_errors() {
    for name in ["plugin/wasm", "auth/validator"] {
        let outcome = endpoint(json!({name: {}}), json!({}));
        let place = Pointer::parse("/endpoints/0").key(name);
        assert_eq!(outcome.findings(), [format!("error unknown-key {place}")]);
        assert_eq!(outcome.help(), "components stand in `extra_config`");
    }
}

#[test]
fn plugins_that_guard_are_errors() {
    let at = "/extra_config/plugin~1http-server";
    let plugins =
        |names: Value| root(json!({"extra_config": {"plugin/http-server": {"name": names}}}));
    for names in [json!(["url-rewrite", "ip-filter"]), json!("redis-ratelimit")] {
        let guarded = plugins(names);
        assert_eq!(guarded.findings(), [format!("error component-not-built {at}/name")]);
    }
    let modifier = json!({"plugin/req-resp-modifier": {"name": ["response-schema-validator"]}});
    let guarded = endpoint(json!({"extra_config": modifier}), json!({}));
    let at_modifier = "/endpoints/0/extra_config/plugin~1req-resp-modifier/name";
    assert_eq!(guarded.findings(), [format!("error component-not-built {at_modifier}")]);
    let open = plugins(json!(["url-rewrite"]));
    assert_eq!(open.findings(), [format!("warning component-ignored {at}")]);
}

#[test]
fn what_the_root_cannot_do_yet() {
    let outcome = root(json!({"async_agent": [{}], "plugin": {"folder": "x", "pattern": ".so"}}));
    let expected = ["warning component-ignored /async_agent", "warning component-ignored /plugin"];
    assert_eq!(outcome.findings(), expected);
    root(json!({"async_agent": [], "sequential_start": true, "dns_cache_ttl": "1s"})).gateway();
}

#[test]
fn workflows_nest() {
    let inner = json!({"endpoint": "inner", "backend": [{"url_pattern": "/{id}"}]});
    let nested = json!({"url_pattern": "/", "extra_config": {"workflow": inner}});
    let workflow = json!({
        "endpoint": "outer", "timeout": "1s", "ignore_errors": true,
        "extra_config": {"proxy": {"sequential": true}},
        "backend": [nested, {"url_pattern": "/{resp0_x}"}],
    });
    let outcome =
        endpoint(json!({"method": "POST"}), json!({"extra_config": {"workflow": workflow}}));
    let backend = &outcome.gateway().endpoints[0].backends[0];
    assert!(backend.extra.get("workflow").is_none());
    let outer = backend.workflow.as_ref().unwrap();
    assert!(outer.ignore_errors);
    assert_eq!(
        (outer.endpoint.path.as_str(), outer.endpoint.timeout),
        ("outer", Duration::from_secs(1))
    );
    assert_eq!(outer.endpoint.method, Method::Post);
    assert_eq!(outer.endpoint.backends[1].hosts[0].url, "http://users:8080");
    let inner = outer.endpoint.backends[0].workflow.as_ref().unwrap();
    assert_eq!(inner.endpoint.timeout, Duration::from_secs(1));
    assert_eq!(inner.endpoint.backends[0].url_pattern.path[1], PatternPart::Param("id".to_owned()));
}

#[test]
fn wrong_workflows() {
    let workflow = json!({"timeout": "1h", "backend": [{"url_pattern": "/{nope}"}]});
    let outcome = endpoint(json!({}), json!({"extra_config": {"workflow": workflow}}));
    let at = "/endpoints/0/backend/0/extra_config/workflow";
    let expected = [
        format!("error missing-key {at}"),
        format!("warning workflow-timeout {at}/timeout"),
        format!("error undefined-parameter {at}/backend/0/url_pattern"),
    ];
    assert_eq!(outcome.findings(), expected);
}

#[test]
fn service_discovery() {
    let at = "/endpoints/0/backend/0/sd";
    let outcome = endpoint(json!({}), json!({"sd": "dns"}));
    assert_eq!(outcome.findings(), [format!("error service-discovery-not-built {at}")]);
    let outcome = endpoint(json!({}), json!({"sd": "etcd"}));
    assert_eq!(outcome.findings(), [format!("warning unknown-service-discovery {at}")]);
    let mut options = supported();
    let level = ComponentLevel::Backend;
    options.supported.push(Supported { namespace: "sd/dns", level });
    let value = json!({"version": 3, "endpoints": [{"endpoint": "/", "backend": [
        {"url_pattern": "/", "sd": "dns", "sd_scheme": "https", "host": ["api.svc"]}]}]});
    let outcome = with(&value, &options);
    let backend = &outcome.gateway().endpoints[0].backends[0];
    assert_eq!(backend.service_discovery, ServiceDiscovery::Dns);
    assert_eq!(
        (backend.hosts[0].scheme.as_str(), backend.hosts[0].name.as_str()),
        ("https", "api.svc")
    );
}

#[test]
fn filters_without_effect() {
    let outcome = endpoint(
        json!({}),
        json!({"allow": ["a"], "deny": ["b"], "input_headers": ["X", "*"], "whitelist": ["a"]}),
    );
    let at = "/endpoints/0/backend/0";
    let expected = [
        format!("warning unknown-key {at}/whitelist"),
        format!("warning deny-beside-allow {at}/deny"),
        format!("warning wildcard-in-filter {at}/input_headers/1"),
    ];
    assert_eq!(outcome.findings(), expected);
    assert_eq!(outcome.help(), "version 3 calls it `allow`");
}

#[test]
fn somebody_has_to_answer() {
    let outcome = endpoint(json!({}), json!({"extra_config": {"proxy": {"shadow": true}}}));
    assert_eq!(outcome.findings(), ["warning only-shadows /endpoints/0/backend"]);
}

#[test]
fn virtual_paths_need_virtual_hosts() {
    let one = json!([{"endpoint": "/__virtual/a.test/x", "backend": [{"url_pattern": "/"}]}]);
    let outcome = root(json!({"endpoints": one}));
    assert_eq!(outcome.findings(), ["warning virtual-path-without-hosts /endpoints/0/endpoint"]);
    let hosts = json!({"server/virtualhost": {"hosts": ["a.test"]}});
    root(json!({"endpoints": one, "extra_config": hosts})).gateway();
}

#[test]
fn the_same_findings_in_every_format() {
    let yaml = "version: 3\nendpoints:\n  - endpoint: /a\n    backend:\n      - url_pattern: /{x}\n\
                \x20       host: [a]\n";
    let toml = "version = 3\n[[endpoints]]\nendpoint = \"/a\"\n[[endpoints.backend]]\n\
                url_pattern = \"/{x}\"\nhost = [\"a\"]\n";
    for (text, format, line) in [(yaml, Format::Yaml, 5), (toml, Format::Toml, 5)] {
        let document = Document::parse("f", text, format).unwrap();
        let mut out = Diagnostics::default();
        resolve(&document, &Options::default(), &mut out);
        let located = document.locate_all(&out);
        assert_eq!(located.len(), 1, "{format}");
        assert_eq!((located[0].code, located[0].span.line), ("undefined-parameter", line));
    }
}

/// Configurations that are nearly right: real keys with values of any kind.
fn nearly() -> impl Strategy<Value = Value> {
    let keys = [
        "version",
        "port",
        "host",
        "endpoints",
        "endpoint",
        "backend",
        "url_pattern",
        "method",
        "extra_config",
        "workflow",
        "proxy",
        "router",
        "tls",
        "keys",
        "timeout",
        "sequential",
        "output_encoding",
        "min_version",
        "trusted_proxies",
        "client_tls",
        "auth/validator",
        "sd",
        "cipher_suites",
        "error_body",
        "disable_host_sanitize",
        "max_payload",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "/",
            "/a/{b}",
            "/{resp0_x}",
            "{",
            "2s",
            "no-op",
            "GET",
            "http://a:1/",
            "[::1]:1",
            "TLS12",
            "/__catchall",
            "/x/*",
            "{JWT.a}",
            "10.0.0.0/8",
            "//",
            "1e999s",
            "/ü?{a}#",
        ])
        .prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(8, 64, 6, move |inner| {
        let key = prop::sample::select(keys.to_vec());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..6).prop_map(|map| {
                Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    });
    let key = prop::sample::select(keys.to_vec());
    prop::collection::hash_map(key, inner, 0..8).prop_map(|map| {
        Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    })
}

proptest! {
    #[test]
    fn no_document_makes_the_rules_panic(value in nearly()) {
        let outcome = with(&value, &supported());
        let mut pointers = outcome.document.locate_all(&outcome.out);
        prop_assert!(outcome.gateway.is_some());
        prop_assert!(pointers.drain(..).all(|one| one.span.line >= 1 && one.span.end >= one.span.start));
    }

    #[test]
    fn what_has_no_errors_is_whole(value in nearly()) {
        let outcome = with(&value, &supported());
        if !outcome.out.has_errors() {
            for endpoint in &outcome.gateway.unwrap().endpoints {
                prop_assert!(endpoint.path.starts_with('/') && !endpoint.backends.is_empty());
                prop_assert!(!endpoint.timeout.is_zero());
            }
        }
    }
}
