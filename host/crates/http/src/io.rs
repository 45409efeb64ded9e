//! The byte stream of a client connection, as hyper wants it, with what hyper does not do: bytes that were read before
//! it, and time limits that cost nothing per request.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::Version;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};
use torana_config::valid::ServerTimeouts;

/// Most bytes of one read. hyper makes its buffer larger for as long as reads fill it, up to the largest head, and keeps
/// it: hundreds of uploads at once would take hundreds of MiB.
const READ: usize = 32 << 10;

/// How long a client may go on sending a body that nobody has read, after it was answered. Closing at once would reset
/// the connection, and take the answer from a client that reads it only when it has sent all.
const LINGER: Duration = Duration::from_secs(3);

/// A stream with bytes that were already read from it.
#[derive(Debug)]
pub(crate) struct Rewound<T> {
    prefix: Bytes,
    inner: T,
}

impl<T> Rewound<T> {
    /// Gives `prefix` first, then what `inner` has.
    pub(crate) fn new(prefix: Bytes, inner: T) -> Self {
        Self { prefix, inner }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Rewound<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buffer);
        }
        let length = self.prefix.len().min(buffer.remaining());
        buffer.put_slice(&self.prefix[..length]);
        self.prefix.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Rewound<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// What a connection is doing, for [`watch`]. One word: the phase in the low bits, milliseconds since the connection's
/// start above. Requests only store to it; the one timer of the connection looks at it now and then.
#[derive(Debug)]
pub(crate) struct Phases {
    start: Instant,
    state: AtomicU64,
    /// Requests under way: with HTTP/2 there may be many, and none of them is idle while another one ends.
    busy: AtomicUsize,
    /// Set by the first request of HTTP/2, where bytes between requests need not be the head of one.
    multiplexed: AtomicBool,
}

/// The phases of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between two requests.
    Idle = 0,
    /// A request's head is arriving.
    Head = 1,
    /// A request's body is arriving.
    Body = 2,
    /// The request is there; the answer is being made or written.
    Answer = 3,
    /// The answer is made, but parts of it may not have been written yet.
    Flush = 4,
}

/// How many bits of the word the phase takes.
const PHASE_BITS: u32 = 3;

/// One request of a connection: as long as there is one, the connection is not idle. A request may end without an
/// answer, when the client resets its stream.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Phases>);

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.change(Phase::Flush);
        }
    }
}

impl Phases {
    /// A connection that has just been opened.
    #[must_use]
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            state: AtomicU64::new(Phase::Head as u64),
            busy: AtomicUsize::new(0),
            multiplexed: AtomicBool::new(false),
        })
    }

    /// Begins a request.
    pub(crate) fn begin(self: &Arc<Self>, version: Version) -> Busy {
        if version == Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.enter(Phase::Answer);
        Busy(self.clone())
    }

    /// Enters a phase now.
    pub(crate) fn enter(&self, phase: Phase) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX >> 3);
        self.state.store(millis << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    /// Enters a phase whose time has begun with the one before.
    fn change(&self, phase: Phase) {
        let since = self.state.load(Ordering::Relaxed) >> PHASE_BITS;
        self.state.store(since << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    fn read(&self) -> (Phase, Instant) {
        let state = self.state.load(Ordering::Relaxed);
        let phase = match state & 7 {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Body,
            3 => Phase::Answer,
            _ => Phase::Flush,
        };
        (phase, self.start + Duration::from_millis(state >> PHASE_BITS))
    }

    /// Bytes have come.
    fn received(&self) {
        if self.read().0 == Phase::Idle && !self.multiplexed.load(Ordering::Relaxed) {
            self.enter(Phase::Head);
        }
    }

    /// All bytes that there were have been written.
    fn flushed(&self) {
        if self.read().0 == Phase::Flush {
            self.enter(Phase::Idle);
        }
    }
}

/// Ends when the connection has been in one phase for longer than is allowed.
pub(crate) async fn watch(phases: Arc<Phases>, timeouts: ServerTimeouts) {
    let limit = |phase| match phase {
        Phase::Idle => timeouts.idle,
        Phase::Head => timeouts.read_header,
        Phase::Body => timeouts.read,
        Phase::Answer | Phase::Flush => timeouts.write,
    };
    let longest = [timeouts.idle, timeouts.read_header, timeouts.read, timeouts.write];
    let Some(shortest) = longest.into_iter().flatten().min() else {
        return std::future::pending().await;
    };
    loop {
        let (phase, since) = phases.read();
        let now = Instant::now();
        let wake = match limit(phase) {
            Some(limit) if now >= since + limit => return,
            Some(limit) => since + limit,
            None => now + shortest,
        };
        // A phase that begins while this sleeps ends at the earliest after the shortest limit.
        tokio::time::sleep_until(wake.min(now + shortest)).await;
    }
}

/// Whether the body of a connection's last request has not been read to its end. Of HTTP/1 only: HTTP/2 ends streams
/// without their connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

impl Unread {
    /// Says how it is.
    pub(crate) fn set(&self, unread: bool) {
        self.0.store(unread, Ordering::Relaxed);
    }

    /// Whether there is something left.
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tells [`Phases`] when the first bytes of the next request arrive, and when an answer has been written; reads in
/// moderate pieces, and lets a client finish sending before the connection is closed.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    inner: T,
    phases: Option<Arc<Phases>>,
    unread: Unread,
    /// The end of what [`LINGER`] allows, once all is written.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<T> Watched<T> {
    /// Watches `inner`, or just passes it on.
    pub(crate) fn new(inner: T, phases: Option<Arc<Phases>>, unread: Unread) -> Self {
        Self { inner, phases, unread, linger: None }
    }
}

impl<T: AsyncRead + Unpin> Watched<T> {
    /// Reads what still comes and throws it away, to the end or for as long as is allowed.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(end) = &mut self.linger else { return Poll::Ready(()) };
        let mut piece = [MaybeUninit::uninit(); 8 << 10];
        while end.as_mut().poll(cx).is_pending() {
            let mut rest = ReadBuf::uninit(&mut piece);
            let read = ready!(Pin::new(&mut self.inner).poll_read(cx, &mut rest));
            if read.is_err() || rest.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = if buffer.remaining() > READ {
            // Only after large reads; clearing this much is little beside reading it.
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(READ));
            let result = Pin::new(&mut self.inner).poll_read(cx, &mut part);
            let length = part.filled().len();
            buffer.advance(length);
            result
        } else {
            Pin::new(&mut self.inner).poll_read(cx, buffer)
        };
        if let Some(phases) = &self.phases
            && buffer.filled().len() > before
        {
            phases.received();
        }
        result
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        if let (Some(phases), Poll::Ready(Ok(()))) = (&self.phases, &result) {
            phases.flushed();
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            if self.unread.get() {
                self.linger = Some(Box::pin(tokio::time::sleep(LINGER)));
            }
        }
        self.poll_rest(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
