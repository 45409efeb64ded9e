//! Any lines as the lists of the plugin `ip-filter`: nothing panics, a network has the address that it is written with,
//! and an IPv4 address is the same one when it is written as IPv6.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use torana_addresses::Addresses;

fuzz_target!(|text: &str| {
    for line in text.lines() {
        let Ok(list) = Addresses::try_from(vec![line.to_owned()]) else { continue };
        let address = line.split('/').next().unwrap_or_default();
        let address: IpAddr = address.parse().expect("a network begins with an address");
        assert!(list.contains(address), "{line}");
        let other = IpAddr::V4(Ipv4Addr::from_bits(text.len() as u32));
        for address in [address, other] {
            if let IpAddr::V4(short) = address {
                assert_eq!(list.contains(address), list.contains(short.to_ipv6_mapped().into()));
            }
        }
    }
});
