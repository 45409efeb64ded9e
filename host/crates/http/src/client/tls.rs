//! TLS towards peers (`client_tls`, reference 12.2). Files are read and checked when a configuration is built; a changed
//! file makes another [`Tls`], so that a reload takes it up.

use std::{
    hash::{DefaultHasher, Hash},
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use torana_config::{
    Diagnostic, Pointer,
    valid::{ClientTls, TlsVersion},
};

/// Why a peer cannot be built from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PeerError {
    code: &'static str,
    at: Pointer,
    message: String,
}

impl PeerError {
    pub(super) fn new(code: &'static str, at: &Pointer, message: impl Into<String>) -> Self {
        Self { code, at: at.clone(), message: message.into() }
    }

    /// The finding to report.
    #[must_use]
    pub fn into_diagnostic(self) -> Diagnostic {
        Diagnostic::error(self.code, self.at, self.message)
    }
}

/// A certificate chain with its key, as it lies in files.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    at: Pointer,
    file: String,
}

/// What the files named by a `client_tls` contain.
pub(super) struct TlsFiles {
    authorities: Vec<CertificateDer<'static>>,
    identities: Vec<Identity>,
}

impl TlsFiles {
    /// Reads all files.
    ///
    /// # Errors
    /// The first file that cannot be read or has no PEM content of its kind.
    pub(super) fn read(settings: &ClientTls) -> Result<Self, PeerError> {
        let mut authorities = Vec::new();
        for (index, file) in settings.ca_certs.iter().enumerate() {
            authorities.extend(certificates(file, &settings.at.key("ca_certs").index(index))?);
        }
        let mut identities = Vec::new();
        for pair in &settings.client_certs {
            let chain = certificates(&pair.certificate, &pair.at.key("certificate"))?;
            let key_at = pair.at.key("private_key");
            let key = PrivateKeyDer::from_pem_slice(&read_file(&pair.private_key, &key_at)?)
                .map_err(|error| {
                    let message = format!("no private key in `{}`: {error}", pair.private_key);
                    PeerError::new("tls-file", &key_at, message)
                })?;
            let (at, file) = (pair.at.clone(), pair.certificate.clone());
            identities.push(Identity { chain, key, at, file });
        }
        Ok(Self { authorities, identities })
    }

    /// Hashes what the files contain.
    pub(super) fn hash(&self, hasher: &mut DefaultHasher) {
        self.authorities.hash(hasher);
        for identity in &self.identities {
            identity.chain.hash(hasher);
            identity.key.secret_der().hash(hasher);
        }
    }
}

fn read_file(file: &str, at: &Pointer) -> Result<Vec<u8>, PeerError> {
    std::fs::read(file)
        .map_err(|error| PeerError::new("tls-file", at, format!("cannot read `{file}`: {error}")))
}

fn certificates(file: &str, at: &Pointer) -> Result<Vec<CertificateDer<'static>>, PeerError> {
    let pem = read_file(file, at)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let wrong = |reason: &str| {
        PeerError::new("tls-file", at, format!("no certificate in `{file}`: {reason}"))
    };
    match found {
        Ok(found) if found.is_empty() => Err(wrong("no PEM block of this kind")),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(&error.to_string())),
    }
}

/// One TLS set-up, shared by all peers with the same settings and files.
pub(super) struct Tls {
    settings: Option<ClientTls>,
    provider: Arc<CryptoProvider>,
    authorities: Vec<CertificateDer<'static>>,
    identities: Arc<Identities>,
    /// Made for the first peer that needs it: a gateway without HTTPS backends never reads the system's authorities.
    config: OnceLock<Result<Arc<ClientConfig>, PeerError>>,
}

