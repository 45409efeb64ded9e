//! What of a client's request reaches an endpoint's pipeline: `input_headers` and `input_query_strings`
//! (reference 3.2, 3.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};
use torana_config::valid::Names;

use super::filter_query;
use crate::{
    Error, Request, RequestContext,
    headers::strip_hop_by_hop,
    pipeline::{BuildContext, Built, Filter, Flow, Level, Step, StepFactory},
};

/// What backends see as the caller when the client's own `User-Agent` is not forwarded. The product name is what
/// KrakenD's backends and their access rules know.
pub const USER_AGENT: &str = concat!("KrakenD Version ", env!("CARGO_PKG_VERSION"));

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_VIA: HeaderName = HeaderName::from_static("x-forwarded-via");

/// Makes the step that filters a client's headers and query strings.
pub struct InputFilter;

impl StepFactory for InputFilter {
    fn name(&self) -> &'static str {
        "input filter"
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Endpoint(endpoint) = cx.level else { return None };
        let headers = match &endpoint.input_headers {
            Names::Default => Headers::Listed(vec![header::CONTENT_TYPE]),
            Names::All => Headers::All,
            Names::Listed(names) => Headers::Listed(
                names
                    .iter()
                    .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
                    .collect(),
            ),
        };
        let queries = endpoint.input_query_strings.clone();
        let detail = format!(
            "headers {}; query strings {}",
            describe(&headers),
            match &queries {
                Names::Default => "none".to_owned(),
                Names::All => "all".to_owned(),
                Names::Listed(names) => names.join(", "),
            }
        );
        Some(Built { step: Step::Filter(Box::new(Input { headers, queries })), detail, at: None })
    }
}

fn describe(headers: &Headers) -> String {
    match headers {
        Headers::All => "all".to_owned(),
        Headers::Listed(names) => {
            names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ")
        }
    }
}

enum Headers {
    All,
    Listed(Vec<HeaderName>),
}

struct Input {
    headers: Headers,
    queries: Names,
}

impl Filter for Input {
    fn on_request(&self, cx: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        let parts = &mut **request;
        match &self.queries {
            Names::Default => parts.query.clear(),
            Names::All => {}
            Names::Listed(names) => {
                if !parts.query.is_empty() {
                    parts.query =
                        filter_query(&parts.query, |name| names.iter().any(|n| n == name));
                }
            }
        }
        let host = parts.headers.get(header::HOST).cloned();
        match &self.headers {
            Headers::All => {
                strip_hop_by_hop(&mut parts.headers);
                parts.headers.remove(header::HOST);
                parts.headers.remove(header::CONTENT_LENGTH);
            }
            Headers::Listed(names) => {
                strip_named_by_connection(&mut parts.headers);
                let mut kept = HeaderMap::with_capacity(names.len() + parts.pinned.len() + 4);
                for name in names.iter().chain(&parts.pinned) {
                    if !kept.contains_key(name) && !is_framing(name) {
                        for value in parts.headers.get_all(name) {
                            kept.append(name.clone(), value.clone());
                        }
                    }
                }
                parts.headers = kept;
            }
        }
        let headers = &mut parts.headers;
        if headers.contains_key(header::USER_AGENT) {
            headers.insert(X_FORWARDED_VIA, HeaderValue::from_static(USER_AGENT));
        } else {
            headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        }
        headers.insert(X_FORWARDED_FOR, cx.client_ip_value.clone());
        if let Some(host) = host {
            headers.insert(X_FORWARDED_HOST, host);
        }
        Ok(Flow::Continue)
    }
}

/// A listed name that the client's `Connection` names is hop-by-hop all the same.
fn strip_named_by_connection(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        strip_hop_by_hop(headers);
    }
}

/// The client frames the request to the backend anew: these are never copied, even when listed.
fn is_framing(name: &HeaderName) -> bool {
    *name == header::CONTENT_LENGTH || *name == header::HOST || crate::headers::is_hop_by_hop(name)
}
