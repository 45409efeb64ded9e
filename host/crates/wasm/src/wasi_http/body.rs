//! Bodies on their way to a guest: of the client's request, and of answers to the guest's own requests.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::{runtime::Handle, sync::mpsc};
use torana_core::{Body, Error as CoreError, ErrorKind, body::Stream};
use wasmtime_wasi_http::Error;

use super::meter::Meter;
use crate::fiber::Task;

/// Pieces that are held between the one who reads them and the guest.
const PIECES: usize = 1;

/// A body that a guest reads.
pub(super) struct Incoming {
    content: Content,
    meter: Option<Arc<Meter>>,
}

enum Content {
    Whole(Bytes),
    /// Read by a task of the worker: a guest may have moved to another thread, but connections and their timers stay.
    Pieces {
        pieces: mpsc::Receiver<Result<Bytes, CoreError>>,
        size: SizeHint,
        _reader: Task<()>,
    },
}

impl Incoming {
    /// A body whose pieces may each take `patience` to come.
    pub(super) fn new(body: Body, runtime: &Handle, patience: Option<Duration>) -> Self {
        let content = match body {
            Body::Empty => Content::Whole(Bytes::new()),
            Body::Full(bytes) => Content::Whole(bytes),
            Body::Stream(stream) => {
                let (sender, pieces) = mpsc::channel(PIECES);
                let size = stream.size_hint();
                let _reader = Task::spawn(runtime, read(stream, sender, patience));
                Content::Pieces { pieces, size, _reader }
            }
        };
        Self { content, meter: None }
    }

    /// Lets the guest's time count anew from each piece.
    pub(super) fn renewing(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }
}

async fn read(
    mut stream: Stream,
    sender: mpsc::Sender<Result<Bytes, CoreError>>,
    patience: Option<Duration>,
) {
    loop {
        let next = poll_fn(|task| stream.as_mut().poll_frame(task));
        let frame = match patience {
            None => next.await,
            Some(patience) => tokio::time::timeout(patience, next).await.unwrap_or_else(|_| {
                Some(Err(CoreError::new(ErrorKind::Timeout, "the body stopped in the middle")))
            }),
        };
        let piece = match frame.map(|frame| frame.map(Frame::into_data)) {
            None => return,
            Some(Ok(Ok(bytes))) if !bytes.is_empty() => Ok(bytes),
            // Trailers, which the gateway passes on nowhere.
            Some(Ok(_)) => continue,
            Some(Err(error)) => Err(error),
        };
        let last = piece.is_err();
        if sender.send(piece).await.is_err() || last {
            return;
        }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let piece = match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
            Content::Pieces { pieces, .. } => std::task::ready!(pieces.poll_recv(task)),
        };
        if let Some(meter) = &self.meter {
            meter.renew();
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data).map_err(|error| code(&error))))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces { size, .. } => *size,
        }
    }
}

/// What a guest is told of an error of the gateway's.
pub(super) fn code(error: &CoreError) -> Error {
    match error.kind() {
        ErrorKind::Timeout => Error::HttpResponseTimeout,
        ErrorKind::TooLarge => Error::HttpRequestBodySize(None),
        ErrorKind::Connect => Error::ConnectionRefused,
        ErrorKind::Client => Error::ConnectionTerminated,
        ErrorKind::Protocol => Error::HttpProtocolError,
        _ => Error::InternalError(Some(error.to_string())),
    }
}
