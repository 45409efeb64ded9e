//! Hosts of backends (reference 2.4).

use std::net::Ipv6Addr;

use super::Context;
use crate::{At, Diagnostic, raw::List, valid::Host};

/// Whether hosts must be just scheme, name and port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sanitizing {
    /// At the root nothing can switch it off.
    Always,
    /// A backend without `disable_host_sanitize`.
    On,
    /// A backend with `disable_host_sanitize`.
    Off,
}

/// Checks a list of hosts.
pub(super) fn resolve(
    list: &List<String>,
    at: At<'_>,
    sanitizing: Sanitizing,
    cx: &mut Context<'_>,
) -> Vec<Host> {
    let mut hosts = Vec::with_capacity(list.0.len());
    for (index, text) in &list.0 {
        let at = At::Index(&at, *index);
        if text.contains("{input_headers.") || text.contains("{input_query_strings.") {
            cx.out.push(super::url_pattern::dynamic_routing(text, at));
            continue;
        }
        let parts = match sanitizing {
            Sanitizing::Off => as_written(text),
            _ => sanitised(text),
        };
        match parts {
            Some(parts) => hosts.push(parts.host(at)),
            None => cx.out.push(invalid(text, at, sanitizing)),
        }
    }
    hosts
}

struct Parts {
    url: String,
    scheme: String,
    name: String,
    port: Option<u16>,
    base_path: String,
}

impl Parts {
    fn host(self, at: At<'_>) -> Host {
        let Self { url, scheme, name, port, base_path } = self;
        Host { url, scheme, name, port, base_path, at: at.pointer() }
    }
}

/// `scheme?host(:port)?/?` and nothing else; `http://` if no scheme is there.
fn sanitised(text: &str) -> Option<Parts> {
    let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
        ("https", rest)
    } else {
        ("http", text.strip_prefix("http://").unwrap_or(text))
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (name, port) = authority_parts(authority)?;
    Some(Parts {
        url: format!("{scheme}://{authority}"),
        scheme: scheme.to_owned(),
        name,
        port,
        base_path: String::new(),
    })
}

/// Any scheme, user and path. Without a scheme it is taken as `http`.
fn as_written(text: &str) -> Option<Parts> {
    if text.is_empty() || text.chars().any(|c| c.is_control() || c == ' ') {
        return None;
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let http = matches!(scheme, "http" | "https");
    let (name, port) = match authority_parts(address) {
        Some(parts) => parts,
        // Other transports name their hosts as they like: several, or none.
        None if !http => (address.to_owned(), None),
        None => return None,
    };
    let base_path = path.trim_end_matches('/');
    let base_path = base_path.split(['?', '#']).next().unwrap_or_default();
    let url = match (http, text.contains("://")) {
        (true, true) => text.trim_end_matches('/').to_owned(),
        (true, false) => format!("http://{}", text.trim_end_matches('/')),
        // The slash of `amqp://broker/` names a virtual host.
        (false, _) => text.to_owned(),
    };
    Some(Parts { url, scheme: scheme.to_owned(), name, port, base_path: base_path.to_owned() })
}

/// Name or address, and port.
pub(super) fn authority_parts(authority: &str) -> Option<(String, Option<u16>)> {
    let (name, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
    } else {
        let (name, port) = match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(allowed) {
            return None;
        }
        (name, port)
    };
    let port = match port {
        None => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port != 0)?)
        }
        Some(_) => return None,
    };
    Some((name.to_owned(), port))
}

fn invalid(text: &str, at: At<'_>, sanitizing: Sanitizing) -> Diagnostic {
    let help = match sanitizing {
        Sanitizing::Off => "write scheme, name and port, such as \"https://users:8443/base\"",
        Sanitizing::On => {
            "write scheme, name and port, such as \"https://users:8443\"; \
             for a path, user or other scheme set \"disable_host_sanitize\": true"
        }
        Sanitizing::Always => {
            "write scheme, name and port, such as \"https://users:8443\"; for a path, user or other \
             scheme name the host in the backend, with \"disable_host_sanitize\": true"
        }
    };
    Diagnostic::error("invalid-host", at.pointer(), format!("invalid host \"{text}\"")).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitised_hosts() {
        for (text, url) in [
            ("example:8081/", "http://example:8081"),
            ("https://a.b-c_d.example", "https://a.b-c_d.example"),
            ("[::1]:80", "http://[::1]:80"),
            ("127.0.0.1", "http://127.0.0.1"),
        ] {
            assert_eq!(sanitised(text).map(|parts| parts.url).as_deref(), Some(url), "{text}");
        }
        for text in [
            "",
            "/",
            "http://",
            "http://a/base",
            "ws://a",
            "u:p@a",
            "a:0",
            "a:65536",
            "a:",
            "a b",
            "http://a//",
            "[::1",
            "[x]",
            "a?b",
            "http://http://a",
        ] {
            assert!(sanitised(text).is_none(), "{text}");
        }
    }

    #[test]
    fn hosts_as_written() {
        let parts = as_written("https://u:p@api.example:8443/base/v1/").unwrap();
        assert_eq!(parts.url, "https://u:p@api.example:8443/base/v1");
        assert_eq!((parts.name.as_str(), parts.port), ("api.example", Some(8443)));
        assert_eq!(parts.base_path, "/base/v1");
        let parts = as_written("amqp://u:p@broker:5672/").unwrap();
        assert_eq!(
            (parts.url.as_str(), parts.scheme.as_str()),
            ("amqp://u:p@broker:5672/", "amqp")
        );
        let parts = as_written("users:9000").unwrap();
        assert_eq!(
            (parts.scheme.as_str(), parts.name.as_str(), parts.port),
            ("http", "users", Some(9000))
        );
        for text in ["", "http://", "http:///x", "http://a b", "https://a:x", "http://a\r\n"] {
            assert!(as_written(text).is_none(), "{text:?}");
        }
    }
}
