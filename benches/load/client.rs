//! A client connection: one request, then its answer, as often as wanted.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// More header fields than any answer here has.
const MAX_FIELDS: usize = 64;

/// An open connection, and the last answer.
pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    head: usize,
}

/// What an answer says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) length: usize,
    /// The server ends the connection: no further request.
    pub(crate) close: bool,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(16 << 10), head: 0 })
    }

    /// Sends a request and reads its answer to the end.
    ///
    /// # Errors
    /// The connection ended before the answer did, or the answer is not one with a `Content-Length`.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.received.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((head, answer)) = parse(&self.received)? else { continue };
            match self.received.len().cmp(&(head + answer.length)) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => {
                    self.head = head;
                    return Ok(answer);
                }
                std::cmp::Ordering::Greater => return Err(bad("bytes behind the answer")),
            }
        }
    }

    /// The head of the last answer.
    pub(crate) fn head(&self) -> &[u8] {
        &self.received[..self.head]
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.received[self.head..]
    }
}

/// The bytes of a GET.
pub(crate) fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// The same with one more header field.
pub(crate) fn get_with(host: &str, path: &str, field: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{field}\r\n\r\n").into_bytes()
}

/// The length of the head and what it says, once all of it is there.
fn parse(bytes: &[u8]) -> io::Result<Option<(usize, Answer)>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let head = match response.parse(bytes).map_err(|_| bad("not an HTTP answer"))? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let field = |name: &str| {
        let found = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.and_then(|field| std::str::from_utf8(field.value).ok())
    };
    let length = field("content-length").and_then(|length| length.parse().ok());
    let answer = Answer {
        status: response.code.unwrap_or_default(),
        length: length.ok_or_else(|| bad("an answer without Content-Length"))?,
        close: field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
    };
    Ok(Some((head, answer)))
}

fn bad(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: Close\r\n\r\n";
        let answer = Answer { status: 200, length: 2, close: true };
        assert_eq!(parse(head).expect("an answer"), Some((head.len(), answer)));
        assert_eq!(parse(&head[..30]).expect("a part of one"), None);
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
