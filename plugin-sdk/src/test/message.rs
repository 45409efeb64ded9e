//! Requests and responses that tests build and look at.

use serde_json::Value;

/// A request of a test: what a hook sees, and afterwards what it made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub(super) common: Common,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) params: Vec<(String, String)>,
}

/// A response of a test: what a hook sees, and afterwards what it made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub(super) common: Common,
    pub(super) status: u16,
    pub(super) complete: bool,
    /// The decoded data; none for a response that has a body.
    pub(super) data: Option<Value>,
}

/// What requests and responses have in common.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Common {
    pub(super) id: u64,
    pub(super) client_ip: String,
    pub(super) route: Option<String>,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// None for a body that streams.
    pub(super) body: Option<Vec<u8>>,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            id: 1,
            client_ip: "192.0.2.1".to_owned(),
            route: None,
            headers: Vec::new(),
            body: Some(Vec::new()),
        }
    }
}

impl Common {
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.as_str())
    }

    pub(super) fn append(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }
}

macro_rules! common {
    ($($ty:ty),*) => {$(
        impl $ty {
            /// Sets the number; 1 without. Hooks for the same number share what they keep in `context`.
            #[must_use]
            pub fn with_id(mut self, id: u64) -> Self {
                self.common.id = id;
                self
            }

            /// Sets who asks; `192.0.2.1` without.
            #[must_use]
            pub fn with_client_ip(mut self, address: &str) -> Self {
                self.common.client_ip = address.to_owned();
                self
            }

            /// Sets the endpoint as configured; none without, as before routing.
            #[must_use]
            pub fn with_route(mut self, route: &str) -> Self {
                self.common.route = Some(route.to_owned());
                self
            }

            /// Adds a header field, of any name: clients send what they like.
            #[must_use]
            pub fn with_header(mut self, name: &str, value: &str) -> Self {
                self.common.append(name, value);
                self
            }

            /// Makes the body one that streams: the hook cannot read it as a whole.
            #[must_use]
            pub fn streaming(mut self) -> Self {
                self.common.body = None;
                self
            }

            /// The first header field with that name.
            #[must_use]
            pub fn header(&self, name: &str) -> Option<&str> {
                self.headers(name).first().copied()
            }

            /// All header fields with that name, in order.
            #[must_use]
            pub fn headers(&self, name: &str) -> Vec<&str> {
                let fields = self.common.headers.iter();
                let named = fields.filter(|(n, _)| n.eq_ignore_ascii_case(name));
                named.map(|(_, value)| value.as_str()).collect()
            }

            /// The body; none for one that streams.
            #[must_use]
            pub fn body(&self) -> Option<&[u8]> {
                self.common.body.as_deref()
            }
        }
    )*};
}
common!(Request, Response);

impl Default for Request {
    fn default() -> Self {
        Self::get("/")
    }
}

impl Request {
    /// A request for a path with an optional query, such as `/a?x=1`.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            common: Common::default(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            params: Vec::new(),
        }
    }

    /// A GET request.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST request.
    #[must_use]
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// Adds a path parameter of the endpoint.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body, which is there as a whole. It is empty without.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.common.body = Some(body.into());
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without `?`.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new(200)
    }
}

impl Response {
    /// A response with a body, which is empty: what a `no-op` endpoint gets.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { common: Common::default(), status, complete: true, data: None }
    }

    /// A response with decoded data: status 200 and a JSON object.
    ///
    /// # Panics
    /// If the text is no JSON object.
    #[must_use]
    pub fn json(data: impl std::fmt::Display) -> Self {
        let data: Value = serde_json::from_str(&data.to_string()).expect("the data is JSON");
        assert!(data.is_object(), "decoded data is an object");
        Self { data: Some(data), ..Self::new(200) }
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Sets the body, which is there as a whole, in the place of decoded data.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.common.body = Some(body.into());
        self.data = None;
        self
    }

    /// Makes it one of which a part is missing.
    #[must_use]
    pub fn incomplete(mut self) -> Self {
        self.complete = false;
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The decoded data; none if the response has a body.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}
