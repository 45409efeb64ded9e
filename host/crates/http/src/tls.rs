//! TLS of the listener with rustls (reference 12.1): certificates by server name, mutual TLS, ALPN.

use std::{fs, io, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use torana_config::{
    Diagnostic, Diagnostics, Pointer,
    valid::{KeyPair, ServerTls, TlsVersion},
};

/// Makes the listener's TLS settings; problems go to `out`.
pub fn server(tls: &ServerTls, h2: bool, out: &mut Diagnostics) -> Option<Arc<ServerConfig>> {
    let provider = Arc::new(provider(&tls.cipher_suites, &tls.curve_preferences));
    let mut certificates = Vec::new();
    for pair in &tls.keys {
        match load(pair, &provider) {
            Ok(key) => certificates.push(Arc::new(key)),
            Err(finding) => out.push(*finding),
        }
    }
    // Read also where another problem ends the build: all of them are reported at once.
    let authorities = if tls.mtls { client_authorities(tls, out) } else { None };
    let versions: Vec<&'static SupportedProtocolVersion> = [
        (TlsVersion::Tls12, &rustls::version::TLS12),
        (TlsVersion::Tls13, &rustls::version::TLS13),
    ]
    .into_iter()
    .filter(|(version, _)| (tls.min_version..=tls.max_version).contains(version))
    .map(|(_, version)| version)
    .collect();
    let mut report = |message: String| {
        out.push(Diagnostic::error("tls-settings", tls.at.clone(), message));
    };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .map_err(|error| {
            report(format!("these TLS versions and suites do not work together: {error}"))
        })
        .ok()?;
    let builder = if tls.mtls {
        let roots = Arc::new(authorities?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| report(format!("no authority for client certificates: {error}")))
            .ok()?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    if certificates.is_empty() {
        if tls.keys.is_empty() {
            report("`tls` has no certificate".to_owned());
        }
        return None;
    }
    let mut config = builder.with_cert_resolver(Arc::new(ByName(certificates)));
    if h2 {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Some(Arc::new(config))
}

/// The suites and groups of a configuration, or all that the provider has.
fn provider(suites: &[u16], groups: &[u16]) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if !suites.is_empty() {
        // The list speaks of TLS 1.2; those of TLS 1.3 are not configurable, as in Go.
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some() || suites.contains(&u16::from(suite.suite())));
    }
    if !groups.is_empty() {
        let known = provider.kx_groups.clone();
        provider.kx_groups = groups
            .iter()
            .filter_map(|id| known.iter().find(|group| u16::from(group.name()) == *id).copied())
            .collect();
        if provider.kx_groups.is_empty() {
            provider.kx_groups = known;
        }
    }
    provider
}

fn load(pair: &KeyPair, provider: &CryptoProvider) -> Result<CertifiedKey, Box<Diagnostic>> {
    let chain = certificates(&pair.certificate, &pair.at.key("public_key"))?;
    let key = PrivateKeyDer::from_pem_file(&pair.private_key).map_err(|error| {
        let message = format!("cannot read the private key {}: {error}", pair.private_key);
        Box::new(Diagnostic::error("tls-file", pair.at.key("private_key"), message))
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        let message =
            format!("{} and {} do not work together: {error}", pair.certificate, pair.private_key);
        Box::new(Diagnostic::error("tls-certificate", pair.at.clone(), message))
    })
}

fn certificates(path: &str, at: &Pointer) -> Result<Vec<CertificateDer<'static>>, Box<Diagnostic>> {
    let failed = |error: &str| {
        let message = format!("cannot read the certificate {path}: {error}");
        Box::new(Diagnostic::error("tls-file", at.clone(), message))
    };
    let text = fs::read(path).map_err(|error| failed(&error.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(failed("there is none in the file")),
        Ok(chain) => Ok(chain),
        Err(error) => Err(failed(&error.to_string())),
    }
}

/// Whom client certificates may come from: `ca_certs`, the listener's own certificates and the system's pool
/// (reference 12.1). `None` if a file of `ca_certs` cannot be read.
fn client_authorities(tls: &ServerTls, out: &mut Diagnostics) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let mut whole = true;
    for (index, path) in tls.ca_certs.iter().enumerate() {
        match certificates(path, &tls.at.key("ca_certs").index(index)) {
            Ok(authorities) => _ = roots.add_parsable_certificates(authorities),
            Err(finding) => {
                out.push(*finding);
                whole = false;
            }
        }
    }
    for pair in &tls.keys {
        // A leaf among the listener's certificates is no authority; what cannot be one is left out. A file that cannot
        // be read has been reported with its key.
        if let Ok(own) = certificates(&pair.certificate, &pair.at) {
            roots.add_parsable_certificates(own);
        }
    }
    if tls.system_ca_pool {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    whole.then_some(roots)
}

/// Chooses the certificate by the name that the client asks for; the first serves everybody else.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name =
            hello.server_name().and_then(|name| rustls::pki_types::ServerName::try_from(name).ok());
        let fits = |key: &&Arc<CertifiedKey>| {
            let Some(name) = &name else { return false };
            key.end_entity_cert()
                .ok()
                .and_then(|leaf| rustls::server::ParsedCertificate::try_from(leaf).ok())
                .is_some_and(|leaf| rustls::client::verify_server_name(&leaf, name).is_ok())
        };
        self.0.iter().find(fits).or_else(|| self.0.first()).cloned()
    }
}

/// How long a handshake may take.
pub const HANDSHAKE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Accepts TLS on a stream.
///
/// # Errors
/// When the handshake fails or takes too long.
pub async fn accept<T>(
    config: Arc<ServerConfig>,
    stream: T,
) -> io::Result<tokio_rustls::server::TlsStream<T>>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    tokio::time::timeout(HANDSHAKE_TIMEOUT, tokio_rustls::TlsAcceptor::from(config).accept(stream))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "TLS handshake took too long"))?
}
