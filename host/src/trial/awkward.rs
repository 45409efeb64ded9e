//! Messages that clients and backends may send, but that authors of plugins rarely think of. A plugin may answer or
//! refuse each of them; none may make it trap, or take its time or memory.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use torana_core::{Body, Data, Request, Response, entity::Object};

/// The body limit of trials is 1 MiB.
const LARGE: usize = 1 << 20;
/// Half of how deep JSON is here; 128 is the most that the gateway decodes.
const DEEP: usize = 60;

/// A request: an ordinary one and what makes it awkward.
pub(super) struct AwkwardRequest {
    pub(super) name: &'static str,
    pub(super) edit: fn(&mut Request),
}

/// An answer of the backend.
pub(super) struct AwkwardResponse {
    pub(super) name: &'static str,
    pub(super) make: fn() -> Response,
}

const fn request(name: &'static str, edit: fn(&mut Request)) -> AwkwardRequest {
    AwkwardRequest { name, edit }
}

const fn response(name: &'static str, make: fn() -> Response) -> AwkwardResponse {
    AwkwardResponse { name, make }
}

pub(super) const REQUESTS: &[AwkwardRequest] = &[
    request("no header fields at all", |request| request.headers.clear()),
    request("HEAD", |request| request.method = Method::HEAD),
    request("a method that few know", |request| {
        request.method = Method::from_bytes(b"PROPFIND").unwrap_or_default();
    }),
    request("a path of escapes that are not UTF-8", |request| {
        request.path = "/%00/%2e%2E%2f/%ff%FE/%".to_owned();
    }),
    request("a path of slashes", |request| request.path = "//".to_owned()),
    request("a path of 8 KB", |request| request.path = format!("/{}", "a".repeat(8_000))),
    request("a query of separators", |request| {
        request.query = "&&=&a&b=&=c&%zz&a=1&a=2".to_owned()
    }),
    request("a query of 8 KB", |request| request.query = format!("q={}", "%20".repeat(2_500))),
    request("an empty value in each header field", |request| {
        request.headers.values_mut().for_each(|value| *value = HeaderValue::from_static(""));
    }),
    request("bytes that are not UTF-8 in each header field", |request| {
        let bytes = HeaderValue::from_bytes(b"\xff caf\xe9 \x80").unwrap_or(EMPTY);
        request.headers.values_mut().for_each(|value| *value = bytes.clone());
    }),
    request("each header field twice", |request| {
        for (name, value) in request.headers.clone() {
            // The map gives no name for further values of a name.
            if let Some(name) = name {
                request.headers.append(name, value);
            }
        }
    }),
    request("100 header fields", |request| {
        for index in 0..100 {
            if let Ok(name) = HeaderName::try_from(format!("x-{index}")) {
                request.headers.insert(name, HeaderValue::from(index));
            }
        }
    }),
    request("a value of 16 KB in each header field", |request| {
        let long = HeaderValue::try_from("v".repeat(16_000)).unwrap_or(EMPTY);
        request.headers.values_mut().for_each(|value| *value = long.clone());
    }),
    request("an empty body of a type", |request| body(request, "application/json", Bytes::new())),
    request("a body of all bytes", |request| {
        body(request, "application/octet-stream", all_bytes());
    }),
    request("a body that is no JSON, but says so", |request| {
        body(request, "application/json", Bytes::from_static(b"{\"a\": [1, 2,"));
    }),
    request("a body of deep JSON", |request| body(request, "application/json", deep().into())),
    request("a body of JSON that is no object", |request| {
        body(request, "application/json", Bytes::from_static(b"null"));
    }),
    request("a body of 1 MiB", |request| {
        body(request, "text/plain", vec![b'a'; LARGE].into());
    }),
];

/// Answers that nobody decodes.
pub(super) const BODIES: &[AwkwardResponse] = &[
    response("204 without a body", || untouched(204, Bytes::new())),
    response("304 without a body", || untouched(304, Bytes::new())),
    response("404 with a page", || untouched(404, Bytes::from_static(b"<html>none</html>"))),
    response("503 without header fields", || untouched(503, Bytes::new())),
    response("599", || untouched(599, Bytes::new())),
    response("a body of all bytes", || untouched(200, all_bytes())),
    response("a body of 1 MiB", || untouched(200, vec![b'a'; LARGE].into())),
    response("three cookies, one of them no UTF-8", || {
        let mut response = untouched(200, Bytes::new());
        for value in [&b"a=1; Path=/"[..], b"", b"b=\xff"] {
            let value = HeaderValue::from_bytes(value).unwrap_or(EMPTY);
            response.headers.append(header::SET_COOKIE, value);
        }
        response
    }),
];

/// Answers that are decoded: data, which a plugin sees by JSON Pointer and JSONPath.
pub(super) const DATA: &[AwkwardResponse] = &[
    response("no data", || Response::new(StatusCode::OK, Default::default(), Data::Entity(None))),
    response("an empty object", || data("{}")),
    response("nothing but null", || data(r#"{"a":null,"b":[null],"c":{"d":null}}"#)),
    response("numbers at their limits", || {
        data(
            r#"{"a":9007199254740993,"b":-0,"c":1e400,"d":123456789012345678901234567890,"e":0.1e-7}"#,
        )
    }),
    response("odd names", || {
        data(r#"{"":1,"a/b":2,"~":3,"~1":4,"a.b":5,"0":6,"\u0000":7,"\ud83d\ude00":8}"#)
    }),
    response("half of a surrogate pair", || data(r#"{"a":"\ud83d","b":["\ude00"]}"#)),
    response("other types than expected", || {
        data(r#"{"a":[],"id":{},"name":[{}],"items":"none","data":7}"#)
    }),
    response("a text of 100 KB", || data(&format!(r#"{{"a":"{}"}}"#, "é".repeat(50_000)))),
    response("10,000 elements", || data(&format!(r#"{{"a":[{}0]}}"#, "0,".repeat(9_999)))),
    response("deep data", || data(&deep())),
];

const EMPTY: HeaderValue = HeaderValue::from_static("");

fn body(request: &mut Request, content_type: &'static str, bytes: Bytes) {
    request.method = Method::POST;
    request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    request.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    request.body = Body::from_bytes(bytes);
}

fn untouched(status: u16, body: Bytes) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    Response::from_body(status, Default::default(), Body::from_bytes(body))
}

fn data(json: &str) -> Response {
    let object = Object::parse(&Bytes::copy_from_slice(json.as_bytes()));
    Response::from_object(object.expect("the texts of this file are objects"))
}

fn all_bytes() -> Bytes {
    (0..=u8::MAX).collect()
}

fn deep() -> String {
    format!("{}1{}", r#"{"a":["#.repeat(DEEP), "]}".repeat(DEEP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_can_be_made() {
        for request in REQUESTS {
            (request.edit)(&mut Request::new(Method::GET, "/"));
        }
        for response in BODIES.iter().chain(DATA) {
            assert!((response.make)().complete, "{}", response.name);
        }
    }
}
