//! Compression between client and gateway: answers for clients that accept gzip, request bodies that arrive gzipped
//! (reference 5.5).

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use torana_core::{Body, Error, ErrorKind, Request};

use crate::respond::Answer;

/// Smaller answers gain nothing: they fit into one packet anyway.
const MIN_SIZE: usize = 1024;
/// Largest gzipped request body that is unpacked, in bytes, before and after; `router.max_payload` may be smaller.
const MAX_UNPACKED: usize = 32 << 20;
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Whether a client takes gzip (RFC 9110 12.5.3).
pub(crate) fn accepts(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(
        |value| {
            value.split(',').any(|item| {
                let mut parts = item.split(';');
                let coding = parts.next().unwrap_or_default().trim();
                let refused = parts.any(|part| {
                    let part = part.trim();
                    part.strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32))
                });
                coding.eq_ignore_ascii_case("gzip") && !refused
            })
        },
    )
}

/// Compresses an answer that is whole and worth it. Streams stay as they are: nothing may hold their pieces back.
pub(crate) fn compress(answer: &mut Answer) {
    let headers = answer.headers();
    let Body::Full(body) = answer.body() else { return };
    let text =
        headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|value| {
            value.starts_with("text/")
                || ["json", "xml", "javascript", "yaml"].iter().any(|kind| value.contains(kind))
        });
    if body.len() < MIN_SIZE
        || !text
        || headers.contains_key(header::CONTENT_ENCODING)
        || headers.contains_key(header::CONTENT_RANGE)
    {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    let Ok(packed) = encoder.write_all(body).and_then(|()| encoder.finish()) else { return };
    *answer.body_mut() = Body::from_bytes(Bytes::from(packed));
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_ENCODING, GZIP);
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    // The bytes changed, so a strong validator no longer holds (RFC 9110 8.8.1).
    if let Some(tag) = headers.remove(header::ETAG) {
        let weak =
            tag.to_str().ok().filter(|tag| !tag.starts_with("W/")).map(|tag| format!("W/{tag}"));
        let tag = weak.and_then(|tag| HeaderValue::try_from(tag).ok()).unwrap_or(tag);
        headers.insert(header::ETAG, tag);
    }
}

/// Whether a request's body is gzipped: the first of its codings (reference 5.5).
pub(crate) fn is_packed(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|value| {
        let first = value.as_bytes().split(|&byte| byte == b',').next().unwrap_or_default();
        first.trim_ascii().eq_ignore_ascii_case(b"gzip")
    })
}

/// Unpacks a request's gzipped body.
///
/// # Errors
/// When it is no gzip (400), or larger than allowed (413).
pub(crate) async fn unpack(request: &mut Request, max_payload: Option<u64>) -> Result<(), Error> {
    let limit = max_payload
        .and_then(|max| usize::try_from(max).ok())
        .map_or(MAX_UNPACKED, |max| max.min(MAX_UNPACKED));
    let packed =
        std::mem::take(&mut request.body).collect_request(limit).await.map_err(|error| {
            if error.kind() == ErrorKind::TooLarge { crate::body::too_large() } else { error }
        })?;
    let mut clear = Vec::new();
    MultiGzDecoder::new(&*packed).take(limit as u64 + 1).read_to_end(&mut clear).map_err(
        |error| Error::new(ErrorKind::BadRequest, format!("the body is not valid gzip: {error}")),
    )?;
    if clear.len() > limit {
        return Err(crate::body::too_large());
    }
    request.body = Body::from_bytes(clear.into());
    let rest = request.headers.get(header::CONTENT_ENCODING).and_then(|value| {
        let (_, rest) = value.to_str().ok()?.split_once(',')?;
        HeaderValue::try_from(rest.trim()).ok()
    });
    match rest {
        Some(rest) => request.headers.insert(header::CONTENT_ENCODING, rest),
        None => request.headers.remove(header::CONTENT_ENCODING),
    };
    Ok(())
}
