//! Endpoints of the gateway itself: health, debug, echo (reference 14).

use http::Method;
use serde_json::{Map, Value, json};
use torana_core::{Error, Request};

use crate::respond::{self, Answer};

/// Largest body that the echo endpoint shows, in bytes.
const ECHO_LIMIT: usize = 1 << 20;

/// A path of the gateway itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// `GET /__health`.
    Health,
    /// Anything below `/__debug/`.
    Debug,
    /// Anything below `/__echo/`.
    Echo,
}

/// Which built-in endpoints there are.
#[derive(Debug)]
pub struct Builtins {
    /// Path of the health endpoint.
    pub health: Option<String>,
    /// `debug_endpoint`.
    pub debug: bool,
    /// `echo_endpoint`.
    pub echo: bool,
}

impl Builtins {
    /// The built-in endpoint of a path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Builtin> {
        // All paths but a moved health endpoint start with two underscores.
        if self.health.as_deref() == Some(path) {
            return Some(Builtin::Health);
        }
        let rest = path.strip_prefix("/__")?;
        if self.debug && rest.starts_with("debug/") {
            return Some(Builtin::Debug);
        }
        (self.echo && rest.starts_with("echo/")).then_some(Builtin::Echo)
    }

    /// `/__debug` and `/__echo` without their slash.
    #[must_use]
    pub fn lacks_slash(&self, path: &str) -> bool {
        self.debug && path == "/__debug" || self.echo && path == "/__echo"
    }
}

impl Builtin {
    /// The answer of a built-in endpoint.
    ///
    /// # Errors
    /// When the body that echo shows cannot be read.
    pub async fn answer(self, request: Request) -> Result<Answer, Error> {
        match self {
            Self::Health if request.method != Method::GET => {
                let mut answer = respond::plain(http::StatusCode::METHOD_NOT_ALLOWED, "");
                answer
                    .headers_mut()
                    .insert(http::header::ALLOW, http::HeaderValue::from_static("GET"));
                Ok(answer)
            }
            Self::Health => Ok(respond::json(&json!({"agents": {}, "now": now(), "status": "ok"}))),
            Self::Debug => {
                tracing::debug!(
                    method = %request.method, path = %request.path, query = %request.query,
                    headers = ?request.headers, "debug endpoint called"
                );
                Ok(respond::json(&json!({"message": "pong"})))
            }
            Self::Echo => echo(request).await,
        }
    }
}

async fn echo(request: Request) -> Result<Answer, Error> {
    let parts = request.into_parts();
    let body = parts.body.collect_request(ECHO_LIMIT).await?;
    let host = parts.headers.get(http::header::HOST).map(text).unwrap_or_default();
    let mut headers = Map::new();
    // Go keeps `Host` apart from the header fields.
    for name in parts.headers.keys().filter(|name| *name != http::header::HOST) {
        let values = parts.headers.get_all(name).iter().map(|v| Value::from(text(v))).collect();
        headers.insert(canonical(name.as_str()), Value::Array(values));
    }
    let mut queries: Map<String, Value> = Map::new();
    for pair in parts.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            torana_core::percent::decode(&spaced).map_or(spaced.clone(), |t| t.into_owned())
        };
        if let Value::Array(values) =
            queries.entry(decode(name)).or_insert_with(|| Value::Array(Vec::new()))
        {
            values.push(decode(value).into());
        }
    }
    let uri = if parts.query.is_empty() {
        parts.path.clone()
    } else {
        format!("{}?{}", parts.path, parts.query)
    };
    Ok(respond::json(&json!({
        "req_uri": uri,
        "req_uri_details": {
            "user": "", "host": host, "path": parts.path, "query": parts.query, "fragment": "",
        },
        "req_method": parts.method.as_str(),
        "req_querystring": queries,
        "req_body": String::from_utf8_lossy(&body),
        "req_headers": headers,
    })))
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// `x-forwarded-for` → `X-Forwarded-For`, as Go's header maps spell names.
fn canonical(name: &str) -> String {
    let mut upper = true;
    name.chars()
        .map(|c| {
            let c = if upper { c.to_ascii_uppercase() } else { c };
            upper = c == '-';
            c
        })
        .collect()
}

/// RFC 3339 in UTC with nanoseconds.
fn now() -> String {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days since 1970 (Howard Hinnant's algorithm, proleptic Gregorian).
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        since.subsec_nanos()
    )
}
