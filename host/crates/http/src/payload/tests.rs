//! The step in front of a leaf that reads the whole body.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};
use torana_config::{ComponentLevel, Document, Format, Options, Supported, resolve};
use torana_core::{
    Data, ErrorKind, Resources, Response,
    pipeline::{Backend, Pipeline},
};

use super::*;

/// A body in pieces, which may announce its length.
struct Pieces {
    left: std::vec::IntoIter<Bytes>,
    hint: SizeHint,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.left.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

fn streamed(bytes: &[u8], hint: SizeHint) -> Body {
    let pieces: Vec<_> = bytes.chunks(3).map(Bytes::copy_from_slice).collect();
    Body::Stream(Box::pin(Pieces { left: pieces.into_iter(), hint }))
}

/// Answers with the body that arrives, and with its coding.
struct Echo;

impl Backend for Echo {
    fn call<'a>(&'a self, _: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        let parts = request.into_parts();
        Box::pin(async move {
            let body = parts.body.collect(usize::MAX).await?;
            Ok(Response::from_body(StatusCode::OK, parts.headers, Body::from_bytes(body)))
        })
    }
}

/// The step of an endpoint with this `proxy` component.
fn step(router: &Value, proxy: &Value) -> Option<Built> {
    let file = json!({"version": 3, "extra_config": {"router": router}, "endpoints": [{
        "endpoint": "/a", "method": "POST", "extra_config": {"proxy": proxy},
        "backend": [{"url_pattern": "/", "host": ["http://a"]}],
    }]});
    let document = Document::parse("krakend.json", file.to_string(), Format::Json).unwrap();
    let mut out = Diagnostics::default();
    let supported = vec![Supported { namespace: NAMESPACE, level: ComponentLevel::Endpoint }];
    let options = Options { supported, ..Options::default() };
    let gateway = resolve(&document, &options, &mut out).unwrap();
    Payload.build(&mut BuildContext {
        gateway: &gateway,
        level: Level::Endpoint(&gateway.endpoints[0]),
        resources: &Resources::default(),
        upstream: |_, _| None,
        diagnostics: &mut out,
    })
}

fn context() -> RequestContext {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    RequestContext::new(1, peer, HeaderValue::from_static("127.0.0.1"), false)
}

/// What the leaf got: the body, and whether a coding was named. Else the status of the refusal.
async fn outcome(
    proxy: Value,
    coding: Option<&'static str>,
    body: Body,
) -> Result<(Bytes, bool), Option<StatusCode>> {
    let pipeline = Pipeline::new(
        step(&json!({}), &proxy).map(|built| built.step).into_iter().collect(),
        Box::new(Echo),
    );
    let mut request = Request::new(Method::POST, "/a");
    request.body = body;
    if let Some(coding) = coding {
        request.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    let response = pipeline.run(&context(), request).await.map_err(|error| {
        assert!(matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::BadRequest));
        error.status()
    })?;
    let coded = response.headers.contains_key(header::CONTENT_ENCODING);
    let Data::Body(body) = response.into_parts().data else { panic!("the leaf gives a body") };
    Ok((body.collect(usize::MAX).await.unwrap(), coded))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const TOO_LARGE: Option<StatusCode> = Some(StatusCode::PAYLOAD_TOO_LARGE);

#[test]
fn without_its_keys_there_is_no_step() {
    for proxy in [
        json!({}),
        json!({"max_payload": 0, "decompress_gzip": false}),
        json!({"max_payload": null, "sequential": true}),
    ] {
        assert!(step(&json!({}), &proxy).is_none(), "{proxy}");
    }
    let built = step(&json!({}), &json!({"max_payload": "1KB", "decompress_gzip": true})).unwrap();
    assert_eq!(built.detail, "at most 1000 bytes, gzip unpacked");
    let at = "/endpoints/0/extra_config/proxy/max_payload";
    assert_eq!(built.at.unwrap().as_str(), at);
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_however_they_come() {
    let unknown = SizeHint::default;
    for (bytes, fits) in [(&b""[..], true), (b"12345678", true), (b"123456789", false)] {
        let announced = SizeHint::with_exact(bytes.len() as u64);
        let bodies = [
            Body::from_bytes(Bytes::copy_from_slice(bytes)),
            streamed(bytes, unknown()),
            streamed(bytes, announced),
        ];
        for body in bodies {
            let outcome = outcome(json!({"max_payload": 8}), None, body).await;
            let expected = if fits { Ok((bytes.into(), false)) } else { Err(TOO_LARGE) };
            assert_eq!(outcome, expected);
        }
    }
}

#[tokio::test]
async fn what_is_announced_as_too_large_is_not_read() {
    let lie = streamed(b"1", SizeHint::with_exact(9));
    assert_eq!(outcome(json!({"max_payload": 8}), None, lie).await, Err(TOO_LARGE));
}

#[tokio::test]
async fn gzip_is_unpacked_within_the_limit() {
    let clear = [b'x'; 500];
    let packed = gzip(&clear);
    assert!(packed.len() < 100);
    for (proxy, expected) in [
        (json!({"decompress_gzip": true}), Ok((Bytes::copy_from_slice(&clear), false))),
        (
            json!({"decompress_gzip": true, "max_payload": 500}),
            Ok((Bytes::copy_from_slice(&clear), false)),
        ),
        // A small body that unpacks to a large one.
        (json!({"decompress_gzip": true, "max_payload": 499}), Err(TOO_LARGE)),
        // Not asked for: it passes as it is.
        (json!({"max_payload": 499}), Ok((Bytes::from(packed.clone()), true))),
    ] {
        let body = streamed(&packed, SizeHint::default());
        assert_eq!(outcome(proxy.clone(), Some("gzip"), body).await, expected, "{proxy}");
    }
    let clear = streamed(b"clear", SizeHint::default());
    let outcome = outcome(json!({"decompress_gzip": true}), None, clear).await;
    assert_eq!(outcome, Ok((Bytes::from_static(b"clear"), false)));
}

#[tokio::test]
async fn the_routers_limit_holds_for_what_is_unpacked() {
    let built = step(&json!({"max_payload": 100}), &json!({"decompress_gzip": true})).unwrap();
    let pipeline = Pipeline::new(vec![built.step], Box::new(Echo));
    let mut request = Request::new(Method::POST, "/a");
    request.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    request.body = streamed(&gzip(&[b'x'; 500]), SizeHint::default());
    let error = pipeline.run(&context(), request).await.unwrap_err();
    assert_eq!(error.status(), TOO_LARGE);
}
