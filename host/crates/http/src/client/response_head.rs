//! Reads the head of a response, strictly: whatever two readers could understand in two ways is refused, as the answer
//! of one request must never be taken for that of another (RFC 9112 6.3, 11.2).

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// Largest head in bytes.
pub const MAX_HEAD: usize = 64 * 1024;

/// Most header fields.
pub const MAX_FIELDS: usize = 256;

/// Head and body together are copied in one go up to this size.
const COPIED: usize = 4 * 1024;

/// Why a response's head is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is longer than [`MAX_HEAD`].
    #[error("head is larger than {MAX_HEAD} bytes")]
    TooLarge,
    /// It has more than [`MAX_FIELDS`] fields.
    #[error("head has more than {MAX_FIELDS} fields")]
    TooManyFields,
    /// It is not HTTP/1.x.
    #[error("malformed head: {0}")]
    Malformed(String),
    /// Length fields that contradict each other or are no numbers.
    #[error("invalid content-length")]
    Length,
    /// A transfer coding that is not exactly `chunked`.
    #[error("transfer coding is not `chunked`")]
    Coding,
    /// Both ways to delimit a body at once.
    #[error("content-length beside transfer-encoding")]
    Ambiguous,
    /// HTTP/1.0 knows no transfer codings.
    #[error("transfer-encoding in HTTP/1.0")]
    OldCoding,
    /// `101` to a request that did not ask for another protocol.
    #[error("unexpected switch of protocols")]
    Upgrade,
}

/// How a response's body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    Empty,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// It ends with the connection.
    Close,
}

/// A response's head.
#[derive(Debug)]
pub struct Head {
    /// Status, 200 or above.
    pub status: StatusCode,
    /// Fields, without those that concern the connection only.
    pub headers: HeaderMap,
    /// How the body is delimited.
    pub framing: Framing,
    /// Whether the connection may carry another request afterwards.
    pub keep_alive: bool,
    /// The whole body, if it was small and there already.
    pub body: Option<Bytes>,
}

/// Reads heads of responses to one request from what has arrived so far.
#[derive(Debug, Default)]
pub struct HeadReader {
    /// How far the end of the head has been looked for in vain.
    searched: usize,
}

impl HeadReader {
    /// Takes one whole head off the front of `buffer`; `None` if more bytes are needed.
    ///
    /// Interim responses (RFC 9110 15.2) are heads with a status below 200.
    ///
    /// # Errors
    /// The first violation found. The connection must not be used any more.
    pub fn read(
        &mut self,
        buffer: &mut BytesMut,
        method: &Method,
    ) -> Result<Option<Head>, HeadError> {
        // A head that arrives in small pieces must not be parsed from its start for each of them.
        if self.searched > 0 && !self.end_arrived(buffer) {
            return self.incomplete(buffer);
        }
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            buffer,
            &mut fields,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => length,
            Ok(httparse::Status::Complete(_)) => return Err(HeadError::TooLarge),
            Ok(httparse::Status::Partial) => return self.incomplete(buffer),
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyFields),
            Err(error) => return Err(HeadError::Malformed(error.to_string())),
        };
        let (head, consumed) = convert(&response, buffer, length, method)?;
        bytes::Buf::advance(buffer, consumed);
        self.searched = 0;
        Ok(Some(head))
    }

    fn end_arrived(&self, buffer: &[u8]) -> bool {
        let from = self.searched.saturating_sub(3);
        memchr::memchr_iter(b'\n', &buffer[from..]).any(|at| {
            let rest = &buffer[from + at + 1..];
            rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
        })
    }

    fn incomplete(&mut self, buffer: &[u8]) -> Result<Option<Head>, HeadError> {
        if buffer.len() > MAX_HEAD {
            return Err(HeadError::TooLarge);
        }
        self.searched = buffer.len();
        Ok(None)
    }
}

/// Makes a head from parsed fields; gives also how many bytes of the buffer it took.
fn convert(
    response: &httparse::Response<'_, '_>,
    buffer: &[u8],
    length: usize,
    method: &Method,
) -> Result<(Head, usize), HeadError> {
    let status = response
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| HeadError::Malformed("invalid status".to_owned()))?;
    let control = Control::read(response.headers)?;
    let modern = response.version == Some(1);
    let framing = control.framing(method, status, modern)?;
    let keep_alive = modern && !control.close && control.is_consistent(framing);
    let (bytes, body) = copy(buffer, length, framing);
    let headers = header_map(response.headers, buffer, &bytes, &control)?;
    let consumed = length + body.as_ref().map_or(0, Bytes::len);
    Ok((Head { status, headers, framing, keep_alive, body }, consumed))
}

