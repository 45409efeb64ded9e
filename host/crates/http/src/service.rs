//! One loaded configuration, ready to serve: service-level steps, router, endpoints. Immutable; a reload makes another.

use std::sync::Arc;

use http::Method;
use torana_config::valid::{self, RouterOptions, ServerTimeouts};
use torana_core::{
    Error, Request, RequestContext, percent,
    pipeline::{Backend, BoxFuture, Outcome, Pipeline, Plan, Step},
};

use crate::{
    builtin::Builtins,
    client_ip::ClientIp,
    endpoint::Endpoint,
    respond::{self, Answer, Responder, from_response, into_response},
    rewrite,
    router::{Found, Match, Router, without_extra_slashes},
};

/// Everything that one configuration built.
pub struct Service {
    /// Per-connection settings of the listener.
    pub settings: Settings,
    /// How client addresses are found.
    pub client_ip: ClientIp,
    /// The compiled pipelines as data, for `explain`.
    pub plans: Vec<Plan>,
    inner: Arc<Inner>,
    /// Service-level steps around the router; `None` when there are none.
    steps: Option<Pipeline>,
}

/// What connections need to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `max_header_bytes`.
    pub max_header_bytes: usize,
    /// Time limits.
    pub timeouts: ServerTimeouts,
    /// `router.max_payload`.
    pub max_payload: Option<u64>,
    /// `router.decompress_gzip`.
    pub decompress_gzip: bool,
    /// Compress answers.
    pub gzip: bool,
    /// Write access lines.
    pub access_log: bool,
    /// Paths without access lines.
    pub skip_paths: Vec<String>,
}

struct Inner {
    router: Router,
    endpoints: Box<[Endpoint]>,
    builtins: Builtins,
    responder: Responder,
    options: RouterOptions,
    /// Whether paths may carry the mark of a virtual host.
    virtual_hosts: bool,
}

impl Service {
    /// A service from a configuration and what was built of it; `endpoints` in the configuration's order.
    #[must_use]
    pub fn new(
        gateway: &valid::Gateway,
        steps: Vec<Step>,
        endpoints: Vec<Endpoint>,
        plans: Vec<Plan>,
    ) -> Self {
        let options = gateway.router.clone();
        let mut router = Router::default();
        for (index, endpoint) in gateway.endpoints.iter().enumerate() {
            router.add(&endpoints[index].info.method, &endpoint.route, index);
        }
        let inner = Arc::new(Inner {
            router,
            endpoints: endpoints.into(),
            builtins: Builtins {
                health: options.health_path.clone(),
                debug: gateway.debug_endpoint,
                echo: gateway.echo_endpoint,
            },
            responder: Responder::new(&options),
            options: options.clone(),
            virtual_hosts: gateway.extra.get(rewrite::VIRTUAL_HOSTS).is_some(),
        });
        let steps =
            (!steps.is_empty()).then(|| Pipeline::new(steps, Box::new(Routing(inner.clone()))));
        Self {
            settings: Settings {
                max_header_bytes: gateway.max_header_bytes,
                timeouts: gateway.server_timeouts.clone(),
                max_payload: options.max_payload,
                decompress_gzip: options.decompress_gzip,
                gzip: options.gzip,
                access_log: !options.disable_access_log,
                skip_paths: options.logger_skip_paths.clone(),
            },
            client_ip: ClientIp::new(&options),
            plans,
            inner,
            steps,
        }
    }

    /// Serves one request. Never fails: every failure is an answer.
    pub async fn serve(&self, cx: &RequestContext, request: Request) -> Answer {
        match &self.steps {
            None => self.inner.route(cx, request).await,
            Some(steps) => match steps.run(cx, self.inner.shown(request)).await {
                Ok(response) => from_response(response),
                Err(error) => self.inner.responder.error(&error),
            },
        }
    }

    /// The answer for a request that failed before or beside its endpoint.
    #[must_use]
    pub fn failed(&self, error: &Error) -> Answer {
        self.inner.responder.error(error)
    }

    /// The endpoint that serves a method and path, as an index in the configuration's order.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<usize> {
        match self.inner.router.find(method, path) {
            Found::Match(found) => Some(found.target),
            _ => None,
        }
    }
}

/// The router as the leaf of the service-level steps.
struct Routing(Arc<Inner>);

impl Backend for Routing {
    fn call<'a>(&'a self, cx: &'a RequestContext, mut request: Request) -> BoxFuture<'a, Outcome> {
        request.restore_path();
        Box::pin(async move { Ok(into_response(self.0.route(cx, request).await)) })
    }
}

