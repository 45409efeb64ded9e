//! What travels down a pipeline.

use std::{
    borrow::Cow,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, Method};
use smallvec::SmallVec;

use crate::{Body, percent};

/// A request on its way to backends. Each fork owns its own. Boxed, as it moves through many futures.
#[derive(Debug)]
pub struct Request(Box<RequestParts>);

/// The fields of a [`Request`].
#[derive(Debug)]
pub struct RequestParts {
    /// Method.
    pub method: Method,
    /// Path as it is on the wire (percent-encoded), with its leading slash.
    pub path: String,
    /// Query as it is on the wire, without `?`; empty for none.
    pub query: String,
    /// Values of the endpoint's path parameters.
    pub params: Params,
    /// Header fields.
    pub headers: HeaderMap,
    /// Names that a component has set: they pass the endpoint's header filter whatever it lists.
    pub pinned: SmallVec<[HeaderName; 2]>,
    /// Body.
    pub body: Body,
    /// The host that the balancer has chosen: an index into the backend's hosts.
    pub host: usize,
    /// The path as the client wrote it, where `path` is another form of it; see [`Request::show_canonical_path`].
    pub written: Option<String>,
    /// The client's path, where a plugin has written another one that the client does not know.
    pub rewritten: Option<String>,
}

impl Request {
    /// An empty request.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self(Box::new(RequestParts {
            method,
            path: path.into(),
            query: String::new(),
            params: Params::default(),
            headers: HeaderMap::new(),
            pinned: SmallVec::new(),
            body: Body::Empty,
            host: 0,
            written: None,
            rewritten: None,
        }))
    }

    /// Puts the path into the form in which it is compared: the router decodes what it matches, and a step in front of it
    /// that looks for a path must not miss what the router finds.
    pub fn show_canonical_path(&mut self) {
        if let Cow::Owned(canonical) = percent::canonical(&self.path) {
            self.written = Some(std::mem::replace(&mut self.path, canonical));
        }
    }

    /// Gives the path back its bytes, which travel on as they came, unless a step has changed it.
    pub fn restore_path(&mut self) {
        if let Some(written) = self.written.take()
            && percent::canonical(&written) == self.path
        {
            self.path = written;
        }
    }

    /// Puts something in front of the path, in whichever form.
    pub fn prefix_path(&mut self, prefix: &str) {
        self.path.insert_str(0, prefix);
        if let Some(written) = &mut self.written {
            written.insert_str(0, prefix);
        }
    }

    /// A request from its fields.
    #[must_use]
    pub fn from_parts(parts: RequestParts) -> Self {
        Self(Box::new(parts))
    }

    /// Its fields.
    #[must_use]
    pub fn into_parts(self) -> RequestParts {
        *self.0
    }

    /// A second request with equal fields; `None` if the body is still arriving (collect it first).
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self(Box::new(RequestParts {
            body: self.body.try_clone()?,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            params: self.params.clone(),
            headers: self.headers.clone(),
            pinned: self.pinned.clone(),
            host: self.host,
            written: self.written.clone(),
            rewritten: self.rewritten.clone(),
        })))
    }
}

impl Deref for Request {
    type Target = RequestParts;
    fn deref(&self) -> &RequestParts {
        &self.0
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut RequestParts {
        &mut self.0
    }
}

/// Named values of a request: path parameters and values propagated from earlier answers (`resp0_id`).
#[derive(Debug, Clone, Default)]
pub struct Params(SmallVec<[Param; 2]>);

#[derive(Debug, Clone)]
struct Param {
    name: Arc<str>,
    value: String,
    /// The text as it came on the wire, where that differs from `value`.
    raw: Option<String>,
}

impl Params {
    /// The value of a parameter, decoded.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|param| param.value.as_str())
    }

    /// The percent-encoded text that the client sent for a parameter, if it differs from its value.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(|param| param.raw.as_deref())
    }

    /// Adds or replaces a parameter.
    pub fn set(&mut self, name: Arc<str>, value: String) {
        self.set_with_raw(name, value, None);
    }

    /// Adds or replaces a parameter that came percent-encoded.
    pub fn set_with_raw(&mut self, name: Arc<str>, value: String, raw: Option<String>) {
        let param = Param { name, value, raw };
        match self.0.iter_mut().find(|old| old.name == param.name) {
            Some(old) => *old = param,
            None => self.0.push(param),
        }
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|param| (&*param.name, param.value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| &*param.name == name)
    }
}
