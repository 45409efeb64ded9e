//! Decodes the content codings gzip, deflate, br and zstd (RFC 9110 8.4.1, RFC 7932, RFC 9659) piece by piece, with a
//! limit for what may come out: a small answer can unfold to any size.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::{Buf, Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, header};
use http_body::{Body as _, Frame};
use torana_core::{Body, Data, Error, ErrorKind, Response, ResponseParts};
use zstd::stream::raw::{DParameter, InBuffer, Operation, OutBuffer};

use super::options::CallOptions;

/// Bytes that come out of one step.
const PIECE: usize = 16 * 1024;

/// A body that was whole and stays below this is decoded at once and stays whole.
const WHOLE: usize = 64 * 1024;

/// Largest window of zstd as a power of two: 8 MiB, which RFC 9659 sets for HTTP.
const ZSTD_WINDOW: u32 = 23;

/// Puts the decoded body in the place of a compressed one, if the caller asks for it. A coding that is not known
/// stays as it is, with its `Content-Encoding`.
pub(super) fn decompress(mut response: Response, options: &CallOptions) -> Result<Response, Error> {
    let ResponseParts { headers, data, .. } = &mut *response;
    let Data::Body(body) = data else { return Ok(response) };
    if !options.decompress || body.is_empty() {
        return Ok(response);
    }
    let Some(decoder) = Decoder::for_fields(headers)? else { return Ok(response) };
    let compressed = std::mem::take(body);
    *body = decoded_body(compressed, decoder, options.decompressed_limit)?;
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    Ok(response)
}

fn decoded_body(compressed: Body, decoder: Decoder, limit: u64) -> Result<Body, Error> {
    let whole = matches!(compressed, Body::Full(_));
    let mut decoded = Decoded {
        source: compressed,
        source_ended: false,
        input: Bytes::new(),
        decoder,
        room: limit,
        limit,
        queued: Bytes::new(),
    };
    if whole && let Some(bytes) = decoded.take_whole()? {
        return Ok(Body::from_bytes(bytes));
    }
    Ok(Body::Stream(Box::pin(decoded)))
}

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

enum Decoder {
    /// Gzip consists of members; none is open at the start and after the end of each.
    Gzip {
        member: Option<Decompress>,
    },
    /// RFC 1950, or RFC 1951 without its wrapper: both are sent under this name. Known after the first byte.
    Deflate {
        inner: Option<Decompress>,
        ended: bool,
    },
    /// Boxed: kilobytes of tables.
    Brotli {
        inner: Box<Brotli>,
        ended: bool,
    },
    Zstd {
        inner: zstd::stream::raw::Decoder<'static>,
        at_boundary: bool,
    },
}

impl Decoder {
    fn for_fields(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let (Some(coding), None) = (codings.next(), codings.next()) else { return Ok(None) };
        let is = |name: &str| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        Ok(if is("gzip") || is("x-gzip") {
            Some(Self::Gzip { member: None })
        } else if is("deflate") {
            Some(Self::Deflate { inner: None, ended: false })
        } else if is("br") {
            let alloc = StandardAlloc::default;
            // Strict: no windows above the 16 MiB of RFC 7932.
            let inner = Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()));
            Some(Self::Brotli { inner, ended: false })
        } else if is("zstd") {
            let mut inner = zstd::stream::raw::Decoder::new().map_err(internal)?;
            inner.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).map_err(internal)?;
            Some(Self::Zstd { inner, at_boundary: true })
        } else {
            None
        })
    }

    /// Whether the input may end here.
    fn is_complete(&self) -> bool {
        match self {
            Self::Gzip { member } => member.is_none(),
            Self::Zstd { at_boundary, .. } => *at_boundary,
            Self::Deflate { ended, .. } | Self::Brotli { ended, .. } => *ended,
        }
    }

    /// Takes from `input` and adds to `output` within its capacity, as far as both reach.
    fn step(&mut self, input: &mut Bytes, output: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Gzip { member } => {
                if input.is_empty() && member.is_none() {
                    return Ok(());
                }
                let inner = member.get_or_insert_with(|| Decompress::new_gzip(15));
                if inflate(inner, input, output)? {
                    *member = None;
                }
                Ok(())
            }
            Self::Deflate { inner, ended } => {
                let Some(first) = input.first() else {
                    return match inner {
                        Some(inner) if !*ended => {
                            inflate(inner, input, output).map(|end| *ended = end)
                        }
                        _ => Ok(()),
                    };
                };
                if *ended {
                    return Err(corrupt("bytes behind the end"));
                }
                // RFC 1950 2.2: the method in the lower half of the first byte is 8. As raw deflate that byte would
                // be a stored block of unusual padding.
                let inner = inner.get_or_insert_with(|| Decompress::new(first & 0x0f == 8));
                *ended = inflate(inner, input, output)?;
                Ok(())
            }
            Self::Brotli { inner, ended } => brotli(inner, ended, input, output),
            Self::Zstd { inner, at_boundary } => {
                if input.is_empty() && *at_boundary {
                    return Ok(());
                }
                let mut source = InBuffer::around(input);
                let start = output.len();
                let mut sink = OutBuffer::around_pos(output, start);
                let hint = inner.run(&mut source, &mut sink).map_err(|error| corrupt(&error))?;
                let used = source.pos();
                input.advance(used);
                *at_boundary = hint == 0;
                Ok(())
            }
        }
    }
}

