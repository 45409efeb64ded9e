//! Small upstreams to try a gateway with: JSON services, a slow one, one that fails, and a stream of events.
//!
//! They answer on four ports of 127.0.0.1 (8081 to 8084 unless told otherwise). They are no part of the gateway.

mod service;

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

pub use service::Service;

/// The services with their addresses, bound but not yet serving.
pub struct Demo {
    listeners: Vec<(Service, TcpListener)>,
}

impl Demo {
    /// Binds one port for each service on 127.0.0.1, counted from `first`; 0 takes any free ones.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn bind(first: u16) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for (port, service) in (first..).zip(Service::ALL) {
            let port = if first == 0 { 0 } else { port };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let listener = TcpListener::bind(address).await.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
            })?;
            listeners.push((service, listener));
        }
        Ok(Self { listeners })
    }

    /// Each service with its address.
    ///
    /// # Errors
    /// The system does not know the address of a socket.
    pub fn addresses(&self) -> io::Result<Vec<(Service, SocketAddr)>> {
        self.listeners
            .iter()
            .map(|(service, listener)| Ok((*service, listener.local_addr()?)))
            .collect()
    }

    /// Serves until `end`.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        for (service, listener) in self.listeners {
            tasks.spawn(accept(service, listener));
        }
        // The set's end stops all services.
        end.await;
    }
}

async fn accept(service: Service, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        // What is done makes room.
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: let connections end first.
            if connections.join_next().await.is_none() {
                return;
            }
            continue;
        };
        let _ = stream.set_nodelay(true);
        let serve = service_fn(move |request| async move {
            Ok::<_, std::convert::Infallible>(service.answer(request).await)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), serve);
        connections.spawn(async move {
            // A client that breaks off is no event worth telling in a demo.
            let _ = connection.await;
        });
    }
}

#[cfg(test)]
mod tests;
