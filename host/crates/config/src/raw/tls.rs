//! `tls` and `client_tls` as written.

use super::{List, TlsVersion};

crate::config! {
    /// TLS of the listener. HTTP/2 is offered over it.
    pub(crate) struct ServerTls {
        /// Listen without TLS in spite of this section.
        "disabled" disabled: bool = false,
        /// Certificates with their keys, chosen by server name.
        "keys" keys: List<ServerKeyPair> = List::default(),
        /// Certificate of a single pair. Old; `keys` is today's key.
        "public_key" public_key: Option<String> = None,
        /// Key of a single pair. Old; `keys` is today's key.
        "private_key" private_key: Option<String> = None,
        /// Lowest version: `TLS12` or `TLS13`.
        "min_version" min_version: TlsVersion = TlsVersion::from("TLS13"),
        /// Highest version: `TLS12` or `TLS13`.
        "max_version" max_version: TlsVersion = TlsVersion::from("TLS13"),
        /// Numbers of the allowed TLS 1.2 cipher suites; without it, all that are safe.
        "cipher_suites" cipher_suites: List<u16> = List::default(),
        /// Numbers of the key exchange groups, best first; without it, all that are safe.
        "curve_preferences" curve_preferences: List<u16> = List::default(),
        /// Refuse clients without a valid certificate.
        "enable_mtls" enable_mtls: bool = false,
        /// PEM files of more authorities for client certificates.
        "ca_certs" ca_certs: List<String> = List::default(),
        /// The system's authorities do not count.
        "disable_system_ca_pool" disable_system_ca_pool: bool = false,
        /// No effect: TLS 1.3 has no such choice.
        "prefer_server_cipher_suites" prefer_server_cipher_suites: bool = false,
    }
}

crate::config! {
    /// A certificate with its key.
    pub(crate) struct ServerKeyPair {
        /// PEM file of the certificate chain. Required.
        "public_key" certificate: Option<String> = None,
        /// PEM file of the private key. Required.
        "private_key" private_key: Option<String> = None,
    }
}

crate::config! {
    /// TLS towards backends.
    pub(crate) struct ClientTls {
        /// Accept any certificate.
        "allow_insecure_connections" allow_insecure_connections: bool = false,
        /// PEM files of more authorities.
        "ca_certs" ca_certs: List<String> = List::default(),
        /// The system's authorities do not count.
        "disable_system_ca_pool" disable_system_ca_pool: bool = false,
        /// Certificates shown to backends that ask.
        "client_certs" client_certs: List<ClientKeyPair> = List::default(),
        /// Lowest version: `TLS12` or `TLS13`. Without this whole section TLS 1.2 is allowed as well.
        "min_version" min_version: TlsVersion = TlsVersion::from("TLS13"),
        /// Highest version: `TLS12` or `TLS13`.
        "max_version" max_version: TlsVersion = TlsVersion::from("TLS13"),
        /// Numbers of the allowed TLS 1.2 cipher suites; without it, all that are safe.
        "cipher_suites" cipher_suites: List<u16> = List::default(),
        /// Numbers of the key exchange groups, best first; without it, all that are safe.
        "curve_preferences" curve_preferences: List<u16> = List::default(),
    }
}

crate::config! {
    /// A certificate with its key.
    pub(crate) struct ClientKeyPair {
        /// PEM file of the certificate chain. Required.
        "certificate" certificate: Option<String> = None,
        /// PEM file of the private key. Required.
        "private_key" private_key: Option<String> = None,
    }
}
