//! Bodies that arrive in pieces, and a log that remembers.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt::Write as _,
    pin::Pin,
    sync::Once,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;
use torana_core::{Body, Error, ErrorKind};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

struct Pieces(VecDeque<Result<Bytes, Error>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data)))
    }
}

/// A body of these pieces.
pub(super) fn stream(pieces: &[&'static str]) -> Body {
    let piece = |piece: &&'static str| Ok(Bytes::from_static(piece.as_bytes()));
    Body::Stream(Box::pin(Pieces(pieces.iter().map(piece).collect())))
}

/// A body of these pieces that breaks off behind them.
pub(super) fn broken_stream(pieces: &[&'static str]) -> Body {
    let piece = |piece: &&'static str| Ok(Bytes::from_static(piece.as_bytes()));
    let broken = Err(Error::new(ErrorKind::Unavailable, "the backend is gone"));
    Body::Stream(Box::pin(Pieces(pieces.iter().map(piece).chain([broken]).collect())))
}

thread_local! {
    /// What this thread logs, while somebody wants to know.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Runs `work` and gives what it has logged on this thread, one line per event.
///
/// One recorder serves all tests: with one for each, a test could find a log statement switched off by another test that
/// came past it without a recorder.
pub(super) fn logged(work: impl FnOnce()) -> Vec<String> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Recorder).expect("no other one in these tests");
    });
    LINES.set(Some(Vec::new()));
    work();
    LINES.take().unwrap_or_default()
}

struct Recorder;

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        // The bindings tell each call of a guest, for those who test plugins.
        target.starts_with("torana_wasm") && !target.starts_with("torana_wasm::bindings")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(line.0);
            }
        });
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("strings can be written to");
    }
}
