//! TLS to upstreams: authorities, own certificates, versions.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer, server::WebPkiClientVerifier};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use torana_config::valid::{ClientTls, KeyPair as KeyFiles, TlsVersion};

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

pub(super) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(authority: &Issuer, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// A server with a certificate for `localhost`, which may insist on certificates of `clients`.
pub(super) fn acceptor(
    authority: &Issuer,
    clients: Option<&Issuer>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let (certificate, key) = issue(authority, "localhost");
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

pub(super) const BOTH: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS12, &rustls::version::TLS13];

pub(super) struct Files(tempfile::TempDir);

impl Files {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn identity(&self, authority: &Issuer, name: &str) -> KeyFiles {
        let (certificate, key) = issue(authority, name);
        KeyFiles {
            certificate: self.write(&format!("{name}.pem"), &certificate.pem()),
            private_key: self.write(&format!("{name}.key"), &key.serialize_pem()),
            at: Pointer::parse(&format!("/client_tls/client_certs/{name}")),
        }
    }
}

pub(super) fn client_tls(ca_certs: Vec<String>) -> ClientTls {
    ClientTls {
        allow_insecure_connections: false,
        ca_certs,
        system_ca_pool: false,
        client_certs: Vec::new(),
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls13,
        cipher_suites: Vec::new(),
        curve_preferences: Vec::new(),
        at: Pointer::parse("/client_tls"),
    }
}

fn with_tls(tls: ClientTls) -> ClientSettings {
    ClientSettings { tls: Some(tls), ..settings() }
}

fn peer_of(upstream: &Upstream, tls: ClientTls) -> Result<Arc<Peer>, super::super::PeerError> {
    let client = Client::shared(&Resources::default(), &with_tls(tls))?;
    client.peer(&host("https", "localhost", upstream.address.port()))
}

async fn handshake(
    upstream: &Upstream,
    acceptor: &TlsAcceptor,
) -> std::io::Result<Wire<TlsStream<TcpStream>>> {
    let (stream, _) = upstream.listener.accept().await.unwrap();
    Ok(Wire::new(acceptor.accept(stream).await?))
}

/// One call: what the caller gets, and the server's end of the connection.
async fn exchange(
    tls: ClientTls,
    acceptor: &TlsAcceptor,
) -> (Result<String, Error>, Option<Wire<TlsStream<TcpStream>>>) {
    let upstream = Upstream::new().await;
    let peer = peer_of(&upstream, tls).unwrap();
    let serve = async {
        let mut wire = handshake(&upstream, acceptor).await.ok()?;
        // A refused certificate ends the connection only after the handshake of TLS 1.3.
        if wire.stream.read_buf(&mut wire.unread).await.ok()? == 0 {
            return None;
        }
        wire.send(OK).await;
        Some(wire)
    };
    let ask = async { text(call(&peer, get("/")).await?).await };
    tokio::join!(ask, serve)
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_listed() {
    let files = Files::new();
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let ours = (files.write("ours.pem", &ours.pem()), acceptor(&ours, None, BOTH));
    let theirs = acceptor(&theirs, None, BOTH);
    let (outcome, wire) = exchange(client_tls(vec![ours.0.clone()]), &ours.1).await;
    assert_eq!(outcome.unwrap(), "hi");
    let wire = wire.unwrap();
    assert_eq!(wire.stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (outcome, _) = exchange(client_tls(vec![ours.0.clone()]), &theirs).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains("TLS handshake failed"), "{error}");
    let insecure =
        ClientTls { allow_insecure_connections: true, ..client_tls(vec![ours.0.clone()]) };
    assert_eq!(exchange(insecure, &theirs).await.0.unwrap(), "hi");
}

#[tokio::test]
async fn a_certificate_must_be_for_the_host() {
    let files = Files::new();
    let ours = authority("ours");
    let tls = client_tls(vec![files.write("ca.pem", &ours.pem())]);
    let acceptor = acceptor(&ours, None, BOTH);
    let upstream = Upstream::new().await;
    let client = Client::shared(&Resources::default(), &with_tls(tls)).unwrap();
    let peer = client.peer(&host("https", "127.0.0.1", upstream.address.port())).unwrap();
    let (response, _) = tokio::join!(call(&peer, get("/")), handshake(&upstream, &acceptor));
    assert_eq!(response.unwrap_err().kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn the_certificate_that_is_asked_for_is_shown() {
    let files = Files::new();
    let (ours, other) = (authority("ours"), authority("other"));
    let acceptor = acceptor(&ours, Some(&ours), BOTH);
    let ca = files.write("ca.pem", &ours.pem());
    let (outcome, _) = exchange(client_tls(vec![ca.clone()]), &acceptor).await;
    outcome.expect_err("a certificate is needed");
    let wrong = files.identity(&other, "wrong");
    let right = files.identity(&ours, "right");
    let tls = ClientTls { client_certs: vec![wrong, right], ..client_tls(vec![ca]) };
    assert_eq!(exchange(tls, &acceptor).await.0.unwrap(), "hi");
}

#[tokio::test]
async fn versions_suites_and_curves_are_limited() {
    let files = Files::new();
    let ours = authority("ours");
    let base = || client_tls(vec![files.write("ca.pem", &ours.pem())]);
    let old = acceptor(&ours, None, &[&rustls::version::TLS12]);
    let new = acceptor(&ours, None, BOTH);
    let only_13 = || ClientTls { min_version: TlsVersion::Tls13, ..base() };
    let only_12 = || ClientTls { max_version: TlsVersion::Tls12, ..base() };
    exchange(only_13(), &old).await.0.expect_err("no version in common");
    assert_eq!(exchange(only_13(), &new).await.0.unwrap(), "hi");
    let (outcome, wire) = exchange(only_12(), &new).await;
    assert_eq!(outcome.unwrap(), "hi");
    let version = wire.unwrap().stream.get_ref().1.protocol_version();
    assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
    // TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, and secp384r1 beside a curve that does not exist.
    let chosen =
        ClientTls { cipher_suites: vec![0xc02c], curve_preferences: vec![0xffff, 24], ..only_12() };
    let (outcome, wire) = exchange(chosen, &new).await;
    assert_eq!(outcome.unwrap(), "hi");
    let wire = wire.unwrap();
    let session = wire.stream.get_ref().1;
    let suite = session.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite, rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
    let group = session.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::secp384r1);
}

#[tokio::test]
async fn sessions_are_reused_between_requests() {
    let files = Files::new();
    let ours = authority("ours");
    let acceptor = acceptor(&ours, None, BOTH);
    let upstream = Upstream::new().await;
    let peer = peer_of(&upstream, client_tls(vec![files.write("ca.pem", &ours.pem())])).unwrap();
    let serve = async {
        let mut wire = handshake(&upstream, &acceptor).await.unwrap();
        for _ in 0..3 {
            wire.request().await;
            wire.send(OK).await;
        }
        wire
    };
    let ask = async {
        for _ in 0..3 {
            assert_eq!(text(call(&peer, get("/")).await.unwrap()).await.unwrap(), "hi");
        }
    };
    let ((), _wire) = tokio::join!(ask, serve);
    assert!(!upstream.has_caller());
}

#[tokio::test]
async fn a_body_without_length_needs_a_proper_end() {
    let files = Files::new();
    let ours = authority("ours");
    let acceptor = acceptor(&ours, None, BOTH);
    let ca = files.write("ca.pem", &ours.pem());
    for proper in [true, false] {
        let upstream = Upstream::new().await;
        let peer = peer_of(&upstream, client_tls(vec![ca.clone()])).unwrap();
        let serve = async {
            let mut wire = handshake(&upstream, &acceptor).await.unwrap();
            wire.request().await;
            wire.send(b"HTTP/1.1 200 OK\r\n\r\nhi").await;
            if proper {
                wire.stream.shutdown().await.unwrap();
            }
        };
        let ask = async { text(call(&peer, get("/")).await?).await };
        let (outcome, ()) = tokio::join!(ask, serve);
        match outcome {
            Ok(body) => assert!(proper && body == "hi"),
            Err(error) => assert!(!proper && error.kind() == ErrorKind::Protocol, "{error}"),
        }
    }
}

#[test]
fn what_is_wrong_is_said_when_a_configuration_is_built() {
    let files = Files::new();
    let ours = authority("ours");
    let ca = files.write("ca.pem", &ours.pem());
    let error = |tls: ClientTls| {
        let client = Client::shared(&Resources::default(), &with_tls(tls));
        let peer = client.and_then(|client| client.peer(&host("https", "localhost", 1)));
        peer.unwrap_err().into_diagnostic()
    };
    let missing = error(client_tls(vec![ca.clone(), "/no/such/file.pem".to_owned()]));
    assert_eq!(missing.at.as_str(), "/client_tls/ca_certs/1");
    assert!(missing.message.contains("/no/such/file.pem"), "{}", missing.message);
    let empty = files.write("empty.pem", "nothing");
    let empty = error(client_tls(vec![empty]));
    assert!(empty.message.contains("empty.pem"), "{}", empty.message);
    let none = error(client_tls(Vec::new()));
    assert_eq!(none.code, "tls-settings");
    let (mine, other) = (files.identity(&ours, "mine"), files.identity(&ours, "other"));
    let mixed = KeyFiles { private_key: other.private_key, ..mine.clone() };
    let mixed = error(ClientTls { client_certs: vec![mixed], ..client_tls(vec![ca.clone()]) });
    assert_eq!(mixed.at, mine.at);
    assert!(mixed.message.contains("mine.pem"), "{}", mixed.message);
    let curves = ClientTls { curve_preferences: vec![0xffff], ..client_tls(vec![ca.clone()]) };
    assert_eq!(error(curves).at.as_str(), "/client_tls/curve_preferences");
    let versions = ClientTls {
        min_version: TlsVersion::Tls13,
        max_version: TlsVersion::Tls12,
        ..client_tls(vec![ca])
    };
    assert_eq!(error(versions).code, "tls-settings");
}

#[test]
fn a_changed_file_makes_another_client() {
    let files = Files::new();
    let file = files.write("ca.pem", &authority("one").pem());
    let resources = Resources::default();
    let settings = with_tls(client_tls(vec![file]));
    let first = Client::shared(&resources, &settings).unwrap();
    assert!(Arc::ptr_eq(&first, &Client::shared(&resources, &settings).unwrap()));
    files.write("ca.pem", &authority("two").pem());
    assert!(!Arc::ptr_eq(&first, &Client::shared(&resources, &settings).unwrap()));
}
