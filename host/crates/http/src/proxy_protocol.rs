//! The PROXY protocol, versions 1 and 2 (haproxy's `proxy-protocol.txt`): who really connected, told by a load balancer.
//! Off unless `router.proxy_protocol` is set, as anybody could claim to be anybody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header of version 1, with its CR LF.
const MAX_V1: usize = 107;
const SIGNATURE_V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the start of a connection says.
#[derive(Debug, PartialEq, Eq)]
pub enum Header {
    /// More bytes are needed.
    Partial,
    /// A header of `length` bytes; without an address the peer itself speaks (health checks).
    Complete {
        /// Who connected to the load balancer.
        source: Option<SocketAddr>,
        /// Bytes of the header.
        length: usize,
    },
    /// No PROXY header.
    Invalid,
}

/// Reads the header at the start of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> Header {
    if SIGNATURE_V2.starts_with(&bytes[..bytes.len().min(SIGNATURE_V2.len())]) {
        return parse_v2(bytes);
    }
    parse_v1(bytes)
}

fn parse_v1(bytes: &[u8]) -> Header {
    let Some(end) = bytes.windows(2).take(MAX_V1).position(|pair| pair == b"\r\n") else {
        let prefix = &bytes[..bytes.len().min(6)];
        let possible = b"PROXY ".starts_with(prefix) && bytes.len() < MAX_V1;
        return if possible { Header::Partial } else { Header::Invalid };
    };
    let length = end + 2;
    let Ok(line) = std::str::from_utf8(&bytes[..end]) else { return Header::Invalid };
    let mut words = line.split(' ');
    if words.next() != Some("PROXY") {
        return Header::Invalid;
    }
    let source = match words.next() {
        Some("UNKNOWN") => return Header::Complete { source: None, length },
        Some("TCP4") => words.next().and_then(|w| w.parse::<Ipv4Addr>().ok()).map(IpAddr::V4),
        Some("TCP6") => words.next().and_then(|w| w.parse::<Ipv6Addr>().ok()).map(IpAddr::V6),
        _ => None,
    };
    let port = words.nth(1).and_then(|word| word.parse::<u16>().ok());
    match (source, port, words.next(), words.next()) {
        (Some(ip), Some(port), Some(_), None) => {
            Header::Complete { source: Some(SocketAddr::new(ip, port)), length }
        }
        _ => Header::Invalid,
    }
}

fn parse_v2(bytes: &[u8]) -> Header {
    let Some((head, rest)) = bytes.split_first_chunk::<16>() else { return Header::Partial };
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if head[12] >> 4 != 2 {
        return Header::Invalid;
    }
    let Some(addresses) = rest.get(..length) else { return Header::Partial };
    let source = match (head[12] & 15, head[13]) {
        // LOCAL: the load balancer's own health check.
        (0, _) => None,
        (1, 0x11) => match addresses {
            [a, b, c, d, _, _, _, _, high, low, ..] => Some(SocketAddr::new(
                Ipv4Addr::new(*a, *b, *c, *d).into(),
                u16::from_be_bytes([*high, *low]),
            )),
            _ => return Header::Invalid,
        },
        (1, 0x21) => match addresses.split_first_chunk::<16>() {
            Some((ip, rest)) if rest.len() >= 20 => Some(SocketAddr::new(
                Ipv6Addr::from(*ip).into(),
                u16::from_be_bytes([rest[16], rest[17]]),
            )),
            _ => return Header::Invalid,
        },
        (1, _) => None,
        _ => return Header::Invalid,
    };
    Header::Complete { source, length: 16 + length }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn version_1() {
        let text = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /";
        let source = Some("192.0.2.1:56324".parse().unwrap());
        assert_eq!(parse(text), Header::Complete { source, length: 45 });
        assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Header::Complete { source: None, length: 15 });
        assert_eq!(parse(b"PROX"), Header::Partial);
        for bad in [&b"GET / HTTP/1.1\r\n"[..], b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n", b"PROXY\r\n"] {
            assert_eq!(parse(bad), Header::Invalid);
        }
    }

    #[test]
    fn version_2() {
        let mut bytes = SIGNATURE_V2.to_vec();
        bytes.extend([0x21, 0x11, 0, 12, 10, 0, 0, 1, 10, 0, 0, 2, 0x1f, 0x90, 0, 80]);
        let source = Some("10.0.0.1:8080".parse().unwrap());
        assert_eq!(parse(&bytes), Header::Complete { source, length: 28 });
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Header::Partial, "{end}");
        }
        bytes[12] = 0x20;
        assert_eq!(parse(&bytes), Header::Complete { source: None, length: 28 });
        bytes[12] = 0x31;
        assert_eq!(parse(&bytes), Header::Invalid);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_claims_more_than_there_is(bytes: Vec<u8>) {
            if let Header::Complete { length, .. } = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
