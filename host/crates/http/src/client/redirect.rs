//! Follows redirects as Go's client does, and so KrakenD (reference 5.1).

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use torana_config::Pointer;
use torana_core::{Body, Error, ErrorKind, Request, Response};

use super::{
    options::{CallOptions, Follow},
    peer::{Origin, Peer},
};

/// Most redirects in a row.
const MAX_REDIRECTS: usize = 10;

/// Most peers that a backend's redirects keep alive.
const MAX_VISITED: usize = 8;

/// Largest body in bytes that is kept to be sent again: 10 MiB.
const KEPT_BODY: usize = 10 * 1024 * 1024;

/// Fields that describe a body; they go with it.
const BODY_FIELDS: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
];

/// Fields that another host must not see.
const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, header::WWW_AUTHENTICATE];

pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Collects a streamed body, so that it can be sent more than once.
pub(super) async fn keep_body(request: &mut Request) -> Result<(), Error> {
    let body = std::mem::take(&mut request.body).collect_request(KEPT_BODY).await?;
    request.body = Body::from_bytes(body);
    Ok(())
}

/// Goes where the response points, until one does not point anywhere. `request` is the one that was sent: if its body
/// was streamed, its place is empty now.
pub(super) async fn follow(
    first: &Peer,
    mut request: Request,
    mut response: Response,
    follow: &Follow,
    options: &CallOptions,
    mut streamed: bool,
) -> Result<Response, Error> {
    let mut peer: Option<Arc<Peer>> = None;
    for _ in 0..MAX_REDIRECTS {
        let keeps_method = matches!(response.status.as_u16(), 307 | 308);
        let has_body = streamed || !request.body.is_empty();
        // A body that cannot or may not be sent again: the answer is passed on as it is.
        if keeps_method && has_body && (streamed || !follow.send_body) {
            return Ok(response);
        }
        let Some(location) = response.headers.get(header::LOCATION) else { return Ok(response) };
        let current = peer.as_deref().unwrap_or(first);
        let target = resolve(current, &request, location.as_bytes())
            .ok_or_else(|| error(current, &format!("redirect to invalid location {location:?}")))?;
        if !keeps_method && request.method != Method::GET && request.method != Method::HEAD {
            request.method = Method::GET;
            request.body = Body::Empty;
            streamed = false;
            remove(&mut request.headers, &BODY_FIELDS);
        }
        adapt_headers(&mut request, current, &target.origin);
        request.path = target.path;
        request.query = target.query;
        if target.origin != current.origin {
            peer = Some(visit(current, follow, target.origin)?);
        }
        let next = peer.as_deref().unwrap_or(first);
        response = next.exchange(&mut request, options).await?;
        if !is_redirect(response.status) {
            return Ok(response);
        }
    }
    Err(error(first, &format!("stopped after {MAX_REDIRECTS} redirects")))
}

fn error(peer: &Peer, reason: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("{}: {reason}", peer.url))
}

/// The peer at another origin, kept for the next redirect that leads there.
fn visit(current: &Peer, follow: &Follow, origin: Origin) -> Result<Arc<Peer>, Error> {
    let peer = current
        .client
        .peer_at(origin, &Pointer::root())
        .map_err(|reason| error(current, &format!("redirect cannot be followed: {reason}")))?;
    let mut visited = follow.visited.lock().unwrap_or_else(PoisonError::into_inner);
    visited.retain(|other| !Arc::ptr_eq(other, &peer));
    if visited.len() == MAX_VISITED {
        visited.remove(0);
    }
    visited.push(Arc::clone(&peer));
    Ok(peer)
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

/// Another host gets no credentials, and neither does the same host without encryption. `Referer` names the page that
/// pointed elsewhere, unless that would tell a secret address in clear (RFC 9110 10.1.3).
fn adapt_headers(request: &mut Request, current: &Peer, target: &Origin) {
    let downgrade = current.origin.secure && !target.secure;
    if downgrade || current.origin.name != target.name {
        remove(&mut request.headers, &CREDENTIALS);
    }
    if downgrade {
        request.headers.remove(header::REFERER);
        return;
    }
    let mark = if request.query.is_empty() { "" } else { "?" };
    let referer = format!("{}{}{mark}{}", current.url, request.path, request.query);
    if let Ok(referer) = HeaderValue::from_maybe_shared(Bytes::from(referer)) {
        request.headers.insert(header::REFERER, referer);
    }
}

/// Where a `Location` leads.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    origin: Origin,
    path: String,
    query: String,
}

fn resolve(current: &Peer, request: &Request, location: &[u8]) -> Option<Target> {
    resolve_at(&current.origin, &request.path, &request.query, location)
}

