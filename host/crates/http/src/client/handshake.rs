//! The beginning of TLS with one server: the peer, or a forward proxy.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};
use torana_config::Pointer;
use torana_core::{Error, ErrorKind};

use super::{Client, tls::PeerError};

/// Time limit of a TLS handshake, as in KrakenD.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How TLS is spoken with one server.
pub(super) struct TlsServer {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsServer {
    /// TLS with the server of this name, by the client's settings.
    ///
    /// # Errors
    /// A name that no certificate can have, and settings that leave nobody to trust.
    pub(super) fn new(client: &Client, name: &str, at: &Pointer) -> Result<Self, PeerError> {
        let server = ServerName::try_from(name.to_owned()).map_err(|_| {
            let message = format!("`{name}` cannot be the name of a TLS server");
            PeerError::new("invalid-host", at, message)
        })?;
        Ok(Self { connector: TlsConnector::from(client.tls.config()?), name: server })
    }

    /// Begins TLS on a connection; `url` is what errors call the server.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`] and [`ErrorKind::Timeout`].
    pub(super) async fn handshake<S>(&self, stream: S, url: &str) -> Result<TlsStream<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = self.connector.connect(self.name.clone(), stream);
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                let message = format!("{url}: TLS handshake failed: {error}");
                Err(Error::new(ErrorKind::Connect, message).with_source(error).retryable())
            }
            Err(_) => {
                let message = format!("{url}: no TLS handshake within {HANDSHAKE_TIMEOUT:?}");
                Err(Error::new(ErrorKind::Timeout, message).retryable())
            }
        }
    }
}
