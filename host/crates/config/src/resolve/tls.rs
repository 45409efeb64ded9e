//! TLS of the listener and towards backends (reference 12).

use serde_json::Value;

use crate::{
    At, Diagnostic, Diagnostics, FromConfig, did_you_mean,
    raw::{self, List},
    valid::{ClientTls, KeyPair, ServerTls, TlsVersion},
};

/// TLS of the listener; `None` if it is absent or disabled.
pub(super) fn server(
    raw: Option<&raw::ServerTls>,
    at: At<'_>,
    out: &mut Diagnostics,
) -> Option<ServerTls> {
    let raw = raw.filter(|raw| !raw.disabled)?;
    let (min_version, max_version) = versions(&raw.min_version.0, &raw.max_version.0, at, out);
    Some(ServerTls {
        keys: server_keys(raw, at, out),
        min_version,
        max_version,
        mtls: raw.enable_mtls,
        ca_certs: raw.ca_certs.clone().into_values(),
        system_ca_pool: !raw.disable_system_ca_pool,
        cipher_suites: cipher_suites(&raw.cipher_suites, at, out),
        curve_preferences: curves(&raw.curve_preferences, at, out),
        at: at.pointer(),
    })
}

/// TLS towards backends. The old root switch makes a section of its own (reference 2.2).
pub(super) fn client(
    raw: Option<&raw::ClientTls>,
    insecure: bool,
    root: At<'_>,
    out: &mut Diagnostics,
) -> Option<ClientTls> {
    let Some(raw) = raw else {
        return insecure.then(|| ClientTls {
            allow_insecure_connections: true,
            ca_certs: Vec::new(),
            system_ca_pool: true,
            client_certs: Vec::new(),
            min_version: TlsVersion::Tls13,
            max_version: TlsVersion::Tls13,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            at: At::Key(&root, "allow_insecure_connections").pointer(),
        });
    };
    let mut section = client_section(raw, At::Key(&root, "client_tls"), out);
    section.allow_insecure_connections |= insecure;
    Some(section)
}

/// The same section at a single backend (`backend/http/client`), whose component reads it.
impl FromConfig for ClientTls {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let raw = raw::ClientTls::from_config(value, at, out)?;
        Some(client_section(&raw, at, out))
    }

    fn schema() -> Value {
        raw::ClientTls::schema()
    }
}

fn client_section(raw: &raw::ClientTls, at: At<'_>, out: &mut Diagnostics) -> ClientTls {
    let (min_version, max_version) = versions(&raw.min_version.0, &raw.max_version.0, at, out);
    let list = At::Key(&at, "client_certs");
    let pairs = raw.client_certs.0.iter();
    ClientTls {
        allow_insecure_connections: raw.allow_insecure_connections,
        ca_certs: raw.ca_certs.clone().into_values(),
        system_ca_pool: !raw.disable_system_ca_pool,
        client_certs: pairs
            .filter_map(|(index, pair)| {
                let certificate = ("certificate", pair.certificate.as_deref());
                key_pair(certificate, pair.private_key.as_deref(), At::Index(&list, *index), out)
            })
            .collect(),
        min_version,
        max_version,
        cipher_suites: cipher_suites(&raw.cipher_suites, at, out),
        curve_preferences: curves(&raw.curve_preferences, at, out),
        at: at.pointer(),
    }
}

/// The pairs of `keys` and the old single pair. None at all is an error (reference 12.1).
fn server_keys(raw: &raw::ServerTls, at: At<'_>, out: &mut Diagnostics) -> Vec<KeyPair> {
    let list = At::Key(&at, "keys");
    let mut keys = Vec::new();
    for (index, pair) in &raw.keys.0 {
        let certificate = ("public_key", pair.certificate.as_deref());
        let at = At::Index(&list, *index);
        keys.extend(key_pair(certificate, pair.private_key.as_deref(), at, out));
    }
    if raw.public_key.is_some() || raw.private_key.is_some() {
        let certificate = ("public_key", raw.public_key.as_deref());
        keys.extend(key_pair(certificate, raw.private_key.as_deref(), at, out));
    } else if raw.keys.0.is_empty() {
        out.push(
            Diagnostic::error("missing-tls-key", at.pointer(), "`tls` has no certificate and key")
                .on_key()
                .help(
                    "add \"keys\": [{\"public_key\": \"cert.pem\", \"private_key\": \"key.pem\"}]",
                ),
        );
    }
    keys
}

