//! Origins (RFC 6454): where a plugin may send requests to.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use torana_config::{
    At, Diagnostic, Diagnostics, FromConfig, Pointer, Value, valid::Host, wrong_type,
};

/// Scheme, host and port, in normal form: in lower case, without the scheme's own port, IPv6 in its short form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin(String);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    #[error("it begins with `http://` or `https://`")]
    Scheme,
    #[error("it has no user and password")]
    User,
    #[error("it has no path, query or fragment")]
    Path,
    #[error("it names one host: there are no wildcards")]
    Wildcard,
    #[error("`{0}` is no host")]
    Host(String),
    #[error("`{0}` is no port")]
    Port(String),
}

impl Origin {
    /// Reads `scheme://host[:port]`.
    pub(crate) fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let (scheme, own_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            _ => return Err(OriginError::Scheme),
        };
        if rest.contains('@') {
            return Err(OriginError::User);
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(OriginError::Path);
        }
        if rest.contains('*') {
            return Err(OriginError::Wildcard);
        }
        let (host, port) = split(rest);
        let host = normal(host).ok_or_else(|| OriginError::Host(host.to_owned()))?;
        let port = match port {
            None => own_port,
            // No sign, no white space: `parse` takes a plus.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port
                .parse::<u16>()
                .ok()
                .filter(|port| *port > 0)
                .ok_or(OriginError::Port(port.to_owned()))?,
            Some(port) => return Err(OriginError::Port(port.to_owned())),
        };
        Ok(Self(if port == own_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        }))
    }

    /// The origin of an absolute URI.
    pub(crate) fn of(uri: &Uri) -> Result<Self, OriginError> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        Self::parse(&format!("{}://{authority}", uri.scheme_str().unwrap_or_default()))
    }

    /// The normal form as text: `https://auth.internal`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a host to call; `at` is where it stands in the configuration.
    pub(crate) fn host(&self, at: Pointer) -> Option<Host> {
        let uri: Uri = self.0.parse().ok()?;
        let name = uri.host()?;
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        Some(Host {
            url: self.0.clone(),
            scheme: uri.scheme_str()?.to_owned(),
            name: bare.unwrap_or(name).to_owned(),
            port: uri.port_u16(),
            base_path: String::new(),
            at,
        })
    }
}

/// Host and port; the colons of an IPv6 address are inside of brackets.
fn split(authority: &str) -> (&str, Option<&str>) {
    let end = authority.find(']').map_or(0, |bracket| bracket + 1);
    match authority[end..].split_once(':') {
        Some((more, port)) => (&authority[..end + more.len()], Some(port)),
        None => (authority, None),
    }
}

/// The normal form of a host: a name, an IPv4 address, or an IPv6 address in brackets.
fn normal(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let name = host.to_ascii_lowercase();
    // What ends in a number is an address, and some resolvers read `127.1` as one.
    let is_address = name
        .rsplit('.')
        .next()
        .is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    if is_address {
        return name.parse::<Ipv4Addr>().is_ok().then_some(name);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= 253 && name.split('.').all(label)).then_some(name)
}

impl FromConfig for Origin {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let Value::String(text) = value else {
            out.push(wrong_type("an origin such as \"https://auth.internal\"", value, at));
            return None;
        };
        let report = |error: OriginError| {
            let message = format!("`{text}` is no origin: {error}");
            out.push(Diagnostic::error("plugin-grant", at.pointer(), message).help(
                "write scheme, host and at most a port, such as \"https://auth.internal:8443\"",
            ));
        };
        Self::parse(text).map_err(report).ok()
    }

    fn schema() -> Value {
        torana_config::json!({"type": "string", "pattern": "^[hH][tT][tT][pP][sS]?://[^/?#@*]+$"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normal_forms() {
        for (text, normal) in [
            ("https://auth.internal", "https://auth.internal"),
            ("HTTPS://Auth.Internal:443", "https://auth.internal"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://10.0.0.1:80", "http://10.0.0.1"),
            ("http://[0:0::1]:81", "http://[::1]:81"),
            ("https://a_b-c.x", "https://a_b-c.x"),
        ] {
            assert_eq!(Origin::parse(text).map(|origin| origin.0), Ok(normal.into()), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin() {
        let host = |host: &str| OriginError::Host(host.into());
        for (text, error) in [
            ("auth.internal", OriginError::Scheme),
            ("ftp://a", OriginError::Scheme),
            ("https://u:p@a", OriginError::User),
            ("https://a/", OriginError::Path),
            ("https://a?x", OriginError::Path),
            ("https://a\\b", OriginError::Path),
            ("https://*.a", OriginError::Wildcard),
            ("https://", host("")),
            ("https://a b", host("a b")),
            ("https://a.", host("a.")),
            ("https://ä", host("ä")),
            ("https://127.1", host("127.1")),
            ("https://[::1", host("[")),
            ("https://[::1]x:1", host("[::1]x")),
            ("https://a:", OriginError::Port(String::new())),
            ("https://a:0", OriginError::Port("0".into())),
            ("https://a:+1", OriginError::Port("+1".into())),
            ("https://a:65536", OriginError::Port("65536".into())),
        ] {
            assert_eq!(Origin::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn uris_have_origins() {
        let of = |uri: &str| Origin::of(&uri.parse().expect("a URI")).map(|origin| origin.0);
        for uri in ["https://a.b", "https://A.B:443/x?y"] {
            assert_eq!(of(uri), Ok("https://a.b".to_owned()), "{uri}");
        }
        assert_eq!(of("http://[0::1]:81/x"), Ok("http://[::1]:81".to_owned()));
        assert_eq!(of("https://u:p@a.b/"), Err(OriginError::User));
        assert_eq!(of("/path"), Err(OriginError::Scheme));
        assert_eq!(of("a.b:443"), Err(OriginError::Scheme));
        assert_eq!(of("https://a.b:/"), Err(OriginError::Port(String::new())));
    }

    #[test]
    fn an_origin_is_a_host_to_call() {
        let origin = Origin::parse("http://[::1]:8080").expect("an origin");
        let host = origin.host(Pointer::root()).expect("a host");
        assert_eq!((&*host.scheme, &*host.name, host.port), ("http", "::1", Some(8080)));
    }

    proptest! {
        #[test]
        fn normal_forms_stay_as_they_are(
            text in "(?i:https?)://([a-zA-Z0-9._\\-\\[\\]:]{0,12}|.{0,8})"
        ) {
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(origin.as_str()), Ok(origin.clone()));
                let uri: Uri = format!("{}/path?q", origin.as_str()).parse().expect("a URI");
                prop_assert_eq!(Origin::of(&uri), Ok(origin));
            }
        }
    }
}