/// Copies the head, and the body with it if it is small and there. Field values are slices of this copy.
fn copy(buffer: &[u8], length: usize, framing: Framing) -> (Bytes, Option<Bytes>) {
    if let Framing::Length(body) = framing
        && body <= COPIED as u64
        && buffer.len() - length >= body as usize
    {
        let end = length + body as usize;
        let both = Bytes::copy_from_slice(&buffer[..end]);
        let body = both.slice(length..);
        return (both, Some(body));
    }
    (Bytes::copy_from_slice(&buffer[..length]), None)
}

/// Room for the fields that answers get on their way to the client, so that the map does not grow there.
const RENDERED: usize = 2;

fn header_map(
    fields: &[httparse::Header<'_>],
    buffer: &[u8],
    bytes: &Bytes,
    control: &Control<'_>,
) -> Result<HeaderMap, HeadError> {
    let malformed = |name: &str| HeadError::Malformed(format!("invalid field `{name}`"));
    let mut headers = HeaderMap::with_capacity(fields.len() + RENDERED);
    let mut length_seen = false;
    for field in fields {
        let name =
            HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| malformed(field.name))?;
        if is_connection_field(name.as_str()) || control.names(name.as_str()) {
            continue;
        }
        // Equal lengths may be repeated (RFC 9112 6.3); one of them is passed on.
        if name == http::header::CONTENT_LENGTH {
            if std::mem::replace(&mut length_seen, true) {
                continue;
            }
            // A list of equal lengths (RFC 9112 6.3) is passed on as one.
            if let (Some(length), true) = (control.length, field.value.contains(&b',')) {
                headers.insert(name, HeaderValue::from(length));
                continue;
            }
        }
        // The value lies in `buffer`, and `bytes` is a copy of it: the same place, without another copy.
        let start = field.value.as_ptr() as usize - buffer.as_ptr() as usize;
        let value = bytes.slice(start..start + field.value.len());
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| malformed(field.name))?;
        headers.try_append(name, value).map_err(|_| HeadError::TooManyFields)?;
    }
    Ok(headers)
}

/// Fields that concern one connection only (RFC 9110 7.6.1).
fn is_connection_field(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// What a head says about its message and its connection.
#[derive(Default)]
struct Control<'a> {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    /// Values of `Connection` that name fields.
    connection: Vec<&'a [u8]>,
}

impl<'a> Control<'a> {
    fn read(fields: &[httparse::Header<'a>]) -> Result<Self, HeadError> {
        let mut control = Self::default();
        for field in fields {
            if field.name.eq_ignore_ascii_case("content-length") {
                control.add_length(field.value)?;
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                // Stacked codings come as a list or as repeated fields.
                if control.chunked || !field.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return Err(HeadError::Coding);
                }
                control.chunked = true;
            } else if field.name.eq_ignore_ascii_case("connection") {
                control.add_connection(field.value);
            }
        }
        Ok(control)
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), HeadError> {
        for number in value.split(|byte| *byte == b',') {
            let number = number.trim_ascii();
            if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
                return Err(HeadError::Length);
            }
            let length = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
            let length: u64 = length.ok_or(HeadError::Length)?;
            if self.length.is_some_and(|other| other != length) {
                return Err(HeadError::Length);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn add_connection(&mut self, value: &'a [u8]) {
        for token in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if !token.is_empty() && !token.eq_ignore_ascii_case(b"keep-alive") {
                self.connection.push(token);
            }
        }
    }

    fn names(&self, name: &str) -> bool {
        self.connection.iter().any(|token| token.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// RFC 9112 6.3, without its leniencies.
    fn framing(
        &self,
        method: &Method,
        status: StatusCode,
        modern: bool,
    ) -> Result<Framing, HeadError> {
        if self.chunked && !modern {
            return Err(HeadError::OldCoding);
        }
        if self.chunked && self.length.is_some() {
            return Err(HeadError::Ambiguous);
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(HeadError::Upgrade);
        }
        // What follows an accepted `CONNECT` belongs to the tunnel (RFC 9110 9.3.6).
        let bodiless = status.is_informational()
            || (*method == Method::CONNECT && status.is_success())
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        Ok(match self.length {
            _ if bodiless || *method == Method::HEAD => Framing::Empty,
            _ if self.chunked => Framing::Chunked,
            Some(0) => Framing::Empty,
            Some(length) => Framing::Length(length),
            None => Framing::Close,
        })
    }

    /// Whether no other reader could expect a body where this one sees none. A `HEAD` or `304` answer may carry the
    /// length that a `GET` would have; a transfer coding without a body is suspicious.
    fn is_consistent(&self, framing: Framing) -> bool {
        framing != Framing::Close && !(framing == Framing::Empty && self.chunked)
    }
}
