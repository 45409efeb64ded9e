//! The checked configuration: defaults and inheritance applied, texts parsed, bad states unspellable.
//!
//! Everything above this crate builds from these types. What is still a JSON tree is the configuration of components
//! under `extra_config`: each component reads its own with [`crate::read`].

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde_json::Value;

use crate::Pointer;
pub use crate::no_proxy::NoProxy;

/// One whole gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// `name`: what telemetry calls this gateway.
    pub name: String,
    /// The environment variables of the process.
    pub environment: Environment,
    /// `port`; 0 in tests means any free port.
    pub port: u16,
    /// `listen_ip`; unspecified address when absent.
    pub listen_ip: IpAddr,
    /// Server time limits.
    pub server_timeouts: ServerTimeouts,
    /// `max_header_bytes`: request line and headers together.
    pub max_header_bytes: usize,
    /// `use_h2c`: HTTP/2 without TLS on the listener.
    pub use_h2c: bool,
    /// `tls`, unless it is disabled.
    pub tls: Option<ServerTls>,
    /// How backends are called.
    pub client: ClientSettings,
    /// `debug_endpoint`.
    pub debug_endpoint: bool,
    /// `echo_endpoint`.
    pub echo_endpoint: bool,
    /// `max_shutdown_wait_time`; `None` waits for ever.
    pub max_shutdown_wait: Option<Duration>,
    /// `extra_config.router`.
    pub router: RouterOptions,
    /// All endpoints, in the order of the file.
    pub endpoints: Vec<Endpoint>,
    /// Components of the service level.
    pub extra: Extra,
}

/// Environment variables. Their values are secrets more often than not, so they are never printed.
#[derive(Clone, Default)]
pub struct Environment(pub Vec<(String, String)>);

impl Environment {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

/// Time limits of client connections; `None` means no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTimeouts {
    /// `read_timeout`: reading one whole request.
    pub read: Option<Duration>,
    /// `write_timeout`: from the end of the request's head to the end of the answer.
    pub write: Option<Duration>,
    /// `idle_timeout`: between two requests of one connection (falls back to `read`).
    pub idle: Option<Duration>,
    /// `read_header_timeout`: reading a request's head (falls back to `read`).
    pub read_header: Option<Duration>,
}

/// TLS of the listener (`tls`, reference 12.1).
#[derive(Debug, Clone, PartialEq)]
pub struct ServerTls {
    /// Certificate chain and key files, chosen by server name.
    pub keys: Vec<KeyPair>,
    /// Lowest protocol version.
    pub min_version: TlsVersion,
    /// Highest protocol version.
    pub max_version: TlsVersion,
    /// Ask clients for a certificate and refuse those without a valid one.
    pub mtls: bool,
    /// Extra certificate authorities for client certificates.
    pub ca_certs: Vec<String>,
    /// Whether the system's authorities count too.
    pub system_ca_pool: bool,
    /// IANA numbers of the allowed TLS 1.2 cipher suites; empty means the provider's defaults.
    pub cipher_suites: Vec<u16>,
    /// IANA numbers of the key exchange groups, best first; empty means the provider's defaults.
    pub curve_preferences: Vec<u16>,
    /// Where `tls` stands.
    pub at: Pointer,
}

/// A certificate chain and its private key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// Certificate chain.
    pub certificate: String,
    /// Private key.
    pub private_key: String,
    /// Where the pair stands.
    pub at: Pointer,
}

/// Protocol version of TLS. Older versions are refused at load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// TLS towards backends (`client_tls`, reference 12.2).
#[derive(Debug, Clone, PartialEq)]
pub struct ClientTls {
    /// Accept any certificate.
    pub allow_insecure_connections: bool,
    /// Extra certificate authorities.
    pub ca_certs: Vec<String>,
    /// Whether the system's authorities count.
    pub system_ca_pool: bool,
    /// Certificates shown to backends that ask.
    pub client_certs: Vec<KeyPair>,
    /// Lowest protocol version.
    pub min_version: TlsVersion,
    /// Highest protocol version.
    pub max_version: TlsVersion,
    /// As in [`ServerTls::cipher_suites`].
    pub cipher_suites: Vec<u16>,
    /// As in [`ServerTls::curve_preferences`].
    pub curve_preferences: Vec<u16>,
    /// Where the section stands.
    pub at: Pointer,
}

