//! Compressed answers.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use super::*;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn br(data: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
    encoder.write_all(data).unwrap();
    encoder.into_inner()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(data, 3).unwrap()
}

type Encode = fn(&[u8]) -> Vec<u8>;

const CODINGS: [(&str, Encode); 6] = [
    ("gzip", gzip),
    ("X-Gzip", gzip),
    ("deflate", zlib),
    ("deflate", deflate),
    ("br", br),
    ("zstd", zstd),
];

/// An answer with this coding, with a length or in small chunks.
fn answer(coding: &str, body: &[u8], chunk: Option<usize>) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n").into_bytes();
    match chunk {
        None => {
            answer.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
            answer.extend(body);
        }
        Some(size) => {
            answer.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(size) {
                answer.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                answer.extend(chunk);
                answer.extend(b"\r\n");
            }
            answer.extend(b"0\r\n\r\n");
        }
    }
    answer
}

async fn decoded(
    coding: &str,
    body: &[u8],
    chunk: Option<usize>,
    options: &CallOptions,
) -> Result<(Response, Bytes), Error> {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let call = async {
        let mut response = peer.send(get("/"), options).await?;
        let data = std::mem::replace(&mut response.data, Data::Entity(None));
        let Data::Body(body) = data else { panic!("the client decodes nothing") };
        let body = body.collect(usize::MAX).await?;
        Ok((response, body))
    };
    let answer = answer(coding, body, chunk);
    let (outcome, _wire) = tokio::join!(call, upstream.answer(&answer));
    outcome
}

#[tokio::test]
async fn all_codings_are_decoded() {
    let options = CallOptions::default();
    let short = b"{\"a\":1}".to_vec();
    let long: Vec<u8> = (0..300_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
    for (coding, encode) in CODINGS {
        for data in [&short, &long] {
            for chunk in [None, Some(100), Some(5000)] {
                let (response, body) =
                    decoded(coding, &encode(data), chunk, &options).await.expect(coding);
                assert!(body == data, "{coding}, {chunk:?}");
                assert!(!response.headers.contains_key("content-encoding"));
                assert!(!response.headers.contains_key("content-length"));
            }
        }
    }
}

#[tokio::test]
async fn members_follow_each_other() {
    let options = CallOptions::default();
    for (coding, encode) in [("gzip", gzip as Encode), ("zstd", zstd)] {
        let body = [encode(b"one"), encode(b"two")].concat();
        for chunk in [None, Some(1)] {
            let (_, body) = decoded(coding, &body, chunk, &options).await.expect(coding);
            assert_eq!(body, "onetwo", "{coding}");
        }
    }
}

#[tokio::test]
async fn what_is_cut_or_wrong_is_an_error() {
    let options = CallOptions::default();
    let data: Vec<u8> = (0..50_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
    for (coding, encode) in CODINGS {
        let body = encode(&data);
        for chunk in [None, Some(1000)] {
            let error =
                decoded(coding, &body[..body.len() / 2], chunk, &options).await.expect_err(coding);
            assert_eq!(error.kind(), ErrorKind::Protocol, "{coding}");
            let excess = [&body[..], b"\xffexcess"].concat();
            let error = decoded(coding, &excess, chunk, &options).await.expect_err(coding);
            assert_eq!(error.kind(), ErrorKind::Decode, "{coding}");
        }
    }
    for coding in ["gzip", "br", "zstd"] {
        let error = decoded(coding, b"\xff no such data", None, &options).await.expect_err(coding);
        assert_eq!(error.kind(), ErrorKind::Decode, "{coding}");
    }
}

#[tokio::test]
async fn bombs_are_cut_off() {
    let options = CallOptions { decompressed_limit: 1 << 20, ..CallOptions::default() };
    let fits = vec![0; 1 << 20];
    let bomb = vec![0; (1 << 20) + 1];
    for (coding, encode) in CODINGS {
        for chunk in [None, Some(100)] {
            assert!(decoded(coding, &encode(&fits), chunk, &options).await.is_ok(), "{coding}");
            let error = decoded(coding, &encode(&bomb), chunk, &options).await.expect_err(coding);
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{coding}");
        }
    }
}

#[tokio::test]
async fn small_answers_stay_whole() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let options = CallOptions::default();
    let answer = answer("gzip", &gzip(b"hello"), None);
    let (response, _wire) = tokio::join!(peer.send(get("/"), &options), upstream.answer(&answer));
    let body = body_of(response.unwrap());
    assert!(matches!(&body, Body::Full(bytes) if bytes == "hello"), "{body:?}");
    assert_eq!(peer.idle_connections(), 1);
}

#[tokio::test]
async fn other_codings_pass() {
    let options = CallOptions::default();
    for coding in ["identity", "compress", "gzip, br"] {
        let (response, body) = decoded(coding, b"data", None, &options).await.unwrap();
        assert_eq!(
            (response.headers["content-encoding"].to_str().unwrap(), &body[..]),
            (coding, &b"data"[..])
        );
    }
}

#[tokio::test]
async fn nothing_is_decoded_for_those_who_do_not_read() {
    let body = gzip(b"hello");
    let (response, passed) = decoded("gzip", &body, None, &raw()).await.unwrap();
    assert_eq!(response.headers["content-encoding"], "gzip");
    assert_eq!(response.headers["content-length"], body.len().to_string());
    assert_eq!(passed, body);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_fields() {
    let upstream = Upstream::new().await;
    let peer = upstream.peer();
    let options = CallOptions::default();
    let (response, _wire) = tokio::join!(
        peer.send(Request::new(Method::HEAD, "/"), &options),
        upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n")
    );
    let response = response.unwrap();
    assert_eq!(response.headers["content-encoding"], "gzip");
    assert_eq!(response.headers["content-length"], "9");
}

/// The `accept-encoding` lines that an upstream sees.
async fn asked(request: Request, options: &CallOptions, settings: &ClientSettings) -> Vec<String> {
    let upstream = Upstream::new().await;
    let peer = upstream.peer_with(settings);
    let serve = async {
        let mut wire = upstream.accept().await;
        let head = wire.request().await;
        wire.send(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        head
    };
    let (response, head) = tokio::join!(peer.send(request, options), serve);
    response.unwrap();
    head.lines().filter(|line| line.starts_with("accept-encoding")).map(str::to_owned).collect()
}

#[tokio::test]
async fn compression_is_asked_for_only_when_it_is_undone_here() {
    let yes = CallOptions::default();
    let on = settings();
    assert_eq!(asked(get("/"), &yes, &on).await, ["accept-encoding: gzip"]);
    assert_eq!(asked(get("/"), &raw(), &on).await, [""; 0]);
    let off = ClientSettings { disable_compression: true, ..settings() };
    assert_eq!(asked(get("/"), &yes, &off).await, [""; 0]);
    let own = with_header(get("/"), "accept-encoding", "br");
    assert_eq!(asked(own, &yes, &on).await, ["accept-encoding: br"]);
    let range = with_header(get("/"), "range", "bytes=0-1");
    assert_eq!(asked(range, &yes, &on).await, [""; 0]);
    assert_eq!(asked(Request::new(Method::HEAD, "/"), &yes, &on).await, [""; 0]);
}
