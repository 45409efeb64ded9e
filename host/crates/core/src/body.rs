//! Bodies of requests and responses.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::{
    Error, ErrorKind,
    room::{self, Gathered, Room},
};

/// A body that arrives piece by piece. An error in the middle means that the message is not complete: whoever passes it
/// on must break off visibly, never end it as if it were whole.
pub type Stream = Pin<Box<dyn http_body::Body<Data = Bytes, Error = Error> + Send>>;

/// A body. Small ones are kept whole, so that they leave in one write together with their head.
#[derive(Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// The whole body.
    Full(Bytes),
    /// A body that is still arriving.
    Stream(Stream),
}

impl Body {
    /// A body from bytes; empty bytes make an empty body.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(bytes) }
    }

    /// Whether there is certainly nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.is_end_stream(),
        }
    }

    /// A second handle on a body that is whole; `None` for a stream.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Full(bytes) => Some(Self::Full(bytes.clone())),
            Self::Stream(_) => None,
        }
    }

    /// Reads the whole body of an answer, at most `limit` bytes. Trailers are dropped: they never become headers.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] above the limit, [`ErrorKind::Unavailable`] if many large bodies are held already, else
    /// what the stream reports.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        self.collect_in(&room::RESPONSES, limit).await
    }

    /// As [`Body::collect`], for the body of a client's request.
    ///
    /// # Errors
    /// The same.
    pub async fn collect_request(self, limit: usize) -> Result<Bytes, Error> {
        self.collect_in(&room::REQUESTS, limit).await
    }

    async fn collect_in(self, room: &'static Room, limit: usize) -> Result<Bytes, Error> {
        let mut stream = match self {
            Self::Empty => return Ok(Bytes::new()),
            Self::Full(bytes) if bytes.len() <= limit => return Ok(bytes),
            Self::Full(bytes) => return Err(too_large(bytes.len() as u64, limit)),
            Self::Stream(stream) => stream,
        };
        let hint = stream.size_hint();
        if hint.lower() > limit as u64 {
            return Err(too_large(hint.lower(), limit));
        }
        let mut first = Bytes::new();
        let mut all: Option<Gathered> = None;
        while let Some(frame) = poll_fn(|cx| stream.as_mut().poll_frame(cx)).await {
            let Ok(data) = frame?.into_data() else { continue };
            if data.is_empty() {
                continue;
            }
            let total = all.as_ref().map_or(first.len(), Gathered::len) + data.len();
            if total > limit {
                return Err(too_large(total as u64, limit));
            }
            match &mut all {
                Some(all) => all.push(&data)?,
                None if first.is_empty() => first = data,
                None => {
                    // The second piece: only now is a copy needed.
                    let expected = hint.exact().unwrap_or(0).min(limit as u64) as usize;
                    let all = all.insert(Gathered::new(room, expected.max(total)));
                    all.push(&std::mem::take(&mut first))?;
                    all.push(&data)?;
                }
            }
        }
        Ok(all.map_or(first, Gathered::finish))
    }
}

fn too_large(size: u64, limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("body of {size} bytes or more is larger than the limit of {limit} bytes"),
    )
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(stream) => write!(f, "Stream({:?})", stream.size_hint()),
        }
    }
}
