//! Requests of plugins to other services, through the gateway's own client.

use std::{
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Uri};
use tokio::runtime::Handle;
use torana_config::{Pointer, valid::Host};
use torana_core::{
    Body, Data, Error, ErrorKind, Request, RequestContext, Response, pipeline::Backend,
};

use crate::fiber::Task;

/// The origin of a URL: scheme, host and port, in lower case and without the scheme's own port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin(String);

impl Origin {
    /// The origin of an absolute URL.
    ///
    /// # Errors
    /// In words: it is no such URL, or has a user name in it.
    pub(crate) fn of(uri: &Uri) -> Result<Self, String> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err("it must begin with `http://` or `https://`".to_owned()),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("a user name does not belong into it".to_owned());
        }
        let name = authority.host().to_ascii_lowercase();
        if name.is_empty() {
            return Err("it has no host".to_owned());
        }
        if authority.port().is_some() && authority.port_u16().is_none() {
            return Err("its port is not valid".to_owned());
        }
        Ok(Self(match authority.port_u16().filter(|&port| port != own_port) {
            Some(port) => format!("{scheme}://{name}:{port}"),
            None => format!("{scheme}://{name}"),
        }))
    }

    /// An origin as a configuration has it: nothing may follow the port.
    ///
    /// # Errors
    /// In words: it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| "it is not a URL".to_owned())?;
        let origin = Self::of(&uri)?;
        if uri.path() != "/" || uri.query().is_some() || text.ends_with('/') {
            return Err("it must be scheme, host and port only".to_owned());
        }
        Ok(origin)
    }

    /// As text: `https://auth.internal`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a host to call; `at` is where it stands in the configuration.
    pub(crate) fn host(&self, at: Pointer) -> Option<Host> {
        let uri: Uri = self.0.parse().ok()?;
        let name = uri.host()?;
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        Some(Host {
            url: self.0.clone(),
            scheme: uri.scheme_str()?.to_owned(),
            name: bare.unwrap_or(name).to_owned(),
            port: uri.port_u16(),
            base_path: String::new(),
            at,
        })
    }
}

/// The services that a plugin may call.
#[derive(Default, Clone)]
pub(crate) struct Upstreams(Vec<(Origin, Arc<dyn Backend>)>);

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(origin, _)| origin)).finish()
    }
}

/// Equal if the very same upstreams are called: these change with the client's settings.
impl Hash for Upstreams {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (origin, upstream) in &self.0 {
            origin.hash(state);
            Arc::as_ptr(upstream).cast::<()>().hash(state);
        }
    }
}

impl Upstreams {
    /// Adds one.
    pub(crate) fn add(&mut self, origin: Origin, upstream: Arc<dyn Backend>) {
        self.0.push((origin, upstream));
    }

    /// The one for a URL.
    ///
    /// # Errors
    /// If its origin is not granted.
    pub(crate) fn find(&self, uri: &Uri) -> Result<&Arc<dyn Backend>, Refused> {
        let origin = Origin::of(uri).map_err(Refused::Invalid)?;
        let found = self.0.iter().find(|(granted, _)| *granted == origin);
        found.map(|(_, upstream)| upstream).ok_or(Refused::Denied(origin))
    }
}

/// Why a request is not sent at all.
pub(crate) enum Refused {
    Invalid(String),
    Denied(Origin),
}

/// A request with what bounds it.
pub(crate) struct Outgoing {
    pub(crate) request: Request,
    pub(crate) timeout: Duration,
    /// Largest body of the answer, in bytes.
    pub(crate) limit: usize,
}

impl Outgoing {
    /// A request without headers and body.
    pub(crate) fn new(method: Method, uri: &Uri, timeout: Duration, limit: usize) -> Self {
        let mut request = Request::new(method, uri.path());
        request.query = uri.query().unwrap_or_default().to_owned();
        Self { request, timeout, limit }
    }

    /// Sends it from the worker's runtime, wherever the guest runs. The answer's body is whole.
    pub(crate) fn send(
        self,
        runtime: &Handle,
        request_id: u64,
        upstream: Arc<dyn Backend>,
    ) -> Task<Result<(Response, Bytes), Error>> {
        Task::spawn(runtime, async move {
            let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
            let ip = HeaderValue::from_static("0.0.0.0");
            let cx = RequestContext::new(request_id, nobody, ip, false);
            let exchange = async {
                let mut response = upstream.call(&cx, self.request).await?;
                let body = match std::mem::replace(&mut response.data, Data::Body(Body::Empty)) {
                    Data::Body(body) => body.collect(self.limit).await?,
                    Data::Entity(object) => object.map_or(Bytes::new(), |object| object.to_bytes()),
                };
                Ok((response, body))
            };
            tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Timeout, "no answer within the request's time"))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_in_one_form() {
        for (text, origin) in [
            ("https://Auth.Internal", "https://auth.internal"),
            ("https://auth.internal:443", "https://auth.internal"),
            ("http://auth.internal:443", "http://auth.internal:443"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            let found = Origin::parse(text).expect("an origin");
            assert_eq!(found.as_str(), origin);
            assert_eq!(Origin::of(&format!("{text}/a?b=c").parse().expect("a URL")), Ok(found));
        }
        for wrong in [
            "",
            "auth.internal",
            "ftp://a",
            "https://a/",
            "https://a/x",
            "https://a?b",
            "https://u@a",
            "https://",
        ] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_a_host_to_call() {
        let host = Origin::parse("http://[::1]:8080").unwrap().host(Pointer::root()).unwrap();
        assert_eq!((&*host.scheme, &*host.name, host.port), ("http", "::1", Some(8080)));
    }
}