impl ClientTls {
    /// The files that the section names: a change of one calls for a reload.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let pairs =
            self.client_certs.iter().flat_map(|pair| [&pair.certificate, &pair.private_key]);
        pairs.chain(&self.ca_certs).map(String::as_str)
    }
}

/// How backends are called; `None` means no limit.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSettings {
    /// `disable_keep_alives`: one connection per call.
    pub disable_keep_alives: bool,
    /// `disable_compression`: do not ask backends for compressed answers.
    pub disable_compression: bool,
    /// `max_idle_connections`, all hosts together.
    pub max_idle_connections: Option<usize>,
    /// `max_idle_connections_per_host` (250).
    pub max_idle_connections_per_host: usize,
    /// `idle_connection_timeout`.
    pub idle_connection_timeout: Option<Duration>,
    /// `response_header_timeout`: from the end of the request to the head of the answer.
    pub response_header_timeout: Option<Duration>,
    /// `expect_continue_timeout`.
    pub expect_continue_timeout: Option<Duration>,
    /// `dialer_timeout`.
    pub dialer_timeout: Option<Duration>,
    /// `dialer_keep_alive` (15 s): interval of TCP keep-alive probes.
    pub dialer_keep_alive: Duration,
    /// `dialer_fallback_delay` (300 ms): RFC 8305 head start of the first address family.
    pub dialer_fallback_delay: Duration,
    /// `client_tls`; `None` means TLS 1.2 and 1.3 with the system's authorities.
    pub tls: Option<ClientTls>,
    /// What stands between this gateway and its backends.
    pub proxies: Proxies,
}

/// The forward proxies for calls of backends: those of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`), or
/// a backend's `proxy_address`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Proxies {
    /// For hosts of the scheme `http`.
    pub http: Option<ForwardProxy>,
    /// For hosts of the scheme `https`.
    pub https: Option<ForwardProxy>,
    /// Who is called directly all the same; `None` is nobody, not even this machine.
    pub exceptions: Option<NoProxy>,
}

impl Proxies {
    /// This proxy for every host, without exceptions.
    #[must_use]
    pub fn all(proxy: &ForwardProxy) -> Self {
        Self { http: Some(proxy.clone()), https: Some(proxy.clone()), exceptions: None }
    }

    /// The proxy for a host; `None` calls it directly.
    #[must_use]
    pub fn find(&self, secure: bool, name: &str, port: u16) -> Option<&ForwardProxy> {
        let proxy = if secure { self.https.as_ref() } else { self.http.as_ref() }?;
        let direct = self.exceptions.as_ref().is_some_and(|list| list.covers(name, port));
        (!direct).then_some(proxy)
    }
}

/// A forward proxy (RFC 9110 3.7).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ForwardProxy {
    /// Whether TLS is spoken with the proxy itself.
    pub secure: bool,
    /// Name or address, IPv6 without brackets.
    pub name: String,
    /// Port: 80, or 443 with TLS, unless written.
    pub port: u16,
    /// `user:password`, decoded. It never appears in a text for people.
    pub credentials: Option<Vec<u8>>,
}

impl ForwardProxy {
    /// Scheme, name and port, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        if self.name.contains(':') {
            format!("{scheme}://[{}]:{}", self.name, self.port)
        } else {
            format!("{scheme}://{}:{}", self.name, self.port)
        }
    }
}

impl std::fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ForwardProxy({})", self.url())
    }
}

