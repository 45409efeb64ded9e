//! A client that sends exact bytes and looks closely at what comes back. It blocks: a test reads as a conversation.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use crate::{PATIENCE, upstream::values};

/// How a stream of bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The message was whole.
    Complete,
    /// The other side closed the connection before the message was whole.
    Closed,
    /// The other side reset the connection before the message was whole.
    Reset,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status line without its CR LF.
    pub line: String,
    /// The status.
    pub status: u16,
    /// The headers in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body without its framing, as far as it came.
    pub body: Vec<u8>,
    /// Fields after the last chunk.
    pub trailers: Vec<(String, String)>,
    /// Whether the answer was whole.
    pub end: End,
}

impl Answer {
    /// The values of a header, in order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&str> {
        values(&self.headers, name)
    }

    /// The only value of a header; empty without one.
    ///
    /// # Panics
    /// When the header came several times.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let values = self.values(name);
        assert!(values.len() < 2, "{name} came several times: {values:?}");
        values.first().copied().unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

trait Duplex: Read + Write + Send {
    fn socket(&self) -> &TcpStream;
}

impl Duplex for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Duplex for StreamOwned<ClientConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

/// One connection to the gateway.
pub struct Client {
    stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the gateway accepts connections")
    }

    /// Connects, if somebody listens.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        Self::settings(&stream)?;
        Ok(Self { stream: Box::new(stream), buffer: Vec::new() })
    }

    /// Connects with TLS and completes the handshake.
    ///
    /// # Errors
    /// Those of the socket and of the handshake. With TLS 1.3 a server refuses a client certificate after the client's
    /// side of the handshake, so that error may come with the first read.
    pub fn connect_tls(
        address: SocketAddr,
        name: &str,
        config: Arc<ClientConfig>,
    ) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        Self::settings(&stream)?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Self { stream: Box::new(stream), buffer: Vec::new() })
    }

    fn settings(stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))
    }

    /// The client's own address.
    ///
    /// # Panics
    /// Never on a connected socket.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.stream.socket().local_addr().expect("a connected socket")
    }

    /// Sends these bytes. The other side may have gone already: what it said before is still there to be read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes);
    }

    /// Sends these bytes.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.stream.flush()
    }

    /// Says that nothing more will be sent; reading goes on.
    pub fn finish_sending(&mut self) {
        let _ = self.stream.socket().shutdown(Shutdown::Write);
    }

    /// Resets the connection.
    pub fn abort(self) {
        let _ = socket2::SockRef::from(self.stream.socket())
            .set_linger(Some(std::time::Duration::ZERO));
    }

    /// Sends a request without a body and reads the answer.
    #[must_use]
    pub fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n"));
        self.answer()
    }

    /// Sends a request and reads the answer. `Host` and `Content-Length` are added.
    #[must_use]
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: gateway.test\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.as_ref();
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(body);
        self.send(bytes);
        if method == "HEAD" { self.head() } else { self.answer() }
    }

    /// Reads an answer to its end.
    ///
    /// # Panics
    /// When no answer comes, or none that could be one.
    #[must_use]
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        answer.end = self.body(&mut answer);
        answer
    }

    /// Reads an answer to its end; `None` when the connection ends before an answer begins.
    #[must_use]
    pub fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.try_head()?;
        answer.end = self.body(&mut answer);
        Some(answer)
    }

    /// Reads the head of an answer. Its body, if there is one, is still to be read.
    ///
    /// # Panics
    /// When no answer comes.
    #[must_use]
    pub fn head(&mut self) -> Answer {
        self.try_head().expect("the connection ended without an answer")
    }

    fn try_head(&mut self) -> Option<Answer> {
        loop {
            let end = loop {
                if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                    break at + 4;
                }
                if self.fill() != End::Complete {
                    assert!(
                        self.buffer.is_empty(),
                        "the answer's head broke off: {:?}",
                        String::from_utf8_lossy(&self.buffer)
                    );
                    return None;
                }
            };
            let head: Vec<u8> = self.buffer.drain(..end).collect();
            let text = String::from_utf8_lossy(&head).into_owned();
            let mut lines = text.split("\r\n");
            let line = lines.next().unwrap_or_default().to_owned();
            let status = line
                .strip_prefix("HTTP/1.")
                .and_then(|rest| rest.get(2..5))
                .and_then(|digits| digits.parse().ok())
                .unwrap_or_else(|| panic!("no status line: {line:?}"));
            // Interim answers (RFC 9110 15.2) are no answers.
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            return Some(Answer {
                line,
                status,
                headers: lines.filter_map(field).collect(),
                body: Vec::new(),
                trailers: Vec::new(),
                end: End::Complete,
            });
        }
    }

    fn body(&mut self, answer: &mut Answer) -> End {
        if matches!(answer.status, 101 | 204 | 304) {
            return End::Complete;
        }
        if answer.values("transfer-encoding").contains(&"chunked") {
            return self.chunks(answer);
        }
        if let Some(length) = answer.values("content-length").first() {
            let length = length.parse().expect("a Content-Length is a number");
            return self.exactly(length, &mut answer.body);
        }
        // RFC 9112 6.3: without a length the body ends with the connection.
        match self.drain(&mut answer.body) {
            End::Closed => End::Complete,
            end => end,
        }
    }

    fn chunks(&mut self, answer: &mut Answer) -> End {
        loop {
            let size = match self.text_line() {
                Ok(line) => {
                    let size = line.split(';').next().unwrap_or_default().trim().to_owned();
                    usize::from_str_radix(&size, 16)
                        .unwrap_or_else(|_| panic!("no chunk size: {line:?}"))
                }
                Err(end) => return end,
            };
            if size == 0 {
                loop {
                    match self.text_line() {
                        Ok(line) if line.is_empty() => return End::Complete,
                        Ok(line) => answer.trailers.extend(field(&line)),
                        Err(end) => return end,
                    }
                }
            }
            let end = self.exactly(size, &mut answer.body);
            if end != End::Complete {
                return end;
            }
            match self.text_line() {
                Ok(line) => assert_eq!(line, "", "a chunk is longer than it says"),
                Err(end) => return end,
            }
        }
    }

    fn text_line(&mut self) -> Result<String, End> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            match self.fill() {
                End::Complete => {}
                end => return Err(end),
            }
        }
    }

    /// Reads exactly `length` bytes, or to the end.
    pub fn exactly(&mut self, mut length: usize, into: &mut Vec<u8>) -> End {
        while length > 0 {
            if self.buffer.is_empty() {
                match self.fill() {
                    End::Complete => {}
                    end => return end,
                }
            }
            let part = length.min(self.buffer.len());
            into.extend(self.buffer.drain(..part));
            length -= part;
        }
        End::Complete
    }

    /// Reads until `text` has come, wherever chunks begin and end, and gives everything up to then.
    ///
    /// # Panics
    /// When it does not come.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.buffer.windows(text.len()).position(|w| w == text.as_bytes()) {
                let part: Vec<u8> = self.buffer.drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&part).into_owned();
            }
            let end = self.fill();
            assert_eq!(
                end,
                End::Complete,
                "{text:?} did not come, but {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    /// Reads to the end of the connection.
    pub fn drain(&mut self, into: &mut Vec<u8>) -> End {
        loop {
            into.append(&mut self.buffer);
            match self.fill() {
                End::Complete => {}
                end => return end,
            }
        }
    }

    /// Counts the bytes of a body that is not kept, chunk framing included, until the connection ends or `limit` is
    /// reached.
    pub fn count(&mut self, limit: usize) -> usize {
        let mut count = 0;
        while count < limit {
            if self.buffer.is_empty() && self.fill() != End::Complete {
                break;
            }
            count += self.buffer.len();
            self.buffer.clear();
        }
        count
    }

    /// Asserts that the other side closes the connection and sends nothing more.
    ///
    /// # Panics
    /// When it sends something or keeps the connection open.
    pub fn expect_close(&mut self) {
        let mut rest = Vec::new();
        let _ = self.drain(&mut rest);
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }

    fn fill(&mut self) -> End {
        let mut part = [0; 64 << 10];
        match self.stream.read(&mut part) {
            Ok(0) => End::Closed,
            Ok(n) => {
                self.buffer.extend(&part[..n]);
                End::Complete
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => End::Closed,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => End::Reset,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => End::Reset,
            Err(error) => {
                panic!("nothing came: {error}; so far {:?}", String::from_utf8_lossy(&self.buffer))
            }
        }
    }
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}
