//! Calls through a forward proxy (RFC 9110 3.7): it reads requests for `http` peers, and opens a tunnel to `https` ones.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::BytesMut;
use http::Method;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use torana_config::{Pointer, valid::ForwardProxy};
use torana_core::{Error, ErrorKind};

use super::{
    Client,
    connection::Transport,
    handshake::TlsServer,
    peer::Origin,
    response_head::{Head, HeadReader},
    tls::PeerError,
};

/// Time limit for opening a tunnel, as in Go's client and so KrakenD.
const TUNNEL_TIMEOUT: Duration = Duration::from_secs(60);

/// Most interim responses in front of a final one.
const MAX_INTERIM: u8 = 16;

/// The proxy of one peer.
pub(super) struct Proxy {
    /// Scheme, name and port, for messages.
    pub(super) url: String,
    /// Name or address, IPv6 without brackets.
    pub(super) name: String,
    /// Port.
    pub(super) port: u16,
    /// Field lines that it wants in each request, each with its line end.
    pub(super) fields: String,
    tls: Option<TlsServer>,
    /// The request that opens a tunnel to the peer.
    connect: String,
}

impl Proxy {
    /// The proxy in front of a peer.
    ///
    /// # Errors
    /// TLS settings with which the proxy's own TLS cannot be spoken.
    pub(super) fn new(
        client: &Client,
        proxy: &ForwardProxy,
        origin: &Origin,
        at: &Pointer,
    ) -> Result<Self, PeerError> {
        let fields = match &proxy.credentials {
            None => String::new(),
            Some(user) => format!("proxy-authorization: Basic {}\r\n", BASE64.encode(user)),
        };
        // RFC 9110 9.3.6: the target of a tunnel always has its port.
        let target = Origin { port: Some(origin.port()), ..origin.clone() }.authority();
        Ok(Self {
            url: proxy.url(),
            name: proxy.name.clone(),
            port: proxy.port,
            connect: format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{fields}\r\n"),
            fields,
            tls: proxy.secure.then(|| TlsServer::new(client, &proxy.name, at)).transpose()?,
        })
    }

    /// Makes a connection to the proxy one to the peer, which `tls` secures.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`] and [`ErrorKind::Timeout`]; `url` is what they call the peer.
    pub(super) async fn pass(
        &self,
        mut stream: TcpStream,
        tls: Option<&TlsServer>,
        url: &str,
    ) -> Result<Transport, Error> {
        Ok(match (&self.tls, tls) {
            (None, None) => Transport::Tcp(stream),
            (None, Some(tls)) => {
                self.tunnel(&mut stream, url).await?;
                Transport::Tls(Box::new(tls.handshake(stream, url).await?))
            }
            (Some(own), None) => Transport::Tls(Box::new(self.secure(own, stream, url).await?)),
            (Some(own), Some(tls)) => {
                let mut stream = self.secure(own, stream, url).await?;
                self.tunnel(&mut stream, url).await?;
                Transport::Nested(Box::new(tls.handshake(stream, url).await?))
            }
        })
    }

    async fn secure(
        &self,
        tls: &TlsServer,
        stream: TcpStream,
        url: &str,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
        tls.handshake(stream, &format!("{url}: the proxy {}", self.url)).await
    }

    async fn tunnel<S>(&self, stream: &mut S, url: &str) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let failed = |kind, reason: String| {
            let message = format!("{url}: no tunnel through the proxy {}: {reason}", self.url);
            // Nothing of the request has left.
            Error::new(kind, message).retryable()
        };
        match tokio::time::timeout(TUNNEL_TIMEOUT, self.ask(stream)).await {
            Ok(Ok(head)) if head.status.is_success() => Ok(()),
            Ok(Ok(head)) => Err(failed(ErrorKind::Connect, format!("it answered {}", head.status))),
            Ok(Err(reason)) => Err(failed(ErrorKind::Connect, reason)),
            Err(_) => {
                Err(failed(ErrorKind::Timeout, format!("no answer within {TUNNEL_TIMEOUT:?}")))
            }
        }
    }

    async fn ask<S>(&self, stream: &mut S) -> Result<Head, String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let broken = |error: std::io::Error| error.to_string();
        stream.write_all(self.connect.as_bytes()).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut buffer = BytesMut::new();
        let mut reader = HeadReader::default();
        let mut interim = 0;
        loop {
            match reader.read(&mut buffer, &Method::CONNECT).map_err(|error| error.to_string())? {
                None if stream.read_buf(&mut buffer).await.map_err(broken)? == 0 => {
                    return Err("it closed the connection".to_owned());
                }
                None => {}
                Some(head) if head.status.is_informational() && interim == MAX_INTERIM => {
                    return Err("too many interim responses".to_owned());
                }
                Some(head) if head.status.is_informational() => interim += 1,
                // In TLS the client speaks first: whatever is here already is not the peer's.
                Some(head) if head.status.is_success() && !buffer.is_empty() => {
                    return Err("it sent more than its answer".to_owned());
                }
                Some(head) => return Ok(head),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(BASE64.encode(bytes), text);
        }
        assert_eq!(BASE64.encode([0xff, 0xfe, 0xfd, 0x3e]), "//79Pg==");
    }
}