/// `extra_config.router` (reference 6.5).
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the configuration")]
pub struct RouterOptions {
    /// Gateway error texts become the body of error answers.
    pub return_error_msg: bool,
    /// 502, 503 and 504 with RFC 9457 bodies instead of 500 for every gateway error.
    pub honest_status: bool,
    /// JSON body of 404 answers.
    pub error_body_404: Option<Value>,
    /// JSON body of 405 answers.
    pub error_body_405: Option<Value>,
    /// `X-Krakend: Version undefined` instead of the version.
    pub hide_version_header: bool,
    /// Path of the health endpoint; `None` when it is disabled.
    pub health_path: Option<String>,
    /// No access log at all.
    pub disable_access_log: bool,
    /// Paths without an access log line.
    pub logger_skip_paths: Vec<String>,
    /// No redirect between `/a` and `/a/`.
    pub disable_redirect_trailing_slash: bool,
    /// No redirect to the right case or to the cleaned path.
    pub disable_redirect_fixed_path: bool,
    /// `//` counts as `/` without a redirect.
    pub remove_extra_slash: bool,
    /// 404 instead of 405.
    pub disable_handle_method_not_allowed: bool,
    /// Parameters are not decoded and not checked for escapes.
    pub disable_path_decoding: bool,
    /// Answer `OPTIONS` with the allowed methods.
    pub auto_options: bool,
    /// Whether forwarding headers of trusted proxies name the client.
    pub forwarded_by_client_ip: bool,
    /// Headers that name the client, in order.
    pub remote_ip_headers: Vec<String>,
    /// Networks whose forwarding headers are trusted; `None` trusts everybody.
    pub trusted_proxies: Option<Vec<Network>>,
    /// Trust `X-Appengine-Remote-Addr`.
    pub app_engine: bool,
    /// Largest request body in bytes; `None` has no limit for streamed bodies.
    pub max_payload: Option<u64>,
    /// Hand request bodies with `Content-Encoding: gzip` to backends in clear.
    pub decompress_gzip: bool,
    /// Compress answers for clients that accept gzip.
    pub gzip: bool,
    /// Read the PROXY protocol (v1 and v2) in front of each connection.
    pub proxy_protocol: bool,
}

/// An IP network such as `10.0.0.0/8`; a single address is a network of full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The network's address.
    pub address: IpAddr,
    /// Length of its prefix in bits.
    pub prefix: u8,
}

impl Network {
    /// Reads an address or a network.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            // Only digits: `u8` would also read a sign.
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok()?
            }
            Some(_) => return None,
        };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// Whether `ip` lies in this network. An IPv4-mapped IPv6 address counts as its IPv4 address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        fn equal(a: &[u8], b: &[u8], bits: u8) -> bool {
            let whole = usize::from(bits / 8);
            let rest = bits % 8;
            a[..whole] == b[..whole] && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0)
        }
        match (self.address.to_canonical(), ip.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => equal(&a.octets(), &b.octets(), self.prefix.min(32)),
            (IpAddr::V6(a), IpAddr::V6(b)) => equal(&a.octets(), &b.octets(), self.prefix.min(128)),
            _ => false,
        }
    }
}

/// A public method and path with its backends.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Path as written, with one leading slash: `/users/{id}`.
    pub path: String,
    /// The parsed path.
    pub route: Route,
    /// Upper-case method.
    pub method: Method,
    /// Time limit of the whole exchange.
    pub timeout: Duration,
    /// `Cache-Control: public, max-age=…` of complete answers; zero for none.
    pub cache_ttl: Duration,
    /// How often each backend is called at once.
    pub concurrent_calls: u32,
    /// Client headers that reach the pipeline.
    pub input_headers: Names,
    /// Client query strings that reach the pipeline.
    pub input_query_strings: Names,
    /// How the answer is written.
    pub output_encoding: OutputEncoding,
    /// Backends, at least one.
    pub backends: Vec<Backend>,
    /// Components of the endpoint level.
    pub extra: Extra,
    /// Where the endpoint stands.
    pub at: Pointer,
}

/// Methods that endpoints and backends may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the methods' names say it")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Connect,
    Trace,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Connect,
        Self::Trace,
    ];

    /// The method's name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
        }
    }
}

/// An allow-list of header or query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// Nothing listed: the default applies (headers: `Content-Type`; query strings: none).
    Default,
    /// `"*"` stands in the list.
    All,
    /// These names.
    Listed(Vec<String>),
}

/// A public path, cut into segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Segments without the slashes. `/` has one empty segment.
    pub segments: Vec<RouteSegment>,
    /// The path ends in `/*`: everything below it matches, the rest goes to the backend's path.
    pub wildcard: bool,
    /// `/__catchall`: whatever nothing else matches, with any method.
    pub catch_all: bool,
}

/// One segment of a [`Route`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteSegment {
    /// Literal text.
    Literal(String),
    /// `{name}`: a whole segment.
    Param(String),
    /// `file.{ext}`: text and parameters in one segment (`disable_rest: true`).
    /// Never empty, and no two parameters touch.
    Mixed(Vec<SegmentPart>),
}