impl Tls {
    /// Checks everything but the authorities.
    ///
    /// # Errors
    /// What the settings or their files contradict.
    pub(super) fn new(
        settings: Option<&ClientTls>,
        files: Option<TlsFiles>,
    ) -> Result<Self, PeerError> {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(settings) = settings {
            restrict(&mut provider, settings)?;
        }
        let files = files.unwrap_or(TlsFiles { authorities: Vec::new(), identities: Vec::new() });
        let mut keys = Vec::new();
        for identity in files.identities {
            let Identity { chain, key, at, file } = identity;
            let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
                PeerError::new(
                    "tls-file",
                    &at,
                    format!("certificate `{file}` and its key: {error}"),
                )
            })?;
            keys.push(Arc::new(key));
        }
        Ok(Self {
            settings: settings.cloned(),
            provider: Arc::new(provider),
            authorities: files.authorities,
            identities: Arc::new(Identities(keys)),
            config: OnceLock::new(),
        })
    }

    /// The set-up for handshakes.
    ///
    /// # Errors
    /// No authority to trust, or one that cannot be used.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, PeerError> {
        self.config.get_or_init(|| self.build().map(Arc::new)).clone()
    }

    fn build(&self) -> Result<ClientConfig, PeerError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&self.versions())
            .map_err(|error| self.error(format!("no TLS version is left: {error}")))?;
        let insecure = self.settings.as_ref().is_some_and(|s| s.allow_insecure_connections);
        let builder = if insecure {
            let verifier = AcceptAll(self.provider.signature_verification_algorithms);
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let identities: Arc<Identities> = Arc::clone(&self.identities);
        let mut config = if identities.0.is_empty() {
            builder.with_no_client_auth()
        } else {
            builder.with_client_cert_resolver(identities)
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let (min, max) = self
            .settings
            .as_ref()
            .map_or((TlsVersion::Tls12, TlsVersion::Tls13), |s| (s.min_version, s.max_version));
        [(TlsVersion::Tls13, &rustls::version::TLS13), (TlsVersion::Tls12, &rustls::version::TLS12)]
            .into_iter()
            .filter(|(version, _)| (min..=max).contains(version))
            .map(|(_, version)| version)
            .collect()
    }

    fn roots(&self) -> Result<RootCertStore, PeerError> {
        let mut roots = RootCertStore::empty();
        for authority in &self.authorities {
            roots.add(authority.clone()).map_err(|error| {
                self.error(format!("a certificate in `ca_certs` cannot be an authority: {error}"))
            })?;
        }
        if self.settings.as_ref().is_none_or(|settings| settings.system_ca_pool) {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "system certificate authority left out");
            }
            roots.add_parsable_certificates(found.certs);
        }
        // An empty store would fail each handshake with a message that does not say why.
        if roots.is_empty() {
            return Err(self.error("no certificate authority to trust backends by"));
        }
        Ok(roots)
    }

    fn error(&self, message: impl Into<String>) -> PeerError {
        let at = self.settings.as_ref().map_or_else(Pointer::root, |settings| settings.at.clone());
        PeerError::new("tls-settings", &at, message)
    }
}

/// Leaves only what the lists allow. As in KrakenD, `cipher_suites` concerns TLS 1.2 alone.
fn restrict(provider: &mut CryptoProvider, settings: &ClientTls) -> Result<(), PeerError> {
    if settings.min_version > settings.max_version {
        let message = "`min_version` is higher than `max_version`";
        return Err(PeerError::new("tls-settings", &settings.at, message));
    }
    if !settings.cipher_suites.is_empty() {
        provider.cipher_suites.retain(|suite| {
            suite.tls13().is_some() || settings.cipher_suites.contains(&suite.suite().into())
        });
        if settings.max_version == TlsVersion::Tls12
            && provider.cipher_suites.iter().all(|suite| suite.tls13().is_some())
        {
            let at = settings.at.key("cipher_suites");
            return Err(PeerError::new("tls-settings", &at, "none of these suites is supported"));
        }
    }
    if !settings.curve_preferences.is_empty() {
        let known = std::mem::take(&mut provider.kx_groups);
        provider.kx_groups = settings
            .curve_preferences
            .iter()
            .filter_map(|id| known.iter().copied().find(|group| u16::from(group.name()) == *id))
            .collect();
        if provider.kx_groups.is_empty() {
            let at = settings.at.key("curve_preferences");
            return Err(PeerError::new("tls-settings", &at, "none of these curves is supported"));
        }
    }
    Ok(())
}

/// The certificates that this gateway can show.
#[derive(Debug)]
struct Identities(Vec<Arc<CertifiedKey>>);

impl ResolvesClientCert for Identities {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        // A certificate contains the name of its issuer as it is, so no parser is needed to find it.
        let is_wanted = |key: &CertifiedKey| {
            root_hint_subjects.iter().any(|subject| {
                key.cert
                    .iter()
                    .any(|certificate| memchr::memmem::find(certificate, subject).is_some())
            })
        };
        let usable = || self.0.iter().filter(|key| key.key.choose_scheme(schemes).is_some());
        usable().find(|key| is_wanted(key)).or_else(|| usable().next()).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// `allow_insecure_connections`: any certificate will do, but the peer must hold its key.
#[derive(Debug)]
struct AcceptAll(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
