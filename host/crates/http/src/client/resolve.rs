//! Addresses of one host. Names are asked from the system's resolver and kept for a moment, so that a burst of new
//! connections asks once; when the resolver fails, the last known addresses still serve.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

/// How long addresses are fresh. The system's resolver does not tell their time to live.
const FRESH: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct Addresses {
    name: String,
    port: u16,
    literal: Option<IpAddr>,
    /// Held while the resolver is asked, so that others wait for its answer. Only new connections come here.
    known: Mutex<Option<(Instant, Vec<SocketAddr>)>>,
}

impl Addresses {
    pub(super) fn new(name: &str, port: u16) -> Self {
        Self { name: name.to_owned(), port, literal: name.parse().ok(), known: Mutex::new(None) }
    }

    /// The addresses in the order in which they should be tried (RFC 8305 4): families take turns, beginning with that
    /// of the resolver's first choice.
    pub(super) async fn get(&self) -> io::Result<Vec<SocketAddr>> {
        if let Some(ip) = self.literal {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        let mut known = self.known.lock().await;
        if let Some((since, addresses)) = &*known
            && since.elapsed() < FRESH
        {
            return Ok(addresses.clone());
        }
        match tokio::net::lookup_host((self.name.as_str(), self.port)).await {
            Ok(found) => {
                let addresses = interleave(found.collect());
                if addresses.is_empty() {
                    return Err(io::Error::new(io::ErrorKind::NotFound, "name has no address"));
                }
                *known = Some((Instant::now(), addresses.clone()));
                Ok(addresses)
            }
            Err(error) => match &*known {
                Some((_, addresses)) => {
                    tracing::warn!(host = self.name, %error, "name lookup failed, using old addresses");
                    Ok(addresses.clone())
                }
                None => Err(error),
            },
        }
    }
}

fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let pair = (first.next(), second.next());
        if pair == (None, None) {
            return order;
        }
        order.extend(pair.0);
        order.extend(pair.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            interleave(parse(&["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"])),
            parse(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(
            interleave(parse(&["10.0.0.1:1", "[::1]:1", "10.0.0.2:1"])),
            parse(&["10.0.0.1:1", "[::1]:1", "10.0.0.2:1"])
        );
        assert_eq!(interleave(Vec::new()), Vec::new());
    }

    #[tokio::test]
    async fn literals_need_no_resolver() {
        let v6 = Addresses::new("::1", 80).get().await.unwrap();
        assert_eq!(v6, ["[::1]:80".parse().unwrap()]);
    }

    #[tokio::test(start_paused = true)]
    async fn old_addresses_serve_while_the_resolver_fails() {
        let addresses = Addresses::new("name.invalid", 80);
        assert!(addresses.get().await.is_err());
        let old: Vec<SocketAddr> = vec!["10.0.0.1:80".parse().unwrap()];
        *addresses.known.lock().await = Some((Instant::now(), old.clone()));
        tokio::time::advance(FRESH * 2).await;
        assert_eq!(addresses.get().await.unwrap(), old);
    }
}
