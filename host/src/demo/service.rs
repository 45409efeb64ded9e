//! What the demo services answer.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};

const USERS: &str = include_str!("users.json");
const CARTS: &str = include_str!("carts.json");
const OFFERS: &str = include_str!("offers.json");

/// How long `/slow` takes, unless its query says otherwise: `/slow?ms=250`.
const SLOW: Duration = Duration::from_secs(2);

/// Between two events of `/events`.
const TICK: Duration = Duration::from_secs(1);

/// Largest body that `/echo` reads.
const LARGEST_ECHO: usize = 1 << 20;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// One of the demo services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// People by number.
    Users,
    /// The cart of each of them.
    Carts,
    /// What each of them is offered.
    Offers,
    /// A slow one, a failing one, events and an echo.
    Odd,
}

impl Service {
    /// All services, in the order of their ports.
    pub const ALL: [Self; 4] = [Self::Users, Self::Carts, Self::Offers, Self::Odd];

    /// Paths to try.
    #[must_use]
    pub fn examples(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["/users", "/users/1"],
            Self::Carts => &["/carts/1"],
            Self::Offers => &["/offers/1"],
            Self::Odd => &["/slow?ms=2000", "/fail", "/events", "/echo"],
        }
    }

    /// What it is for.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Users => "people",
            Self::Carts => "the cart of each",
            Self::Offers => "what each is offered (XML: /offers/1.xml)",
            Self::Odd => "a slow answer, a failure, a stream of events, an echo",
        }
    }

    pub(super) async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        match self {
            Self::Users if path == "/users" => json_text(StatusCode::OK, USERS.to_owned()),
            Self::Users => item(&path, "/users/", USERS, "id"),
            Self::Carts => item(&path, "/carts/", CARTS, "user_id"),
            Self::Offers => match path.strip_suffix(".xml") {
                Some(path) => offer_in_xml(path),
                None => item(&path, "/offers/", OFFERS, "user_id"),
            },
            Self::Odd => match path.as_str() {
                "/slow" => slow(request.uri().query()).await,
                "/fail" => error(StatusCode::INTERNAL_SERVER_ERROR, "this one always fails"),
                "/events" => events(),
                "/echo" => echo(request).await,
                _ => not_found(),
            },
        }
    }
}

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed_unsync()
}

fn typed(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn json_text(status: StatusCode, text: String) -> Response<Body> {
    typed(status, "application/json", full(text))
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    json_text(status, json!({"error": message}).to_string())
}

fn not_found() -> Response<Body> {
    error(StatusCode::NOT_FOUND, "there is nothing here")
}

/// The element of the array `text` whose `key` is the number behind `prefix`.
fn find(path: &str, prefix: &str, text: &str, key: &str) -> Option<Value> {
    let number: u64 = path.strip_prefix(prefix)?.parse().ok()?;
    let items: Vec<Value> = serde_json::from_str(text).ok()?;
    items.into_iter().find(|item| item[key].as_u64() == Some(number))
}

fn item(path: &str, prefix: &str, text: &str, key: &str) -> Response<Body> {
    match find(path, prefix, text, key) {
        Some(item) => json_text(StatusCode::OK, item.to_string()),
        None => not_found(),
    }
}

fn offer_in_xml(path: &str) -> Response<Body> {
    let Some(offer) = find(path, "/offers/", OFFERS, "user_id") else { return not_found() };
    let titles: String = offer["offers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|offer| offer["title"].as_str())
        .map(|title| format!("<offer>{title}</offer>"))
        .collect();
    typed(StatusCode::OK, "application/xml", full(format!("<offers>{titles}</offers>")))
}

async fn slow(query: Option<&str>) -> Response<Body> {
    let wait = query
        .and_then(|query| query.strip_prefix("ms="))
        .and_then(|text| text.parse().ok())
        .map_or(SLOW, Duration::from_millis);
    tokio::time::sleep(wait).await;
    json_text(StatusCode::OK, json!({"waited_ms": wait.as_millis() as u64}).to_string())
}

/// Server-sent events without an end.
fn events() -> Response<Body> {
    let ticks =
        stream::unfold((0_u64, tokio::time::interval(TICK)), |(number, mut clock)| async move {
            clock.tick().await;
            let event = format!("event: tick\nid: {number}\ndata: {{\"tick\":{number}}}\n\n");
            let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(event)));
            Some((frame, (number + 1, clock)))
        });
    let mut response =
        typed(StatusCode::OK, "text/event-stream", StreamBody::new(ticks).boxed_unsync());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The request as JSON.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_ECHO).collect().await else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large or broke off");
    };
    let mut headers = serde_json::Map::new();
    for name in head.headers.keys() {
        let values: Vec<_> = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        headers.insert(name.to_string(), values.join(", ").into());
    }
    let mut echo = json!({
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": head.uri.query().unwrap_or_default(),
        "headers": headers,
    });
    if head.method != Method::GET {
        echo["body"] = String::from_utf8_lossy(&body.to_bytes()).into();
    }
    json_text(StatusCode::OK, echo.to_string())
}
