//! What a backend's own settings do to the client that calls it.

use serde_json::{Value, json};
use torana_config::{ComponentLevel, Document, Format, Options, Supported, resolve};
use torana_core::Resources;

use super::*;

const AT: &str = "/endpoints/0/backend/0/extra_config/backend~1http~1client";

/// A gateway whose only backend has these settings.
fn gateway(root: Value, settings: Value) -> (Gateway, Diagnostics) {
    let mut file = json!({"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{
        "url_pattern": "/", "host": ["https://localhost"], "extra_config": {NAMESPACE: settings},
    }]}]});
    if let (Value::Object(file), Value::Object(root)) = (&mut file, root) {
        file.extend(root);
    }
    let document = Document::parse("krakend.json", file.to_string(), Format::Json).unwrap();
    let mut out = Diagnostics::default();
    let supported = vec![Supported { namespace: NAMESPACE, level: ComponentLevel::Backend }];
    let options = Options { supported, ..Options::default() };
    (resolve(&document, &options, &mut out).unwrap(), out)
}

/// Builds the only backend: what `explain` says of it, and the findings as `code pointer`.
fn built(root: Value, settings: Value) -> (Option<String>, Vec<String>) {
    let (gateway, mut diagnostics) = gateway(root, settings);
    let endpoint = &gateway.endpoints[0];
    let resources = Resources::default();
    let built = build(&mut BuildContext {
        gateway: &gateway,
        level: Level::Backend(endpoint, &endpoint.backends[0]),
        resources: &resources,
        upstream,
        diagnostics: &mut diagnostics,
    });
    let findings = diagnostics.iter().map(|finding| format!("{} {}", finding.code, finding.at));
    (built.map(|built| built.detail), findings.collect())
}

fn settings_of(root: Value, settings: Value) -> ClientSettings {
    let (gateway, out) = gateway(root, settings);
    assert!(!out.has_errors());
    let backend = &gateway.endpoints[0].backends[0];
    let config = client_config(backend, &mut Diagnostics::default());
    client_settings(&gateway.client, config.as_ref()).into_owned()
}

#[test]
fn own_tls_takes_the_place_of_the_roots() {
    let root = || json!({"client_tls": {"allow_insecure_connections": true, "ca_certs": ["a"]}});
    let tls = settings_of(root(), json!({"client_tls": {"min_version": "TLS12"}})).tls.unwrap();
    assert_eq!((tls.allow_insecure_connections, tls.ca_certs.len()), (false, 0));
    assert_eq!(tls.at.as_str(), format!("{AT}/client_tls"));
    let inherited = settings_of(root(), json!({"no_redirect": true})).tls.unwrap();
    assert_eq!(inherited.ca_certs, ["a"]);
}

#[test]
fn a_reload_keeps_the_client_of_equal_settings() {
    let own = || json!({"client_tls": {"allow_insecure_connections": true}});
    let resources = Resources::default();
    let client = |settings| Client::shared(&resources, &settings_of(json!({}), settings)).unwrap();
    let first = client(own());
    assert!(Arc::ptr_eq(&first, &client(own())));
    assert!(!Arc::ptr_eq(&first, &client(json!({}))));
}

#[test]
fn problems_are_found_at_the_backend() {
    let (built_one, findings) = built(json!({}), json!({"client_tls": {"ca_certs": ["/no/file"]}}));
    assert_eq!((built_one, findings), (None, vec![format!("tls-file {AT}/client_tls/ca_certs/0")]));
    let both = json!({"client_tls": {"min_version": "TLS10", "client_certs": [{"certificate": "a"}],
                                     "allow_insecure_connections": true}});
    assert_eq!(
        built(json!({}), both).1,
        [
            format!("tls-version {AT}/client_tls/min_version"),
            format!("missing-tls-key {AT}/client_tls/client_certs/0"),
        ]
    );
}

#[test]
fn a_proxy_of_the_backend_takes_the_place_of_the_environments() {
    let root = || json!({"client_tls": {"allow_insecure_connections": true}});
    let own = json!({"proxy_address": "http://user:s3cret@proxy.test:3128"});
    let (detail, findings) = built(root(), own.clone());
    let expected = "https://localhost through http://proxy.test:3128";
    assert_eq!((detail.as_deref(), findings), (Some(expected), Vec::new()));
    assert_eq!(settings_of(root(), own).proxies.exceptions, None);
    for nothing in [json!({}), json!({"proxy_address": ""}), json!({"proxy_address": null})] {
        assert_eq!(built(root(), nothing).0.as_deref(), Some("https://localhost"));
    }
    let (_, findings) = built(root(), json!({"proxy_address": "ftp://proxy.test"}));
    assert_eq!(findings, [format!("invalid-proxy {AT}/proxy_address")]);
}

#[test]
fn named_files_are_watched_in_workflows_too() {
    let pair = json!({"certificate": "own.pem", "private_key": "own.key"});
    let tls = json!({"client_tls": {"ca_certs": ["ca.pem"], "client_certs": [pair]}});
    let inner = json!({"url_pattern": "/", "host": ["http://a"],
                       "extra_config": {NAMESPACE: {"client_tls": {"ca_certs": ["inner.pem"]}}}});
    let workflow = json!({"endpoint": "/w", "backend": [inner]});
    let (mut gateway, _) = gateway(json!({}), tls);
    let (nested, _) = {
        let file = json!({"endpoints": [{"endpoint": "/b", "backend": [
            {"url_pattern": "/", "extra_config": {"workflow": workflow}}]}]});
        self::gateway(file, json!({}))
    };
    gateway.endpoints.extend(nested.endpoints);
    let names = ["ca.pem", "inner.pem", "own.key", "own.pem"].map(PathBuf::from);
    assert_eq!(watched_files(&gateway), names);
}
