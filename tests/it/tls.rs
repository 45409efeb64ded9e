//! SEC-15 to SEC-17: TLS and mTLS on the listener and towards backends.

use std::sync::Arc;

use rustls::{
    ClientConfig,
    version::{TLS12, TLS13},
};
use torana_tests::{
    certs::{Authority, Identity},
    client::{Answer, Client},
    gateway::{Builder, Gateway},
    upstream::{Reply, Script, Upstream},
};

fn script() -> Script {
    Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#))
}

/// A builder with the identity's files, and the `keys` of `tls` that name them.
fn with_keys(identities: &[&Identity]) -> (Builder, String) {
    let mut builder = Gateway::builder();
    let mut keys = Vec::new();
    for (index, identity) in identities.iter().enumerate() {
        let (certificate, key) = (format!("cert{index}.pem"), format!("key{index}.pem"));
        builder =
            builder.file(&certificate, &identity.certificate_pem).file(&key, &identity.key_pem);
        keys.push(format!(
            r#"{{"public_key":"{}","private_key":"{}"}}"#,
            builder.path(&certificate),
            builder.path(&key)
        ));
    }
    (builder, format!(r#""keys":[{}]"#, keys.join(",")))
}

fn listener(upstream: &Upstream, tls: &str) -> String {
    format!(
        r#"{{"version":3,"tls":{{{tls}}},"host":["http://{}"],
            "endpoints":[{{"endpoint":"/a","backend":[{{"url_pattern":"/b"}}]}}]}}"#,
        upstream.address()
    )
}

fn get(gateway: &Gateway, name: &str, config: Arc<ClientConfig>) -> std::io::Result<Answer> {
    let mut client = Client::connect_tls(gateway.address(), name, config)?;
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    // With TLS 1.3 a refusal of the client's certificate comes here.
    client.try_answer().ok_or_else(|| std::io::Error::other("closed"))
}

#[test]
fn sec_15_tls_1_3_by_default() {
    let authority = Authority::new();
    let upstream = Upstream::start(script());
    let (builder, keys) = with_keys(&[&authority.issue(&["gateway.test"])]);
    let gateway = builder.start(listener(&upstream, &keys));
    let answer = get(&gateway, "gateway.test", authority.client(&[&TLS13], &[], None)).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"x":1}"#));
    assert!(get(&gateway, "gateway.test", authority.client(&[&TLS12], &[], None)).is_err());
    // Plain HTTP on a TLS port gets nothing that could be mistaken for an answer.
    let mut plain = gateway.connect();
    plain.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(upstream.take().len() == 1);
}

