//! Lists of IP addresses and networks in the configuration of plugins.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::Deserialize;

/// A list of addresses (`192.0.2.1`, `2001:db8::1`) and networks (`10.0.0.0/8`, `2001:db8::/32`).
///
/// IPv4 addresses that are written as IPv6 ones (`::ffff:192.0.2.1`) are IPv4 addresses, in the list and in the question.
/// A network of IPv6 addresses has no IPv4 addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Addresses(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Addresses {
    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl TryFrom<Vec<String>> for Addresses {
    type Error = String;

    fn try_from(items: Vec<String>) -> Result<Self, String> {
        items.iter().map(|item| item.parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { bits, mask }, IpAddr::V4(address)) => address.to_bits() & mask == bits,
            (Self::V6 { bits, mask }, IpAddr::V6(address)) => address.to_bits() & mask == bits,
            _ => false,
        }
    }

    fn new(text: &str, address: IpAddr, prefix: u32) -> Result<Self, String> {
        let too_long = || format!("`{text}`: the prefix is longer than the address");
        let network = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
                (prefix <= 32).then_some(Self::V4 { bits: address.to_bits(), mask })
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
                (prefix <= 128).then_some(Self::V6 { bits: address.to_bits(), mask })
            }
        };
        let network = network.ok_or_else(too_long)?;
        let first = network.first();
        // Either the address or the prefix is wrong, and nobody knows which.
        if first != address {
            return Err(format!(
                "`{text}` has bits behind its prefix: is `{first}/{prefix}` meant?"
            ));
        }
        Ok(network)
    }

    fn first(self) -> IpAddr {
        match self {
            Self::V4 { bits, mask } => Ipv4Addr::from_bits(bits & mask).into(),
            Self::V6 { bits, mask } => Ipv6Addr::from_bits(bits & mask).into(),
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr =
            address.parse().map_err(|_| format!("`{text}` is neither an address nor a network"))?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(whole), |digits| {
            // `parse` takes a plus sign.
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        });
        let prefix = prefix.ok_or_else(|| format!("`{text}` has no prefix behind its slash"))?;
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), short @ IpAddr::V4(_)) if (96..=128).contains(&prefix) => {
                Self::new(text, short, prefix - 96)
            }
            _ => Self::new(text, address, prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(json: &str) -> Result<Addresses, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_and_networks_of_both_kinds() {
        let addresses =
            list(r#"["192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "::1", "::ffff:172.16.0.0/108"]"#)
                .expect("a list");
        for (address, inside) in [
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("::ffff:192.0.2.1", true),
            ("10.255.0.1", true),
            ("11.0.0.0", false),
            ("::ffff:10.1.2.3", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("::1", true),
            ("::2", false),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(addresses.contains(address), inside, "{address}");
        }
    }

    #[test]
    fn all_of_one_kind_is_nothing_of_the_other() {
        let four: IpAddr = Ipv4Addr::LOCALHOST.into();
        let six: IpAddr = Ipv6Addr::LOCALHOST.into();
        let all = list(r#"["0.0.0.0/0"]"#).expect("a list");
        assert_eq!((all.contains(four), all.contains(six)), (true, false));
        let all = list(r#"["::/0"]"#).expect("a list");
        assert_eq!((all.contains(four), all.contains(six)), (false, true));
        assert!(!Addresses::default().contains(four));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "localhost",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.1/8",
            "::1/129",
            "::1/64",
            "10.0.0",
            "010.0.0.1",
            "1.2.3.4 ",
            "fe80::1%eth0",
            "::ffff:10.0.0.1/104",
        ] {
            assert!(list(&format!(r#"["{text}"]"#)).is_err(), "{text}");
        }
        let error = list(r#"["10.0.0.1/8"]"#).expect_err("bits behind the prefix");
        assert!(error.contains("`10.0.0.0/8`"), "{error}");
    }

    proptest! {
        /// As the prefix says, bit by bit; no text makes it panic.
        #[test]
        fn a_network_is_its_prefix(network: u128, other: u128, prefix in 0_u32..=128) {
            let mask = if prefix == 0 { 0 } else { u128::MAX << (128 - prefix) };
            let text = format!("{}/{prefix}", Ipv6Addr::from_bits(network & mask));
            let other = Ipv6Addr::from_bits(other);
            if let Ok(parsed @ Network::V6 { .. }) = text.parse::<Network>() {
                let inside = (other.to_bits() ^ network) & mask == 0;
                let mapped = other.to_ipv4_mapped().is_some();
                prop_assert_eq!(parsed.contains(IpAddr::V6(other).to_canonical()), inside && !mapped);
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "[0-9a-f:./%]{0,20}|.{0,8}") {
            let _ = text.parse::<Network>();
        }
    }
}
