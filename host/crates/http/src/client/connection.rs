//! One connection to a peer: its transport and what has arrived on it but is not consumed yet.

use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::spare;

/// Up to this size bytes are copied out of the read buffer: cheaper than giving the buffer away and making a new one.
const COPIED: usize = 4 * 1024;

/// Room for a read when nobody knows how much will come.
pub(super) const ROOM: usize = 2 * 1024;

/// How a connection's bytes travel.
pub(super) enum Transport {
    Tcp(TcpStream),
    /// Boxed: a TLS session is a kilobyte, and connections move.
    Tls(Box<TlsStream<TcpStream>>),
    /// TLS with the peer inside of TLS with a forward proxy.
    Nested(Box<TlsStream<TlsStream<TcpStream>>>),
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
            Self::Nested(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl Transport {
    /// Writes the slices one after the other, as many bytes as fit.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match (self, slices) {
            (Self::Tcp(stream), [one]) => Pin::new(stream).poll_write(cx, one),
            (Self::Tcp(stream), many) => Pin::new(stream).poll_write_vectored(cx, many),
            (Self::Tls(stream), many) => Pin::new(&mut **stream).poll_write_vectored(cx, many),
            (Self::Nested(stream), many) => Pin::new(&mut **stream).poll_write_vectored(cx, many),
        }
    }

    /// Waits until everything written has left this process.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            // TCP has no buffer on this side of the kernel.
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
            Self::Nested(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }
}

/// See the module.
pub(super) struct Connection {
    pub(super) transport: Transport,
    /// What has arrived. Without memory while nothing is there.
    pub(super) buffer: BytesMut,
}

impl Connection {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, buffer: BytesMut::new() }
    }

    /// Reads once, with room for at least `least` bytes more than are there. `Ok(0)` is the end of the stream.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        least: usize,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() == 0 && least <= spare::SIZE {
            self.buffer = spare::take();
        }
        if self.buffer.capacity() - self.buffer.len() < least {
            self.buffer.reserve(least);
        }
        let read = pin!(self.transport.read_buf(&mut self.buffer));
        let read = std::future::Future::poll(read, cx);
        if read.is_pending() && self.buffer.is_empty() {
            self.release_buffer();
        }
        read
    }

    /// Takes the first `length` bytes of what has arrived.
    pub(super) fn detach(&mut self, length: usize) -> Bytes {
        if length <= COPIED {
            let copy = Bytes::copy_from_slice(&self.buffer[..length]);
            bytes::Buf::advance(&mut self.buffer, length);
            copy
        } else {
            self.buffer.split_to(length).freeze()
        }
    }

    /// Gives the read buffer back; what is in it is lost.
    pub(super) fn release_buffer(&mut self) {
        spare::give(std::mem::take(&mut self.buffer));
    }

    /// Whether nothing has arrived, not even the end of the stream. Costs no system call while that is so: the
    /// runtime remembers that the socket was drained.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        self.buffer.is_empty()
            && Pin::new(&mut self.transport)
                .poll_read(&mut cx, &mut ReadBuf::new(&mut byte))
                .is_pending()
    }
}
