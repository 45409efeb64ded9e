//! The second header filter of a backend: `input_headers` (reference 3.4). It drops `User-Agent`, `Content-Type` and
//! `X-Forwarded-*` too, unless they are listed.

use http::{HeaderMap, HeaderName};

use crate::{
    Error, Request, RequestContext,
    pipeline::{BuildContext, Built, Filter, Flow, Level, Step, StepFactory},
};

/// Makes the step where a backend narrows the headers.
pub struct BackendHeaderFilter;

impl StepFactory for BackendHeaderFilter {
    fn name(&self) -> &'static str {
        "header filter"
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Backend(_, backend) = cx.level else { return None };
        if backend.input_headers.is_empty() {
            return None;
        }
        // A literal `*` matches nothing here, as in KrakenD: it is no header anybody sends.
        let names = backend
            .input_headers
            .iter()
            .filter(|name| *name != "*")
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect();
        Some(Built {
            detail: backend.input_headers.join(", "),
            at: Some(backend.at.key("input_headers")),
            step: Step::Filter(Box::new(Headers(names))),
        })
    }
}

struct Headers(Vec<HeaderName>);

impl Filter for Headers {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        let mut kept = HeaderMap::with_capacity(self.0.len());
        for name in &self.0 {
            if !kept.contains_key(name) {
                for value in request.headers.get_all(name) {
                    kept.append(name.clone(), value.clone());
                }
            }
        }
        request.headers = kept;
        Ok(Flow::Continue)
    }
}
