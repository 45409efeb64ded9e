//! Workers and what they share. Each worker is a thread with its own runtime and its own listening socket, so that a
//! request never crosses threads.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::{Buf, BytesMut};
use rustls::ServerConfig;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use torana_core::{deadline, ports::AccessSink, worker};

use crate::{
    connection::{self, Peer, Protocol},
    io::Rewound,
    proxy_protocol,
    service::Service,
    tls,
};

/// How long a load balancer may take to send its PROXY header.
const PROXY_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest PROXY header that is read, in bytes.
const PROXY_MAX: usize = 4096;
/// Pause after a failed accept: most often all file descriptors are taken, and asking again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What the listener does with new connections; a reload replaces it together with the service.
#[derive(Debug, Clone, Default)]
pub struct Listening {
    /// TLS settings; `None` listens in clear text.
    pub tls: Option<Arc<ServerConfig>>,
    /// HTTP/2 in clear text too.
    pub h2c: bool,
    /// A PROXY header comes first.
    pub proxy_protocol: bool,
}

/// Everything that is live: replaced as one, so that no connection sees half of a reload.
struct Live {
    service: Arc<Service>,
    listening: Listening,
}

/// What all workers share.
pub struct Shared {
    live: ArcSwap<Live>,
    /// Where access lines go.
    pub access: Option<Arc<dyn AccessSink>>,
    drain: watch::Sender<bool>,
    connections: AtomicUsize,
    panics: AtomicU64,
}

/// What a server has done since its start. Reloads do not reset it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Client connections that are open now.
    pub connections: usize,
    /// Requests that ended in a panic: faults of the gateway, each answered with 500 and logged.
    pub panics: u64,
}

impl Shared {
    /// The configuration that serves now.
    pub fn current(&self) -> Arc<Service> {
        self.live.load().service.clone()
    }

    /// Puts a new configuration in place. Requests in flight keep theirs; the next request of any connection, also of
    /// an old one, gets the new.
    pub fn swap(&self, service: Service, listening: Listening) {
        self.live.store(Arc::new(Live { service: Arc::new(service), listening }));
    }

    /// Whether the gateway drains.
    pub fn is_draining(&self) -> bool {
        *self.drain.borrow()
    }

    /// Ends when the gateway begins to drain.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut drain = self.drain.subscribe();
        async move {
            // An error means that the sender is gone, which drains as well.
            let _ = drain.wait_for(|draining| *draining).await;
        }
    }

    /// Counts a request that panicked.
    pub fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
        }
    }

    fn listening(&self) -> Listening {
        self.live.load().listening.clone()
    }
}

/// Running workers.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    threads: Vec<thread::JoinHandle<()>>,
    /// Hands each worker its next listening socket.
    moves: Vec<mpsc::UnboundedSender<TcpListener>>,
}

impl Server {
    /// Starts one worker for each listener.
    ///
    /// # Errors
    /// When a thread or runtime cannot be made.
    pub fn start(
        listeners: Vec<TcpListener>,
        service: Service,
        listening: Listening,
        access: Option<Arc<dyn AccessSink>>,
    ) -> io::Result<Self> {
        let address = listeners.first().ok_or(io::ErrorKind::InvalidInput)?.local_addr()?;
        let shared = Arc::new(Shared {
            live: ArcSwap::from_pointee(Live { service: Arc::new(service), listening }),
            access,
            drain: watch::Sender::new(false),
            connections: AtomicUsize::new(0),
            panics: AtomicU64::new(0),
        });
        let (mut threads, mut moves) = (Vec::new(), Vec::new());
        for (index, listener) in listeners.into_iter().enumerate() {
            let shared = shared.clone();
            let (sender, receiver) = mpsc::unbounded_channel();
            moves.push(sender);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            threads.push(thread::Builder::new().name(format!("worker-{index}")).spawn(
                move || {
                    worker::enter(index);
                    deadline::keep();
                    runtime.block_on(work(listener, receiver, shared));
                    deadline::release();
                },
            )?);
        }
        Ok(Self { shared, address, threads, moves })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.threads.len()
    }

