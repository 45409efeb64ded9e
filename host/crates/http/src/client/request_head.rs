//! Writes the head of a request in origin form (RFC 9112 3.2.1), or in absolute form for a forward proxy.

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, Method, header};
use torana_core::{Error, ErrorKind, Request};

use super::upload::Delimiter;

/// What a head needs besides the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadOptions<'a> {
    /// What follows the target: see [`host_line`].
    pub(super) host_line: &'a str,
    /// Put in front of the path: empty for origin form.
    pub(super) target_prefix: &'a str,
    /// Field lines for a forward proxy, each with its line end.
    pub(super) proxy_fields: &'a str,
    /// Announce that this connection carries only one request.
    pub(super) close: bool,
    /// Ask for a compressed answer.
    pub(super) accept_encoding: Option<&'a str>,
}

/// Fields that concern one connection only (RFC 9110 7.6.1), and those that the client of this module writes itself.
/// `Expect` is among them: the body is sent at once, as with KrakenD's default `expect_continue_timeout`.
fn is_own_field(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "content-length"
            | "transfer-encoding"
            | "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "upgrade"
            | "expect"
            | "http2-settings"
    )
}

/// Whether a `Connection` field names this one.
fn is_named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
    })
}

/// The end of the request line and `Host`: the same for all requests to one upstream.
pub(super) fn host_line(authority: &str) -> String {
    format!(" HTTP/1.1\r\nhost: {authority}\r\n")
}

/// The head as bytes.
///
/// # Errors
/// [`ErrorKind::BadRequest`] for a path or query that would break out of its place in the request line.
pub(super) fn encode(
    request: &Request,
    delimiter: Delimiter,
    options: HeadOptions<'_>,
) -> Result<BytesMut, Error> {
    check_target(request)?;
    // Of its own size, as it waits for the answer: the request may have to be sent again. 128 bytes are more than enough
    // for what is not counted.
    let fields: usize =
        request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut head = BytesMut::with_capacity(
        128 + request.path.len()
            + request.query.len()
            + options.host_line.len()
            + options.target_prefix.len()
            + options.proxy_fields.len()
            + fields,
    );
    head.put_slice(request.method.as_str().as_bytes());
    head.put_u8(b' ');
    head.put_slice(options.target_prefix.as_bytes());
    head.put_slice(match request.path.as_str() {
        "" => b"/",
        // RFC 9112 3.2.4: towards a proxy the asterisk is an absolute form without a path.
        "*" if !options.target_prefix.is_empty() => b"",
        path => path.as_bytes(),
    });
    if !request.query.is_empty() {
        head.put_u8(b'?');
        head.put_slice(request.query.as_bytes());
    }
    head.put_slice(options.host_line.as_bytes());
    put_headers(&mut head, &request.headers);
    if let Some(codings) = options.accept_encoding {
        put_field(&mut head, "accept-encoding", codings.as_bytes());
    }
    put_delimiter(&mut head, &request.method, delimiter);
    head.put_slice(options.proxy_fields.as_bytes());
    head.put_slice(if options.close { b"connection: close\r\n\r\n" } else { b"\r\n" });
    Ok(head)
}

fn put_headers(head: &mut BytesMut, headers: &HeaderMap) {
    let names_others = headers.contains_key(header::CONNECTION);
    for (name, value) in headers {
        if is_own_field(name.as_str()) || names_others && is_named_by_connection(headers, name) {
            continue;
        }
        put_field(head, name.as_str(), value.as_bytes());
    }
}

fn put_delimiter(head: &mut BytesMut, method: &Method, delimiter: Delimiter) {
    match delimiter {
        // RFC 9110 8.6: a method that usually has a body says that there is none.
        Delimiter::None if matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
            put_field(head, "content-length", b"0");
        }
        Delimiter::None => {}
        Delimiter::Length(length) => {
            use std::io::Write;
            // Writing to a `BytesMut` cannot fail.
            let _ = write!(head.writer(), "content-length: {length}\r\n");
        }
        Delimiter::Chunked => put_field(head, "transfer-encoding", b"chunked"),
    }
}

fn put_field(head: &mut BytesMut, name: &str, value: &[u8]) {
    head.put_slice(name.as_bytes());
    head.put_slice(b": ");
    head.put_slice(value);
    head.put_slice(b"\r\n");
}

