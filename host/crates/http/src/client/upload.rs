//! Sends one request: its head together with the first piece of its body, then piece by piece as the body comes.

use std::{
    io::{self, IoSlice, Write},
    task::{Context, Poll, ready},
};

use bytes::{BufMut, Bytes, BytesMut};
use torana_core::{Error, ErrorKind, body::Stream};

use super::connection::Transport;

/// How a request's body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// No body.
    None,
    /// `Content-Length`: this many bytes are still to come from the body.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// Why a request could not be sent.
pub(super) enum UploadError {
    /// The connection does not take it.
    Connection(io::Error),
    /// The body broke off: the request must never look complete.
    Body(Error),
}

/// See the module. Bytes wait in `prefix`, `data`, `suffix`, in this order, until all of them are written.
pub(super) struct Upload {
    /// The head, later the size of a chunk.
    prefix: BytesMut,
    data: Bytes,
    suffix: &'static [u8],
    /// How many of the waiting bytes are written.
    offset: usize,
    /// Where the rest of the body comes from.
    source: Option<Stream>,
    delimiter: Delimiter,
    /// Whether the connection has taken anything.
    touched: bool,
}

impl Upload {
    /// A request whose body is there as a whole.
    pub(super) fn whole(head: BytesMut, data: Bytes) -> Self {
        Self {
            prefix: head,
            data,
            suffix: b"",
            offset: 0,
            source: None,
            delimiter: Delimiter::None,
            touched: false,
        }
    }

    /// A request whose body is still arriving.
    pub(super) fn streamed(head: BytesMut, source: Stream, delimiter: Delimiter) -> Self {
        Self { source: Some(source), delimiter, ..Self::whole(head, Bytes::new()) }
    }

    /// Whether no byte has left: the peer cannot have seen anything.
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Starts again from the first byte, if all bytes are still there.
    pub(super) fn rewind(&mut self) -> bool {
        let whole = self.source.is_none() && self.delimiter == Delimiter::None;
        if whole {
            self.offset = 0;
            self.touched = false;
        }
        whole || !self.touched
    }

    /// Sends what can be sent. Ready once the whole request has been sent.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
    ) -> Poll<Result<(), UploadError>> {
        loop {
            self.stage(cx).map_err(UploadError::Body)?;
            if self.waiting() > 0 {
                let written = ready!(self.poll_write(cx, transport));
                let written = written.map_err(UploadError::Connection)?;
                self.offset += written;
                self.touched = true;
                self.recycle();
                continue;
            }
            ready!(transport.poll_flush(cx)).map_err(UploadError::Connection)?;
            return if self.source.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
    }

    fn waiting(&self) -> usize {
        self.prefix.len() + self.data.len() + self.suffix.len() - self.offset
    }

    /// Makes room for the next piece of a body that arrives; a whole request stays, so that it can be sent again.
    fn recycle(&mut self) {
        if self.source.is_some() && self.waiting() == 0 {
            self.prefix.clear();
            self.data = Bytes::new();
            self.suffix = b"";
            self.offset = 0;
        }
    }

    /// Takes the next piece of the body, if there is one and nothing else waits.
    fn stage(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while self.data.is_empty() && self.suffix.is_empty() {
            let Some(source) = &mut self.source else { return Ok(()) };
            match source.as_mut().poll_frame(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Err(error))) => return Err(error),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers end here: they never become headers (RFC 9110 6.5.1).
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        let last = source.is_end_stream();
                        self.stage_piece(data, last)?;
                    }
                }
                Poll::Ready(None) => return self.stage_end(),
            }
        }
        Ok(())
    }

    fn stage_piece(&mut self, data: Bytes, last: bool) -> Result<(), Error> {
        match &mut self.delimiter {
            Delimiter::Chunked => {
                // Writing to a `BytesMut` cannot fail.
                let _ = write!((&mut self.prefix).writer(), "{:x}\r\n", data.len());
                self.suffix = if last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
                if last {
                    self.source = None;
                }
            }
            Delimiter::Length(rest) => {
                *rest = rest.checked_sub(data.len() as u64).ok_or_else(|| {
                    Error::new(ErrorKind::Client, "request body is longer than announced")
                })?;
                if *rest == 0 {
                    self.source = None;
                }
            }
            Delimiter::None => {}
        }
        self.data = data;
        Ok(())
    }

    fn stage_end(&mut self) -> Result<(), Error> {
        match self.delimiter {
            Delimiter::Chunked => self.suffix = b"0\r\n\r\n",
            Delimiter::Length(rest) if rest > 0 => {
                return Err(Error::new(
                    ErrorKind::Client,
                    format!("request body ended {rest} bytes early"),
                ));
            }
            Delimiter::Length(_) | Delimiter::None => {}
        }
        self.source = None;
        Ok(())
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        transport: &mut Transport,
    ) -> Poll<io::Result<usize>> {
        let mut skip = self.offset;
        let mut slices = [IoSlice::new(&[]); 3];
        let mut count = 0;
        for part in [&self.prefix[..], &self.data[..], self.suffix] {
            let rest = &part[skip.min(part.len())..];
            skip -= part.len() - rest.len();
            if !rest.is_empty() {
                slices[count] = IoSlice::new(rest);
                count += 1;
            }
        }
        match transport.poll_write(cx, &slices[..count]) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            other => other,
        }
    }
}
