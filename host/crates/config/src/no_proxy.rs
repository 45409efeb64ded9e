//! `NO_PROXY`: who is called directly although there is a forward proxy. The rules are those of Go's `httpproxy`, by
//! which KrakenD finds its proxies (reference 2.2).

use std::net::IpAddr;

use crate::valid::Network;

/// A list of hosts. This machine (`localhost` and loopback addresses) is always on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct NoProxy {
    everybody: bool,
    networks: Vec<Network>,
    addresses: Vec<(IpAddr, Option<String>)>,
    domains: Vec<Domain>,
}

/// A domain with what is below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Domain {
    /// With a dot in front, in lower case.
    suffix: String,
    /// Whether the domain itself counts too: not when it was written with a dot or `*.` in front.
    itself: bool,
    /// Compared as text, as in Go: what is no number matches no port.
    port: Option<String>,
}

impl NoProxy {
    /// Reads items between commas: addresses, networks (`10.0.0.0/8`), domains (`example.com` with all below it,
    /// `.example.com` or `*.example.com` for those below it only), each but the networks with a port if wanted, and
    /// `*` for everybody. What is none of these matches nobody.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for item in text.split(',') {
            let item = item.trim().to_ascii_lowercase();
            if item == "*" {
                return Self { everybody: true, ..Self::default() };
            }
            list.add(&item);
        }
        list
    }

    fn add(&mut self, item: &str) {
        if item.contains('/')
            && let Some(network) = Network::parse(item)
        {
            self.networks.push(network);
            return;
        }
        let (name, port) = split_port(item);
        // `name:` is any port, as in Go.
        let port = port.filter(|port| !port.is_empty());
        if let Ok(address) = name.parse::<IpAddr>() {
            self.addresses.push((address.to_canonical(), port.map(str::to_owned)));
            return;
        }
        let below = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
        let itself = !below.starts_with('.');
        if below.is_empty() {
            return;
        }
        let suffix = if itself { format!(".{below}") } else { below.to_owned() };
        self.domains.push(Domain { suffix, itself, port: port.map(str::to_owned) });
    }

    /// Whether a host is called directly; `name` is a name or an address, IPv6 without brackets.
    #[must_use]
    pub fn covers(&self, name: &str, port: u16) -> bool {
        let name = name.to_ascii_lowercase();
        let address = name.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        if self.everybody || name == "localhost" || address.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let port = port.to_string();
        let at_port = |wanted: &Option<String>| wanted.as_ref().is_none_or(|one| *one == port);
        if let Some(ip) = address
            && (self.networks.iter().any(|network| network.contains(ip))
                || self.addresses.iter().any(|(one, wanted)| *one == ip && at_port(wanted)))
        {
            return true;
        }
        self.domains.iter().any(|Domain { suffix, itself, port }| {
            at_port(port) && (name.ends_with(suffix) || (*itself && name == suffix[1..]))
        })
    }
}

/// `name:port` or `[address]:port`; an IPv6 address without brackets has colons, but no port.
fn split_port(item: &str) -> (&str, Option<&str>) {
    if let Some(rest) = item.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, rest)) => (name, rest.strip_prefix(':')),
            None => (item, None),
        };
    }
    match item.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(port)),
        _ => (item, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn this_machine_is_never_called_through_a_proxy() {
        let none = NoProxy::parse("");
        for name in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
        {
            assert!(none.covers(name, 80), "{name}");
        }
        for name in ["localhost.example", "128.0.0.1", "::2", "a", ""] {
            assert!(!none.covers(name, 80), "{name}");
        }
    }

    #[test]
    fn each_kind_of_item() {
        for (list, name, port, direct) in [
            ("example.com", "example.com", 80, true),
            ("example.com", "A.Example.COM", 80, true),
            ("example.com", "badexample.com", 80, false),
            ("example.com", "example.com.evil", 80, false),
            (".example.com", "a.example.com", 80, true),
            (".example.com", "example.com", 80, false),
            ("*.example.com", "a.b.example.com", 80, true),
            ("*.example.com", "example.com", 80, false),
            (" a , EXAMPLE.com:8080 ", "x.example.com", 8080, true),
            ("example.com:8080", "example.com", 80, false),
            ("example.com:", "example.com", 80, true),
            ("10.0.0.0/8", "10.255.0.1", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example", 80, false),
            ("fd00::/8", "fd12::1", 443, true),
            ("192.0.2.1", "192.0.2.1", 443, true),
            ("192.0.2.1:443", "192.0.2.1", 443, true),
            ("192.0.2.1:443", "192.0.2.1", 80, false),
            ("192.0.2.1", "::ffff:192.0.2.1", 80, true),
            ("2001:db8::1", "2001:db8::1", 80, true),
            ("[2001:db8::1]:443", "2001:db8::1", 443, true),
            ("[2001:db8::1]:443", "2001:db8::1", 80, false),
            ("a,*,b", "anything", 1, true),
            (",,:80,[,[],*.", "example.com", 80, false),
        ] {
            assert_eq!(NoProxy::parse(list).covers(name, port), direct, "{list} {name}:{port}");
        }
    }

    proptest! {
        #[test]
        fn any_list_can_be_asked(list in "[-a-c.*:,/ \\[\\]0-9]{0,40}|\\PC{0,40}", name in "\\PC{0,20}") {
            let list = NoProxy::parse(&list);
            prop_assert_eq!(list.covers(&name, 80), list.covers(&name.to_ascii_uppercase(), 80));
            prop_assert!(list.covers("127.0.0.1", 80));
        }

        #[test]
        fn a_name_on_the_list_is_covered_with_all_below_it(
            before in "[a-z0-9.:/, ]{0,20}",
            name in "[a-z][a-z0-9-]{0,10}(\\.[a-z]{2,5}){0,2}",
            label in "[a-z]{1,8}",
            port in 1..=u16::MAX,
        ) {
            let list = NoProxy::parse(&format!("{before},{name}"));
            prop_assert!(list.covers(&name, port));
            let below = format!("{label}.{name}");
            prop_assert!(list.covers(&below, port));
            let strict = NoProxy::parse(&format!(".{name}:{port}"));
            prop_assert!(strict.covers(&below, port));
            prop_assert!(!strict.covers(&below, port ^ 1));
            prop_assert!(name == "localhost" || !strict.covers(&name, port));
        }

        #[test]
        fn an_item_changes_nothing_for_strangers(list in "([a-z.]{1,12}\\.com(:[0-9]{1,5})?,?){0,4}") {
            prop_assert!(!NoProxy::parse(&list).covers("stranger.test", 80));
        }
    }
}