fn key_pair(
    (certificate_key, certificate): (&str, Option<&str>),
    private_key: Option<&str>,
    at: At<'_>,
    out: &mut Diagnostics,
) -> Option<KeyPair> {
    let mut needed = |key: &str, file: Option<&str>| {
        let file = file.filter(|file| !file.is_empty()).map(str::to_owned);
        if file.is_none() {
            let message = format!("`{key}` is missing");
            out.push(Diagnostic::error("missing-tls-key", at.pointer(), message));
        }
        file
    };
    let certificate = needed(certificate_key, certificate);
    let private_key = needed("private_key", private_key);
    Some(KeyPair { certificate: certificate?, private_key: private_key?, at: at.pointer() })
}

fn versions(min: &str, max: &str, at: At<'_>, out: &mut Diagnostics) -> (TlsVersion, TlsVersion) {
    let min = version(min, At::Key(&at, "min_version"), out);
    let max = version(max, At::Key(&at, "max_version"), out);
    if min > max {
        let at = At::Key(&at, "min_version").pointer();
        out.push(
            Diagnostic::error("tls-version", at, "`min_version` is above `max_version`")
                .help("`max_version` is TLS13 unless it is written"),
        );
    }
    (min, max)
}

/// An unknown word means TLS 1.3, as in KrakenD; versions that no client should speak are refused.
fn version(word: &str, at: At<'_>, out: &mut Diagnostics) -> TlsVersion {
    match word {
        "TLS12" => return TlsVersion::Tls12,
        "TLS13" | "" => {}
        "SSL3.0" | "TLS10" | "TLS11" => {
            let message = format!("{word} is not supported: it is not secure (RFC 8996)");
            out.push(
                Diagnostic::error("tls-version", at.pointer(), message)
                    .help("TLS12 is the lowest version"),
            );
        }
        unknown => {
            let message = format!("unknown TLS version \"{unknown}\" means TLS13");
            let mut finding = Diagnostic::warning("tls-version", at.pointer(), message);
            finding.help = did_you_mean(unknown, ["TLS12", "TLS13"]);
            out.push(finding);
        }
    }
    TlsVersion::Tls13
}

/// TLS 1.2 suites with forward secrecy and authenticated encryption, by their IANA numbers.
const SUITES: [u16; 6] = [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9];
/// TLS 1.3 suites: always allowed, so they say nothing.
const SUITES_13: [u16; 3] = [0x1301, 0x1302, 0x1303];
/// P-256, P-384, X25519, X25519MLKEM768 by their IANA numbers.
const GROUPS: [u16; 4] = [23, 24, 29, 4588];

fn cipher_suites(list: &List<u16>, at: At<'_>, out: &mut Diagnostics) -> Vec<u16> {
    let at = At::Key(&at, "cipher_suites");
    let mut suites = supported(list, "cipher suite", &SUITES, &SUITES_13, at, out);
    suites.retain(|suite| SUITES.contains(suite));
    suites
}

fn curves(list: &List<u16>, at: At<'_>, out: &mut Diagnostics) -> Vec<u16> {
    supported(list, "key exchange group", &GROUPS, &[], At::Key(&at, "curve_preferences"), out)
}

/// The numbers that are supported. One that is not is left out with a warning; if none stays, that is an error, as an
/// empty list would mean all.
fn supported(
    list: &List<u16>,
    what: &str,
    known: &[u16],
    silent: &[u16],
    at: At<'_>,
    out: &mut Diagnostics,
) -> Vec<u16> {
    let mut kept = Vec::new();
    for (index, number) in &list.0 {
        if known.contains(number) || silent.contains(number) {
            kept.push(*number);
        } else {
            let message = format!("{what} {number} is not supported and left out");
            let at = At::Index(&at, *index).pointer();
            out.push(Diagnostic::warning("tls-number", at, message));
        }
    }
    if kept.is_empty() && !list.0.is_empty() {
        let message = format!("no {what} of this list is supported");
        let numbers: Vec<_> = known.iter().map(u16::to_string).collect();
        out.push(
            Diagnostic::error("tls-number", at.pointer(), message)
                .help(format!("supported are {}", numbers.join(", "))),
        );
    }
    kept
}
