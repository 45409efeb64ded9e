//! Bodies between hyper and the pipeline.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use torana_core::{Body, Error, ErrorKind, body::Stream};

use crate::io::{Phase, Phases, Unread};

/// A client's body. Trailers are dropped: they never become headers, and nobody behind the gateway has asked for them.
pub(crate) struct IncomingBody {
    inner: Incoming,
    phases: Option<Arc<Phases>>,
    unread: Unread,
}

impl IncomingBody {
    /// A body of at most `limit` bytes.
    pub(crate) fn wrap(
        inner: Incoming,
        limit: Option<u64>,
        phases: Option<Arc<Phases>>,
        unread: Unread,
    ) -> Body {
        if inner.is_end_stream() {
            return Body::Empty;
        }
        if let Some(phases) = &phases {
            phases.enter(Phase::Body);
        }
        let stream = Box::pin(Self { inner, phases, unread });
        match limit {
            None => Body::Stream(stream),
            Some(limit) => Limited::wrap(stream, limit),
        }
    }
}

/// The error for a body beyond `max_payload`, the router's or an endpoint's.
pub(crate) fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "the request's body is larger than `max_payload`")
        .with_status(http::StatusCode::PAYLOAD_TOO_LARGE)
}

impl http_body::Body for IncomingBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            if self.inner.is_end_stream() {
                self.unread.set(false);
            }
            return Poll::Ready(match frame {
                None => {
                    self.unread.set(false);
                    if let Some(phases) = &self.phases {
                        phases.enter(Phase::Answer);
                    }
                    None
                }
                Some(Err(error)) => Some(Err(Error::new(
                    ErrorKind::Client,
                    format!("the client's body broke off: {error}"),
                ))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(Ok(Frame::data(data))),
                    Err(_trailers) => continue,
                },
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.inner.size_hint();
        // HTTP/2 can announce an empty body and send one all the same: known only at its end (RFC 9113 8.1.1).
        if hint.exact() == Some(0) && !self.inner.is_end_stream() {
            return SizeHint::default();
        }
        hint
    }
}

/// A stream of at most so many bytes.
pub(crate) struct Limited {
    stream: Stream,
    left: u64,
}

impl Limited {
    /// Passes a stream on up to `limit` bytes; what comes then is [`too_large`].
    pub(crate) fn wrap(stream: Stream, limit: u64) -> Body {
        Body::Stream(Box::pin(Self { stream, left: limit }))
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = self.stream.as_mut().poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match self.left.checked_sub(length) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(too_large()))),
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}

/// Tells how an answer's stream ended: its length, and whether it was whole.
///
/// A stream that breaks does so a turn later: hyper drops what it has not yet written, which may be all of it, with the
/// head, and writes it in between.
pub(crate) struct Counted<F: FnMut(u64, Option<&Error>)> {
    stream: Stream,
    failed: Option<Error>,
    bytes: u64,
    ended: bool,
    on_end: F,
}

impl<F: FnMut(u64, Option<&Error>) + Send + Unpin + 'static> Counted<F> {
    /// Calls `on_end` once: at the end, at an error, or when the stream is dropped before.
    pub(crate) fn wrap(stream: Stream, on_end: F) -> Body {
        Body::Stream(Box::pin(Self { stream, failed: None, bytes: 0, ended: false, on_end }))
    }
}

impl<F: FnMut(u64, Option<&Error>)> Counted<F> {
    fn end(&mut self, error: Option<&Error>) {
        if !std::mem::replace(&mut self.ended, true) {
            (self.on_end)(self.bytes, error);
        }
    }
}

impl<F: FnMut(u64, Option<&Error>)> Drop for Counted<F> {
    fn drop(&mut self) {
        // hyper does not ask again once the announced length has been sent.
        if self.stream.is_end_stream() {
            self.end(None);
        } else if !self.ended {
            let error = Error::new(ErrorKind::Client, "the answer was not sent to its end");
            self.end(Some(&error));
        }
    }
}

impl<F: FnMut(u64, Option<&Error>) + Unpin> http_body::Body for Counted<F> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = self.stream.as_mut().poll_frame(cx);
        match &polled {
            Poll::Ready(None) => self.end(None),
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        let Poll::Ready(Some(Err(error))) = polled else { return polled };
        self.end(Some(&error));
        self.failed = Some(error);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.failed.is_none() && self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}