#[test]
fn sec_15_tls_1_2_when_asked_for() {
    let authority = Authority::new();
    let upstream = Upstream::start(script());
    let (builder, keys) = with_keys(&[&authority.issue(&["gateway.test"])]);
    let gateway = builder.start(listener(&upstream, &format!(r#""min_version":"TLS12",{keys}"#)));
    for version in [&TLS12, &TLS13] {
        let answer = get(&gateway, "gateway.test", authority.client(&[version], &[], None));
        assert_eq!(answer.unwrap().status, 200, "{version:?}");
    }
}

#[test]
fn sec_15_the_server_name_chooses_the_certificate() {
    let authority = Authority::new();
    let upstream = Upstream::start(script());
    let (builder, keys) =
        with_keys(&[&authority.issue(&["one.test"]), &authority.issue(&["two.test", "*.w.test"])]);
    let gateway = builder.start(listener(&upstream, &keys));
    for name in ["one.test", "two.test", "a.w.test"] {
        // The client checks that the certificate is for this name.
        let answer = get(&gateway, name, authority.client(&[&TLS13], &[], None));
        assert_eq!(answer.unwrap().status, 200, "{name}");
    }
}

#[test]
fn sec_15_alpn() {
    let authority = Authority::new();
    let upstream = Upstream::start(script());
    let (builder, keys) = with_keys(&[&authority.issue(&["gateway.test"])]);
    let gateway = builder.start(listener(&upstream, &keys));
    let answer =
        get(&gateway, "gateway.test", authority.client(&[&TLS13], &["http/1.1"], None)).unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn sec_15_disabled_tls_is_plain_http() {
    let upstream = Upstream::start(script());
    let gateway = Gateway::start(listener(&upstream, r#""disabled": true"#));
    assert_eq!(gateway.connect().get("/a").status, 200);
}

#[test]
fn sec_15_missing_or_wrong_files_are_refused_at_start() {
    let authority = Authority::new();
    let upstream = Upstream::start(script());
    assert!(Gateway::builder().try_start(listener(&upstream, "")).is_err());
    let missing = r#""keys":[{"public_key":"no.pem","private_key":"no.key"}]"#;
    assert!(Gateway::builder().try_start(listener(&upstream, missing)).is_err());
    let one = authority.issue(&["a.test"]);
    let other = authority.issue(&["a.test"]);
    let mut mixed = one;
    mixed.key_pem = other.key_pem;
    let (builder, keys) = with_keys(&[&mixed]);
    assert!(builder.try_start(listener(&upstream, &keys)).is_err());
}

#[test]
fn sec_15_new_certificates_need_no_restart() {
    let authority = Authority::new();
    let upstream = Upstream::start(script());
    let (builder, keys) = with_keys(&[&authority.issue(&["old.test"])]);
    let config = listener(&upstream, &keys);
    let gateway = builder.start(&config);
    let settings = authority.client(&[&TLS13], &[], None);
    let mut kept = Client::connect_tls(gateway.address(), "old.test", settings.clone()).unwrap();
    assert_eq!(kept.get("/a").status, 200);

    let renewed = authority.issue(&["new.test"]);
    gateway.scratch().replace("cert0.pem", &renewed.certificate_pem);
    gateway.scratch().replace("key0.pem", &renewed.key_pem);
    gateway.reload(&config).unwrap();
    assert_eq!(get(&gateway, "new.test", settings.clone()).unwrap().status, 200);
    assert!(get(&gateway, "old.test", settings).is_err());
    // Connections that were open stay open.
    assert_eq!(kept.get("/a").status, 200);
}

#[test]
fn sec_16_mtls() {
    let servers = Authority::new();
    let clients = Authority::new();
    let upstream = Upstream::start(script());
    let (builder, keys) = with_keys(&[&servers.issue(&["gateway.test"])]);
    let builder = builder.file("clients.pem", clients.pem());
    let authorities = builder.path("clients.pem");
    let gateway = builder.start(listener(
        &upstream,
        &format!(
            r#""enable_mtls":true,"disable_system_ca_pool":true,"ca_certs":["{authorities}"],{keys}"#
        ),
    ));
    let good = clients.issue(&["client.test"]);
    let answer =
        get(&gateway, "gateway.test", servers.client(&[&TLS13], &[], Some(&good))).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.take().len(), 1);
    assert!(get(&gateway, "gateway.test", servers.client(&[&TLS13], &[], None)).is_err());
    let stranger = Authority::new().issue(&["client.test"]);
    let refused = get(&gateway, "gateway.test", servers.client(&[&TLS13], &[], Some(&stranger)));
    assert!(refused.is_err());
    assert!(upstream.take().is_empty());
}

/// A gateway that calls the upstream by TLS; `client_tls` is the root section, if any.
fn caller(upstream: &Upstream, client_tls: Option<&str>) -> String {
    let section = client_tls.map_or(String::new(), |tls| format!(r#""client_tls":{{{tls}}},"#));
    format!(
        r#"{{"version":3,{section}"host":["https://{}"],"extra_config":{{"router":{{"return_error_msg":true}}}},
            "endpoints":[{{"endpoint":"/a","backend":[{{"url_pattern":"/b"}}]}}]}}"#,
        upstream.address()
    )
}

fn status(builder: Builder, config: &str) -> u16 {
    builder.start(config).connect().get("/a").status
}

fn private(authority: &Authority) -> (Builder, String) {
    let builder = Gateway::builder().file("ca.pem", authority.pem());
    let path = builder.path("ca.pem");
    (builder, format!(r#""ca_certs":["{path}"]"#))
}

#[test]
fn sec_17_private_authority() {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    let upstream = Upstream::start_tls(script(), authority.server(&identity, &[&TLS13], false));
    let (builder, ca) = private(&authority);
    assert_eq!(status(builder, &caller(&upstream, Some(&ca))), 200);
    assert_eq!(upstream.take().len(), 1);
    // Without it the backend is a stranger, and not a byte of the request reaches it.
    assert_eq!(status(Gateway::builder(), &caller(&upstream, Some(""))), 500);
    assert_eq!(status(Gateway::builder(), &caller(&upstream, None)), 500);
    assert!(upstream.take().is_empty());
    let insecure = r#""allow_insecure_connections":true"#;
    assert_eq!(status(Gateway::builder(), &caller(&upstream, Some(insecure))), 200);
}

#[test]
fn sec_17_the_name_must_fit() {
    let authority = Authority::new();
    let identity = authority.issue(&["elsewhere.test"]);
    let upstream = Upstream::start_tls(script(), authority.server(&identity, &[&TLS13], false));
    let (builder, ca) = private(&authority);
    assert_eq!(status(builder, &caller(&upstream, Some(&ca))), 500);
    assert!(upstream.take().is_empty());
}

#[test]
fn sec_17_client_certificate() {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    let upstream = Upstream::start_tls(script(), authority.server(&identity, &[&TLS13], true));
    let own = authority.issue(&["gateway.test"]);
    let (builder, ca) = private(&authority);
    let builder = builder.file("client.pem", &own.certificate_pem).file("client.key", &own.key_pem);
    let certs = format!(
        r#"{ca},"client_certs":[{{"certificate":"{}","private_key":"{}"}}]"#,
        builder.path("client.pem"),
        builder.path("client.key")
    );
    assert_eq!(status(builder, &caller(&upstream, Some(&certs))), 200);
    let (builder, ca) = private(&authority);
    assert_eq!(status(builder, &caller(&upstream, Some(&ca))), 500);
}

/// Trap 16: as soon as `client_tls` exists TLS 1.3 is the least, unless it says otherwise.
#[test]
fn sec_17_versions() {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    let upstream = Upstream::start_tls(script(), authority.server(&identity, &[&TLS12], false));
    let (builder, ca) = private(&authority);
    assert_eq!(status(builder, &caller(&upstream, Some(&ca))), 500);
    let (builder, ca) = private(&authority);
    let lower = format!(r#"{ca},"min_version":"TLS12","max_version":"TLS13""#);
    assert_eq!(status(builder, &caller(&upstream, Some(&lower))), 200);
}

#[test]
fn sec_17_settings_of_one_backend() {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    let upstream = Upstream::start_tls(script(), authority.server(&identity, &[&TLS13], false));
    let (builder, ca) = private(&authority);
    let config = format!(
        r#"{{"version":3,"host":["https://{}"],"endpoints":[
            {{"endpoint":"/own","backend":[{{"url_pattern":"/b",
              "extra_config":{{"backend/http/client":{{"client_tls":{{{ca}}}}}}}}}]}},
            {{"endpoint":"/other","backend":[{{"url_pattern":"/b"}}]}}]}}"#,
        upstream.address()
    );
    let gateway = builder.start(config);
    assert_eq!(gateway.connect().get("/own").status, 200);
    assert_eq!(gateway.connect().get("/other").status, 500);
}