/// No byte of a parameter may end the request line or start another one.
fn check_target(request: &Request) -> Result<(), Error> {
    let bad = |text: &str| text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'#');
    let rooted = request.path.is_empty() || request.path.starts_with('/') || request.path == "*";
    if bad(&request.path) || bad(&request.query) || request.path.contains('?') || !rooted {
        return Err(Error::new(
            ErrorKind::BadRequest,
            format!("`{}` is not a path that can be requested", request.path.escape_debug()),
        ));
    }
    if request.method == Method::CONNECT {
        return Err(Error::new(ErrorKind::BadRequest, "CONNECT cannot be forwarded"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PLAIN: HeadOptions<'static> = HeadOptions {
        host_line: " HTTP/1.1\r\nhost: users:8080\r\n",
        target_prefix: "",
        proxy_fields: "",
        close: false,
        accept_encoding: None,
    };

    fn head(request: &Request, delimiter: Delimiter, options: HeadOptions<'_>) -> String {
        String::from_utf8(encode(request, delimiter, options).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_get_request() {
        let mut request = Request::new(Method::GET, "/a%20b");
        request.query = "x=1&y".into();
        request.headers.insert("accept", HeaderValue::from_static("*/*"));
        assert_eq!(
            head(&request, Delimiter::None, PLAIN),
            "GET /a%20b?x=1&y HTTP/1.1\r\nhost: users:8080\r\naccept: */*\r\n\r\n"
        );
    }

    #[test]
    fn fields_of_the_other_connection_stay_behind() {
        let mut request = Request::new(Method::POST, "/");
        for (name, value) in [
            ("connection", "close, X-Secret , keep-alive"),
            ("x-secret", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("host", "evil"),
            ("expect", "100-continue"),
            ("proxy-authorization", "Basic x"),
            ("x-kept", "2"),
        ] {
            request.headers.append(name, HeaderValue::from_static(value));
        }
        request.headers.append("x-kept", HeaderValue::from_static("3"));
        assert_eq!(
            head(&request, Delimiter::Length(12), PLAIN),
            "POST / HTTP/1.1\r\nhost: users:8080\r\nx-kept: 2\r\nx-kept: 3\r\ncontent-length: 12\r\n\r\n"
        );
    }

    #[test]
    fn absent_bodies_are_announced_where_one_is_expected() {
        let post = Request::new(Method::POST, "/");
        assert!(head(&post, Delimiter::None, PLAIN).contains("\r\ncontent-length: 0\r\n"));
        let delete = Request::new(Method::DELETE, "/");
        assert!(!head(&delete, Delimiter::None, PLAIN).contains("content-length"));
    }

    #[test]
    fn options_of_the_connection() {
        let request = Request::new(Method::PUT, "/x");
        let options = HeadOptions {
            target_prefix: "http://users:8080",
            proxy_fields: "proxy-authorization: Basic eA==\r\n",
            close: true,
            accept_encoding: Some("gzip"),
            ..PLAIN
        };
        assert_eq!(
            head(&request, Delimiter::Chunked, options),
            "PUT http://users:8080/x HTTP/1.1\r\nhost: users:8080\r\naccept-encoding: gzip\r\n\
             transfer-encoding: chunked\r\nproxy-authorization: Basic eA==\r\nconnection: close\r\n\r\n"
        );
    }

    #[test]
    fn the_asterisk_is_no_path_for_a_proxy() {
        let request = Request::new(Method::OPTIONS, "*");
        assert!(head(&request, Delimiter::None, PLAIN).starts_with("OPTIONS * HTTP/1.1\r\n"));
        let options = HeadOptions { target_prefix: "http://users:8080", ..PLAIN };
        let head = head(&request, Delimiter::None, options);
        assert!(head.starts_with("OPTIONS http://users:8080 HTTP/1.1\r\n"), "{head}");
    }

    #[test]
    fn a_target_cannot_leave_its_line() {
        for path in ["/a b", "/a\r\nx: y", "/a\n", "/\0", "/a#b", "/a?b", "a", "/\u{7f}"] {
            let request = Request::new(Method::GET, path);
            let error = encode(&request, Delimiter::None, PLAIN).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadRequest, "{path:?}");
        }
        let mut request = Request::new(Method::GET, "/");
        request.query = "a=b HTTP/1.1\r\nhost: x".into();
        assert!(encode(&request, Delimiter::None, PLAIN).is_err());
        assert!(encode(&Request::new(Method::CONNECT, "/"), Delimiter::None, PLAIN).is_err());
    }
}
