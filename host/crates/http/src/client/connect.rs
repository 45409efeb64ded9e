//! Opens TCP connections: all addresses of a host in turn, each with a head start before the next one (RFC 8305).

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Connects to the first address that answers. Each attempt gets `delay` before the next one starts beside it; a
/// failed one makes room at once.
///
/// # Errors
/// That of the first attempt, when all of them failed.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    delay: Duration,
    keep_alive: Duration,
) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut failure: Option<io::Error> = None;
    let mut start_next = true;
    loop {
        if std::mem::take(&mut start_next)
            && let Some(address) = waiting.next()
        {
            attempts.push(TcpStream::connect(address));
        }
        let finished = if waiting.len() == 0 {
            attempts.next().await
        } else {
            match tokio::time::timeout(delay, attempts.next()).await {
                Ok(finished) => finished,
                Err(_) => {
                    start_next = true;
                    continue;
                }
            }
        };
        match finished {
            Some(Ok(stream)) => {
                prepare(&stream, keep_alive)?;
                return Ok(stream);
            }
            Some(Err(error)) => {
                failure.get_or_insert(error);
                start_next = true;
            }
            None if waiting.len() == 0 => {
                return Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()));
            }
            None => start_next = true,
        }
    }
}

/// Requests are written whole, so nothing is gained by waiting for more; probes find peers that vanished silently.
fn prepare(stream: &TcpStream, keep_alive: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if !keep_alive.is_zero() {
        let probes = TcpKeepalive::new()
            .with_time(keep_alive.max(Duration::from_secs(1)))
            .with_interval(keep_alive.max(Duration::from_secs(1)));
        SockRef::from(stream).set_tcp_keepalive(&probes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const DELAY: Duration = Duration::from_millis(300);

    async fn refused() -> SocketAddr {
        // The port is free again once the listener is gone.
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn a_refused_address_makes_room_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let addresses = [refused().await, good];
        // With a day of head start only the failure can have started the second attempt.
        let day = Duration::from_secs(86_400);
        let stream = connect(&addresses, day, DELAY).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(stream.nodelay().unwrap());
        assert!(SockRef::from(&stream).keepalive().unwrap());
    }

    #[tokio::test]
    async fn the_first_failure_is_reported() {
        let error = connect(&[refused().await, refused().await], DELAY, DELAY).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(connect(&[], DELAY, DELAY).await.is_err());
    }
}