/// One step of inflate; true at the end of the stream.
fn inflate(inner: &mut Decompress, input: &mut Bytes, output: &mut Vec<u8>) -> Result<bool, Error> {
    let before = inner.total_in();
    let status = inner
        .decompress_vec(input, output, FlushDecompress::None)
        .map_err(|error| corrupt(&error))?;
    input.advance((inner.total_in() - before) as usize);
    Ok(status == Status::StreamEnd)
}

fn brotli(
    inner: &mut Brotli,
    ended: &mut bool,
    input: &mut Bytes,
    output: &mut Vec<u8>,
) -> Result<(), Error> {
    if *ended {
        return if input.is_empty() { Ok(()) } else { Err(corrupt("bytes behind the end")) };
    }
    let start = output.len();
    // This decoder writes to initialised memory only.
    output.resize(output.capacity(), 0);
    let (mut left, mut used) = (input.len(), 0);
    let (mut room, mut written, mut total) = (output.len() - start, start, 0);
    let result = BrotliDecompressStream(
        &mut left,
        &mut used,
        input,
        &mut room,
        &mut written,
        output,
        &mut total,
        inner,
    );
    output.truncate(written);
    input.advance(used);
    match result {
        BrotliResult::ResultSuccess => *ended = true,
        BrotliResult::ResultFailure => return Err(corrupt("invalid brotli data")),
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
    }
    Ok(())
}

fn corrupt(reason: &(impl std::fmt::Display + ?Sized)) -> Error {
    Error::new(ErrorKind::Decode, format!("compressed body cannot be decoded: {reason}"))
}

fn internal(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "zstd decoder cannot be made").with_source(error)
}

/// A body that is decoded while it is read.
struct Decoded {
    source: Body,
    source_ended: bool,
    input: Bytes,
    decoder: Decoder,
    /// How many bytes may still come out.
    room: u64,
    limit: u64,
    queued: Bytes,
}

impl Decoded {
    /// The whole body, if it is small; else what came out so far is queued.
    fn take_whole(&mut self) -> Result<Option<Bytes>, Error> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = BytesMut::new();
        while all.len() < WHOLE {
            match self.poll_piece(&mut cx)? {
                Poll::Ready(Some(piece)) => all.extend_from_slice(&piece),
                Poll::Ready(None) => return Ok(Some(all.freeze())),
                Poll::Pending => break,
            }
        }
        self.queued = all.freeze();
        Ok(None)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Result<Poll<Option<Bytes>>, Error> {
        loop {
            if self.input.is_empty() && !self.source_ended {
                // What was taken in before may still have more to give than one piece.
                match self.step()? {
                    Some(piece) => return Ok(Poll::Ready(Some(piece))),
                    None => match Pin::new(&mut self.source).poll_frame(cx) {
                        Poll::Pending => return Ok(Poll::Pending),
                        Poll::Ready(Some(frame)) => {
                            self.input = frame?.into_data().unwrap_or_default();
                        }
                        Poll::Ready(None) => self.source_ended = true,
                    },
                }
                continue;
            }
            if let Some(piece) = self.step()? {
                return Ok(Poll::Ready(Some(piece)));
            }
            if self.input.is_empty() && self.source_ended {
                if self.decoder.is_complete() {
                    return Ok(Poll::Ready(None));
                }
                let message = "compressed body ended early";
                return Err(Error::new(ErrorKind::Protocol, message));
            }
        }
    }

    /// One step of the decoder; `None` if nothing came out.
    fn step(&mut self) -> Result<Option<Bytes>, Error> {
        let before = self.input.len();
        let mut output = Vec::with_capacity(PIECE);
        self.decoder.step(&mut self.input, &mut output)?;
        if output.is_empty() {
            // A decoder that neither takes nor gives would be asked for ever.
            if before > 0 && self.input.len() == before && !self.decoder.is_complete() {
                return Err(corrupt("no progress"));
            }
            return Ok(None);
        }
        self.room = self.room.checked_sub(output.len() as u64).ok_or_else(|| {
            let message = format!("decompressed body is larger than {} bytes", self.limit);
            Error::new(ErrorKind::TooLarge, message)
        })?;
        Ok(Some(Bytes::from(output)))
    }
}

impl http_body::Body for Decoded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !self.queued.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.queued)))));
        }
        let piece = ready!(self.poll_piece(cx)?);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