/// RFC 3986 5.2 for HTTP. Bytes that must not stand in a request line are percent-encoded, as browsers do.
fn resolve_at(origin: &Origin, path: &str, query: &str, location: &[u8]) -> Option<Target> {
    let location = escape(location);
    let location = location.split('#').next().unwrap_or_default();
    let (scheme, rest) = split_scheme(location);
    let secure = match scheme {
        None => origin.secure,
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
        Some(_) => return None,
    };
    if let Some(rest) = rest.strip_prefix("//") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (path, query) = split_query(rest);
        return Some(Target {
            origin: parse_authority(secure, authority)?,
            path: remove_dots(path),
            query: query.unwrap_or_default().to_owned(),
        });
    }
    // `https:path` has a scheme but no host.
    if scheme.is_some() {
        return None;
    }
    let (reference, new_query) = split_query(rest);
    let path = match reference {
        "" => path.to_owned(),
        absolute if absolute.starts_with('/') => remove_dots(absolute),
        relative => {
            let base = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            remove_dots(&format!("{base}{relative}"))
        }
    };
    let query = match new_query {
        Some(query) => query,
        None if reference.is_empty() => query,
        None => "",
    };
    Some(Target { origin: origin.clone(), path, query: query.to_owned() })
}

fn escape(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for byte in location.trim_ascii() {
        match byte {
            b'!'..=b'~' => text.push(char::from(*byte)),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn split_scheme(location: &str) -> (Option<&str>, &str) {
    match location.find([':', '/', '?']) {
        Some(at) if location[at..].starts_with(':') => (Some(&location[..at]), &location[at + 1..]),
        _ => (None, location),
    }
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

fn parse_authority(secure: bool, authority: &str) -> Option<Origin> {
    // Credentials in a location are never sent.
    let host = authority.rsplit('@').next()?;
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, rest) = rest.split_once(']')?;
            (name, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let port = match port {
        None | Some("") => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
    };
    (!name.is_empty()).then(|| Origin { secure, name: name.to_ascii_lowercase(), port })
}

/// RFC 3986 5.2.4.
fn remove_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut directory = false;
    for segment in path.split('/').skip(usize::from(path.starts_with('/'))) {
        directory = false;
        match segment {
            "." => directory = true,
            ".." => {
                kept.pop();
                directory = true;
            }
            segment => kept.push(segment),
        }
    }
    let mut clean = String::with_capacity(path.len() + 1);
    for segment in &kept {
        clean.push('/');
        clean.push_str(segment);
    }
    if directory || kept.is_empty() {
        clean.push('/');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(secure: bool, name: &str, port: Option<u16>) -> Origin {
        Origin { secure, name: name.to_owned(), port }
    }

    #[test]
    fn locations() {
        let base = origin(false, "a", Some(81));
        let at = |location: &str| resolve_at(&base, "/x/y", "q=1", location.as_bytes());
        let here = |path: &str, query: &str| {
            Some(Target { origin: base.clone(), path: path.into(), query: query.into() })
        };
        assert_eq!(at("/p?a=b#f"), here("/p", "a=b"));
        assert_eq!(at("z"), here("/x/z", ""));
        assert_eq!(at("../z/"), here("/z/", ""));
        assert_eq!(at("../../../z"), here("/z", ""));
        assert_eq!(at("."), here("/x/", ""));
        assert_eq!(at("?n=2"), here("/x/y", "n=2"));
        assert_eq!(at(""), here("/x/y", "q=1"));
        assert_eq!(at("/a:b"), here("/a:b", ""));
        assert_eq!(at("/ä b"), here("/%C3%A4%20b", ""));
        let there = |origin: Origin, path: &str, query: &str| {
            Some(Target { origin, path: path.into(), query: query.into() })
        };
        assert_eq!(at("https://B.example/p"), there(origin(true, "b.example", None), "/p", ""));
        assert_eq!(at("//c:8080?x"), there(origin(false, "c", Some(8080)), "/", "x"));
        assert_eq!(at("http://u:p@[::1]:9/"), there(origin(false, "::1", Some(9)), "/", ""));
        assert_eq!(at("HTTP://c"), there(origin(false, "c", None), "/", ""));
    }

    #[test]
    fn invalid_locations() {
        let base = origin(false, "a", None);
        for location in [
            "ftp://a/",
            "javascript:alert(1)",
            "http:/x",
            "http://",
            "http://a:b/",
            "http://[::1/",
            "http://a:99999/",
        ] {
            assert_eq!(resolve_at(&base, "/", "", location.as_bytes()), None, "{location}");
        }
    }
}