impl Inner {
    /// A request for the steps in front of the router, which see what it will match.
    fn shown(&self, mut request: Request) -> Request {
        self.remove_extra_slashes(&mut request);
        request.show_canonical_path();
        request
    }

    fn remove_extra_slashes(&self, request: &mut Request) {
        if self.options.remove_extra_slash
            && let Some(path) = without_extra_slashes(&request.path)
        {
            request.path = path;
        }
    }

    async fn route(&self, cx: &RequestContext, mut request: Request) -> Answer {
        self.remove_extra_slashes(&mut request);
        if let Some(builtin) = self.builtins.find(&request.path) {
            return match builtin.answer(request).await {
                Ok(answer) => answer,
                Err(error) => self.responder.error(&error),
            };
        }
        // The path is borrowed by the match and needed no more once its values are copied.
        let mut path = std::mem::take(&mut request.path);
        let mut found = self.router.find(&request.method, &path);
        // A host without an endpoint of its own for a path has that of all hosts (reference 13.4).
        if self.virtual_hosts
            && !matches!(found, Found::Match(_))
            && let Some(plain) = rewrite::without_virtual_host(&path)
        {
            path = plain.to_owned();
            found = self.router.find(&request.method, &path);
        }
        let endpoint = match found {
            Found::Match(found) => match self.enter(cx, &found, &mut request) {
                Ok(endpoint) => endpoint,
                Err(answer) => return *answer,
            },
            Found::OtherMethods(methods) => {
                request.path = path;
                return self.no_endpoint(&request, &methods);
            }
            Found::Nothing => {
                request.path = path;
                return self.no_endpoint(&request, &[]);
            }
        };
        request.path = path;
        endpoint.serve(cx, request, &self.responder).await
    }

    /// Puts the parameters into the request (reference 3.6).
    fn enter(
        &self,
        cx: &RequestContext,
        found: &Match<'_>,
        request: &mut Request,
    ) -> Result<&Endpoint, Box<Answer>> {
        let endpoint = &self.endpoints[found.target];
        let _ = cx.endpoint.set(endpoint.info.clone());
        for (name, raw) in found.names.iter().flat_map(|names| names.iter()).zip(&found.values) {
            // A rest of a path keeps its slashes and escapes.
            if &**name == torana_core::step::WILDCARD {
                request.params.set(name.clone(), raw.to_string());
                continue;
            }
            let Some(decoded) = percent::decode(raw) else {
                return Err(Box::new(respond::bad_request("error: malformed url params")));
            };
            if !self.options.disable_path_decoding && still_encoded(&decoded) {
                return Err(Box::new(self.responder.encoded_params()));
            }
            let raw_text = (*decoded != **raw).then(|| raw.to_string());
            request.params.set_with_raw(name.clone(), decoded.into_owned(), raw_text);
        }
        Ok(endpoint)
    }

    /// Where the client should have gone, if what it asked for is nearly right.
    fn right_path(&self, request: &Request) -> Option<String> {
        let method = &request.method;
        let path = match &request.rewritten {
            None => request.path.as_str(),
            // The path that a plugin has written is none of the client's. Its own may be right, and lead nowhere but here.
            Some(path) if matches!(self.router.find(method, path), Found::Match(_)) => return None,
            Some(path) => path,
        };
        if self.builtins.lacks_slash(path) {
            return Some(format!("{path}/"));
        }
        let slash = (!self.options.disable_redirect_trailing_slash)
            .then(|| self.router.other_slash(method, path));
        slash.flatten().or_else(|| {
            let fixes = !self.options.disable_redirect_fixed_path;
            fixes.then(|| self.router.fixed(method, path)).flatten()
        })
    }

    fn no_endpoint(&self, request: &Request, other_methods: &[Method]) -> Answer {
        let method = &request.method;
        if self.options.auto_options && method == Method::OPTIONS && !other_methods.is_empty() {
            return self.responder.options(other_methods);
        }
        if let Some(right) = self.right_path(request) {
            let query = (!request.query.is_empty()).then_some(request.query.as_str());
            return respond::redirect(method, &right, query);
        }
        if !other_methods.is_empty() && !self.options.disable_handle_method_not_allowed {
            return self.responder.method_not_allowed(other_methods);
        }
        self.responder.not_found()
    }
}

/// Whether a decoded parameter still has escapes, or characters that would end the path (reference 3.6).
fn still_encoded(decoded: &str) -> bool {
    decoded.contains(['?', '#'])
        || decoded
            .as_bytes()
            .windows(3)
            .any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit())
}