/// A piece of [`RouteSegment::Mixed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentPart {
    /// Literal text.
    Literal(String),
    /// A parameter.
    Param(String),
}

/// One upstream call of an endpoint.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Hosts to balance over; may be empty for kinds that need none.
    pub hosts: Vec<Host>,
    /// `sd`: where hosts come from.
    pub service_discovery: ServiceDiscovery,
    /// Path and query of the call.
    pub url_pattern: UrlPattern,
    /// Method of the call.
    pub method: Method,
    /// How the answer's body is read.
    pub encoding: Encoding,
    /// The answer is an array (with `json`).
    pub is_collection: bool,
    /// Dot path of the object to take out.
    pub target: Option<String>,
    /// Dot paths to keep.
    pub allow: Vec<String>,
    /// Dot paths to remove.
    pub deny: Vec<String>,
    /// New names of top-level keys.
    pub mapping: BTreeMap<String, String>,
    /// Key under which the whole answer is put.
    pub group: Option<String>,
    /// Second header filter; empty for none (reference 3.4).
    pub input_headers: Vec<String>,
    /// Second query filter; empty for none.
    pub input_query_strings: Vec<String>,
    /// `workflow`: a nested endpoint takes the place of the call.
    pub workflow: Option<Box<Workflow>>,
    /// `plugin/wasm` beside `url_pattern`: a plugin takes the place of the call.
    pub plugin: Option<Component>,
    /// Components of the backend level.
    pub extra: Extra,
    /// Where the backend stands.
    pub at: Pointer,
}

/// A nested endpoint inside a backend (reference 11.5, `workflow`).
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The nested endpoint: its name is logged as `/__workflow/NAME`.
    pub endpoint: Endpoint,
    /// Failing backends do not make the workflow fail or incomplete.
    pub ignore_errors: bool,
}

/// Where a backend's hosts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceDiscovery {
    /// The host list.
    Static,
    /// DNS SRV records of the first host (`sd: dns`), with the scheme in `sd_scheme`.
    Dns,
}

/// One host of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// As written, sanitised: `http://example:8080`.
    pub url: String,
    /// `http`, `https`, or that of another transport.
    pub scheme: String,
    /// Host name or address, IPv6 without brackets.
    pub name: String,
    /// Port, when written.
    pub port: Option<u16>,
    /// Path in front of the pattern; only with `disable_host_sanitize`. No trailing slash.
    pub base_path: String,
    /// Where the host stands.
    pub at: Pointer,
}

/// A parsed `url_pattern`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    /// As written, with one leading slash.
    pub source: String,
    /// Pieces of the path.
    pub path: Vec<PatternPart>,
    /// Pieces of the query, without `?`.
    pub query: Vec<PatternPart>,
}

/// A piece of a [`UrlPattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternPart {
    /// Literal text.
    Literal(String),
    /// `{name}`: a parameter of the endpoint's path.
    Param(String),
    /// `{respN_a.b}`: a value of an earlier answer of a sequence.
    Response {
        /// Index of the backend.
        backend: usize,
        /// Dot path in its answer.
        path: String,
        /// The placeholder's name without braces: `resp0_a.b`.
        name: String,
    },
    /// `{JWT.claim}`: a claim of the validated token.
    Claim(String),
}

/// How a backend's body is read (reference 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the words of the configuration")]
pub enum Encoding {
    Json,
    FastJson,
    SafeJson,
    Xml,
    Rss,
    Yaml,
    String,
    NoOp,
}

/// How the answer is written (reference 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the words of the configuration")]
pub enum OutputEncoding {
    Json,
    FastJson,
    JsonCollection,
    Xml,
    Yaml,
    Negotiate,
    String,
    NoOp,
}

/// The components of one level: everything under its `extra_config`, old names made new.
#[derive(Debug, Clone, Default)]
pub struct Extra(pub Vec<Component>);

impl Extra {
    /// The component of a namespace.
    #[must_use]
    pub fn get(&self, namespace: &str) -> Option<&Component> {
        self.0.iter().find(|component| component.namespace == namespace)
    }
}

/// One namespace under an `extra_config`.
#[derive(Debug, Clone)]
pub struct Component {
    /// Today's name, such as `qos/ratelimit/router`, also when the file uses an old one.
    pub namespace: String,
    /// Its configuration.
    pub value: Value,
    /// Where it stands.
    pub at: Pointer,
}