    /// Listens on other sockets from now on, one for each worker. Connections of the old ones stay, and those that
    /// wait on them are still accepted.
    pub fn listen_on(&self, listeners: Vec<TcpListener>) {
        for (worker, listener) in self.moves.iter().zip(listeners) {
            // A worker that is gone listens on nothing.
            let _ = worker.send(listener);
        }
    }

    /// What workers share: to swap configurations.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stops listening, lets requests in flight finish, closes idle connections; waits at most for `limit`.
    /// False if that was too short.
    pub fn drain(self, limit: Option<Duration>) -> bool {
        self.shared.drain.send_replace(true);
        let deadline = limit.map(|limit| std::time::Instant::now() + limit);
        for thread in self.threads {
            while !thread.is_finished() {
                if deadline.is_some_and(|deadline| std::time::Instant::now() >= deadline) {
                    return false;
                }
                // Nothing tells when a thread ends within a limit; shutting down is no hot path.
                thread::park_timeout(Duration::from_millis(2));
            }
            // A worker that panicked has said so already.
            let _ = thread.join();
        }
        true
    }
}

async fn work(
    listener: TcpListener,
    mut moves: mpsc::UnboundedReceiver<TcpListener>,
    shared: Arc<Shared>,
) {
    let mut listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "cannot listen");
            return;
        }
    };
    // The count of this worker's connections: it ends when the last is gone.
    let (open, mut last) = watch::channel(());
    let mut drain = Box::pin(shared.draining());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut drain => break,
            accepted = listener.accept() => accepted,
            // Polled last: everybody who waits on the old socket has been accepted by then.
            Some(next) = moves.recv() => {
                match tokio::net::TcpListener::from_std(next) {
                    Ok(next) => listener = next,
                    Err(error) => tracing::error!(%error, "cannot listen on the new address"),
                }
                continue;
            }
        };
        match accepted {
            Ok((stream, address)) => {
                let (shared, open) = (shared.clone(), open.clone());
                tokio::spawn(async move {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    serve(stream, address, &shared).await;
                    shared.connections.fetch_sub(1, Ordering::Relaxed);
                    drop(open);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(open);
    while last.changed().await.is_ok() {}
}

async fn serve(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    let listening = shared.listening();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "client connection is gone already");
        return;
    }
    let clear = if listening.h2c { Protocol::Either } else { Protocol::Http1 };
    // The common case first, without any wrapper.
    if !listening.proxy_protocol {
        match listening.tls {
            None => {
                connection::serve(stream, clear, Peer::new(address, false), shared.clone()).await
            }
            Some(config) => serve_tls(stream, address, config, shared).await,
        }
        return;
    }
    let Some((stream, address)) = read_proxy_header(stream, address).await else { return };
    match listening.tls {
        None => connection::serve(stream, clear, Peer::new(address, false), shared.clone()).await,
        Some(config) => serve_tls(stream, address, config, shared).await,
    }
}

async fn serve_tls<T>(
    stream: T,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    shared: &Arc<Shared>,
) where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    match tls::accept(config, stream).await {
        Ok(stream) => {
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let protocol = if h2 { Protocol::Http2 } else { Protocol::Http1 };
            connection::serve(stream, protocol, Peer::new(address, true), shared.clone()).await;
        }
        Err(error) => tracing::debug!(%error, peer = %address, "TLS handshake failed"),
    }
}

async fn read_proxy_header(
    mut stream: TcpStream,
    peer: SocketAddr,
) -> Option<(Rewound<TcpStream>, SocketAddr)> {
    let deadline = Instant::now() + PROXY_TIMEOUT;
    let mut buffer = BytesMut::with_capacity(256);
    loop {
        match proxy_protocol::parse(&buffer) {
            proxy_protocol::Header::Complete { source, length } => {
                buffer.advance(length);
                return Some((Rewound::new(buffer.freeze(), stream), source.unwrap_or(peer)));
            }
            proxy_protocol::Header::Invalid => break,
            proxy_protocol::Header::Partial if buffer.len() > PROXY_MAX => break,
            proxy_protocol::Header::Partial => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout(left, stream.read_buf(&mut buffer)).await {
            Ok(Ok(read)) if read > 0 => {}
            _ => break,
        }
    }
    tracing::debug!(%peer, "connection without a valid PROXY header refused");
    None
}

#[cfg(test)]
mod tests;
