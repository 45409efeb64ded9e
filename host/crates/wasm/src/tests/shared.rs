//! Bodies that arrive in pieces, and a log that remembers.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    pin::Pin,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicU64, Ordering},
    },
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

type Lines = Arc<Mutex<Vec<String>>>;

thread_local! {
    /// Where this thread logs to, while somebody wants to know.
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
    /// The spans in which this thread is.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` and gives what it has logged, one line per event: on this thread, and on others within spans of this one,
/// as calls may go on elsewhere.
///
/// One recorder serves all tests: with one for each, a test could find a log statement switched off by another test that
/// came past it without a recorder.
pub(super) fn logged(work: impl FnOnce()) -> Vec<String> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let recorder = Recorder::default();
        tracing::subscriber::set_global_default(recorder).expect("no other one in these tests");
    });
    let lines = Lines::default();
    LINES.set(Some(Arc::clone(&lines)));
    work();
    LINES.set(None);
    std::mem::take(&mut lines.lock().unwrap())
}

/// Knows of each span where the thread that made it logs to.
#[derive(Default)]
struct Recorder {
    spans: Mutex<HashMap<u64, Lines>>,
    count: AtomicU64,
}

impl Recorder {
    fn lines(&self) -> Option<Lines> {
        let here = LINES.with_borrow(Clone::clone);
        let span = || ENTERED.with_borrow(|entered| entered.last().copied());
        here.or_else(|| self.spans.lock().unwrap().get(&span()?).cloned())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        // The bindings tell each call of a guest, for those who test plugins.
        target.starts_with("torana_wasm") && !target.starts_with("torana_wasm::bindings")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        let id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(lines) = self.lines() {
            self.spans.lock().unwrap().insert(id, lines);
        }
        span::Id::from_u64(id)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        if let Some(lines) = self.lines() {
            lines.lock().unwrap().push(line.0);
        }
    }
    fn enter(&self, span: &span::Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }
    fn exit(&self, _: &span::Id) {
        ENTERED.with_borrow_mut(|entered| entered.pop());
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("strings can be written to");
    }
}
