//! A response's body while it arrives: read only as fast as it is asked for. At its clean end the connection goes back
//! to its pool; whatever else happens closes the connection.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use torana_core::{Error, ErrorKind};

use super::{
    chunked::{Chunk, ChunkedDecoder},
    connection::{Connection, ROOM},
    pool::Pool,
    response_head::Framing,
    upload::{Upload, UploadError},
};

#[derive(Debug)]
enum Decoder {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(ChunkedDecoder),
    Close,
}

/// What a step of the decoder found.
enum Piece {
    Data(Bytes),
    End,
    More,
}

/// See the module.
pub(super) struct Incoming {
    /// Gone once the body has ended or failed.
    connection: Option<Connection>,
    decoder: Decoder,
    /// Decoded already, not handed out yet.
    queued: Bytes,
    /// The rest of a request that is still being sent beside its response.
    upload: Option<Upload>,
    keep_alive: bool,
    ended: bool,
    failure: Option<Error>,
    pool: Arc<Pool>,
    url: Arc<str>,
}

impl Incoming {
    pub(super) fn new(
        connection: Connection,
        framing: Framing,
        upload: Option<Upload>,
        keep_alive: bool,
        pool: Arc<Pool>,
        url: Arc<str>,
    ) -> Self {
        let decoder = match framing {
            Framing::Empty => Decoder::Length(0),
            Framing::Length(length) => Decoder::Length(length),
            Framing::Chunked => Decoder::Chunked(ChunkedDecoder::default()),
            Framing::Close => Decoder::Close,
        };
        Self {
            connection: Some(connection),
            decoder,
            queued: Bytes::new(),
            upload,
            keep_alive,
            ended: false,
            failure: None,
            pool,
            url,
        }
    }

    /// Waits until a body of `length` bytes is there as a whole. For bodies with a known, small length.
    pub(super) fn poll_whole(
        &mut self,
        cx: &mut Context<'_>,
        length: usize,
    ) -> Poll<Result<Bytes, Error>> {
        loop {
            self.drive_upload(cx)?;
            let Some(connection) = &mut self.connection else {
                return Poll::Ready(Err(self.fail("body was taken already")));
            };
            if let Some(rest) = length.checked_sub(connection.buffer.len())
                && rest > 0
            {
                let read = ready!(connection.poll_fill(cx, rest));
                self.filled(read)?;
                continue;
            }
            let body = connection.detach(length);
            self.end();
            return Poll::Ready(Ok(body));
        }
    }

    /// Decodes what has arrived already: the whole body, if its end is among it.
    pub(super) fn take_whole(&mut self) -> Result<Option<Bytes>, Error> {
        let mut all = Bytes::new();
        let mut joined = BytesMut::new();
        loop {
            match self.decode()? {
                // Nearly always there is one chunk, which needs no copy.
                Piece::Data(data) if all.is_empty() && joined.is_empty() => all = data,
                Piece::Data(data) => {
                    joined.extend_from_slice(&std::mem::take(&mut all));
                    joined.extend_from_slice(&data);
                }
                outcome => {
                    let body = if joined.is_empty() { all } else { joined.freeze() };
                    if let Piece::End = outcome {
                        self.end();
                        return Ok(Some(body));
                    }
                    self.queued = body;
                    return Ok(None);
                }
            }
        }
    }

    fn decode(&mut self) -> Result<Piece, Error> {
        let Some(connection) = &mut self.connection else { return Ok(Piece::More) };
        let here = connection.buffer.len();
        let length = match &mut self.decoder {
            Decoder::Length(0) => return Ok(Piece::End),
            Decoder::Length(rest) => {
                let length = (*rest).min(here as u64) as usize;
                *rest -= length as u64;
                length
            }
            Decoder::Close => here,
            Decoder::Chunked(decoder) => match decoder.next(&mut connection.buffer) {
                Ok(Chunk::Data(length)) => {
                    decoder.taken(length);
                    length
                }
                Ok(Chunk::End) => return Ok(Piece::End),
                Ok(Chunk::More) => 0,
                Err(error) => return Err(self.fail(&error.to_string())),
            },
        };
        if length == 0 {
            return Ok(Piece::More);
        }
        Ok(Piece::Data(connection.detach(length)))
    }

    /// Goes on sending the request.
    fn drive_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let (Some(upload), Some(connection)) = (&mut self.upload, &mut self.connection) else {
            return Ok(());
        };
        match upload.poll(cx, &mut connection.transport) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => {
                self.upload = None;
                Ok(())
            }
            // The peer does not want the rest, but its answer may still be whole.
            Poll::Ready(Err(UploadError::Connection(_))) => {
                self.upload = None;
                self.keep_alive = false;
                Ok(())
            }
            Poll::Ready(Err(UploadError::Body(error))) => {
                self.connection = None;
                Err(error)
            }
        }
    }

    /// Judges a read; true means that bytes have arrived.
    fn filled(&mut self, read: io::Result<usize>) -> Result<bool, Error> {
        match read {
            Ok(0) if matches!(self.decoder, Decoder::Close) => Ok(false),
            Ok(0) => Err(self.fail("connection closed before the end of the body")),
            Ok(_) => Ok(true),
            Err(error) => Err(self.fail(&error.to_string())),
        }
    }

    /// The body is whole. The connection may go on unless something follows that nobody asked for.
    fn end(&mut self) {
        self.ended = true;
        if let Some(connection) = self.connection.take()
            && self.keep_alive
            && self.upload.is_none()
            && connection.buffer.is_empty()
        {
            self.pool.put(connection);
        }
    }

    fn fail(&mut self, reason: &str) -> Error {
        self.connection = None;
        Error::new(ErrorKind::Protocol, format!("{}: {reason}", self.url))
    }

    /// Looks for the end behind a piece, so that the connection is free before the piece has been used.
    fn look_ahead(&mut self) {
        let ended = match (&mut self.decoder, &mut self.connection) {
            (Decoder::Length(0), _) => true,
            (Decoder::Chunked(decoder), Some(connection)) => {
                match decoder.next(&mut connection.buffer) {
                    Ok(found) => found == Chunk::End,
                    Err(error) => {
                        self.failure = Some(self.fail(&error.to_string()));
                        false
                    }
                }
            }
            _ => false,
        };
        if ended {
            self.end();
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            if !this.queued.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.queued)))));
            }
            if let Some(failure) = this.failure.take() {
                return Poll::Ready(Some(Err(failure)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            this.drive_upload(cx)?;
            match this.decode()? {
                Piece::Data(data) => {
                    this.look_ahead();
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Piece::End => {
                    this.end();
                    continue;
                }
                Piece::More => {}
            }
            let Some(connection) = &mut this.connection else {
                return Poll::Ready(Some(Err(this.fail("body has failed already"))));
            };
            let read = ready!(connection.poll_fill(cx, ROOM));
            if !this.filled(read)? {
                this.end();
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.queued.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.decoder {
            Decoder::Length(rest) => SizeHint::with_exact(rest + self.queued.len() as u64),
            _ if self.ended => SizeHint::with_exact(self.queued.len() as u64),
            _ => {
                let mut hint = SizeHint::new();
                hint.set_lower(self.queued.len() as u64);
                hint
            }
        }
    }
}
