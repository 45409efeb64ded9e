//! Who asks: the peer of the connection, or whom trusted forwarding headers name (reference 3.2, gin's rules).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use torana_config::valid::{Network, RouterOptions};

/// How the client's address is found.
#[derive(Debug)]
pub struct ClientIp {
    headers: Vec<HeaderName>,
    trusted: Option<Vec<Network>>,
    app_engine: bool,
}

const APP_ENGINE: HeaderName = HeaderName::from_static("x-appengine-remote-addr");

impl ClientIp {
    /// The rules of a configuration.
    #[must_use]
    pub fn new(options: &RouterOptions) -> Self {
        let headers = if options.forwarded_by_client_ip {
            options
                .remote_ip_headers
                .iter()
                .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
                .collect()
        } else {
            Vec::new()
        };
        Self { headers, trusted: options.trusted_proxies.clone(), app_engine: options.app_engine }
    }

    /// The client's address, if it is not the peer's.
    #[must_use]
    pub fn find(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if self.app_engine
            && let Some(ip) =
                headers.get(APP_ENGINE).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok())
        {
            return Some(ip);
        }
        // Most clients send none of them: one look at each name is cheaper than a look-up for each.
        if !headers.keys().any(|name| self.headers.contains(name)) || !self.trusts(peer) {
            return None;
        }
        self.headers.iter().find_map(|name| self.forwarded(headers, name))
    }

    /// Walks a list from the right, past trusted proxies. What is no address ends the walk without a result. Several
    /// fields are one list (RFC 9110 5.3), as some proxies add a field of their own behind the client's; and bytes that
    /// are no text hide nothing to the right of them, since a client can write any.
    fn forwarded(&self, headers: &HeaderMap, name: &HeaderName) -> Option<IpAddr> {
        let fields = headers.get_all(name).iter().rev();
        let mut last = None;
        for item in fields.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            let ip: IpAddr = std::str::from_utf8(item).ok()?.trim().parse().ok()?;
            last = Some(ip);
            if !self.trusts(ip) {
                break;
            }
        }
        last
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted
            .as_ref()
            .is_none_or(|networks| networks.iter().any(|network| network.contains(ip)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(trusted: Option<&[(&str, u8)]>) -> ClientIp {
        ClientIp {
            headers: vec![HeaderName::from_static("x-forwarded-for")],
            trusted: trusted.map(|list| {
                list.iter()
                    .map(|(ip, prefix)| Network { address: ip.parse().unwrap(), prefix: *prefix })
                    .collect()
            }),
            app_engine: false,
        }
    }

    fn found(rules: &ClientIp, peer: &str, value: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", http::HeaderValue::from_static(value));
        rules.find(peer.parse().unwrap(), &headers).map(|ip| ip.to_string())
    }

    #[test]
    fn the_last_untrusted_address_is_the_client() {
        let rules = rules(Some(&[("10.0.0.0", 8)]));
        assert_eq!(
            found(&rules, "10.0.0.1", "1.1.1.1, 2.2.2.2, 10.9.9.9").as_deref(),
            Some("2.2.2.2")
        );
        assert_eq!(found(&rules, "10.0.0.1", "10.1.1.1").as_deref(), Some("10.1.1.1"));
        assert_eq!(found(&rules, "9.9.9.9", "1.1.1.1"), None);
        assert_eq!(found(&rules, "10.0.0.1", "1.1.1.1, garbage"), None);
    }

    #[test]
    fn what_a_client_writes_hides_no_address_of_a_proxy() {
        let rules = rules(Some(&[("10.0.0.0", 8)]));
        let found = |fields: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                let value = http::HeaderValue::from_bytes(field).unwrap();
                headers.append("x-forwarded-for", value);
            }
            rules.find("10.0.0.1".parse().unwrap(), &headers).map(|ip| ip.to_string())
        };
        assert_eq!(found(&[b"\xff, 8.8.8.8"]).as_deref(), Some("8.8.8.8"));
        assert_eq!(found(&[b"10.1.1.1", b"8.8.8.8"]).as_deref(), Some("8.8.8.8"));
        assert_eq!(found(&[b"8.8.8.8", b"10.1.1.1"]).as_deref(), Some("8.8.8.8"));
        assert_eq!(found(&[b"\xff", b"10.1.1.1"]), None);
    }

    #[test]
    fn everybody_is_trusted_by_default() {
        assert_eq!(found(&rules(None), "9.9.9.9", "1.1.1.1, 2.2.2.2").as_deref(), Some("1.1.1.1"));
    }
}
