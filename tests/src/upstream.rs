//! An upstream on a free port that answers by script and can delay, break off and lie. It speaks raw TCP, since a
//! correct HTTP library would refuse to misbehave, and remembers byte for byte what it was sent.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{oneshot, watch},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::PATIENCE;

/// Counts the requests of all upstreams.
static ARRIVED: AtomicUsize = AtomicUsize::new(0);

/// Something that a test opens when the time has come: replies wait for it instead of for a clock.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A closed gate.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a gate is made, not assumed")]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everybody pass who waits, and everybody who will.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn wait(&self) {
        let mut opened = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = opened.wait_for(|open| *open).await;
    }
}

/// One thing that a reply does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send these bytes so many times, or until the other side has had enough.
    Repeat(Vec<u8>, usize),
    /// Wait until the gate is open.
    Wait(Gate),
    /// Do nothing until the other side closes the connection.
    Hold,
    /// Close the connection.
    Close,
    /// Reset the connection.
    Reset,
}

/// How the length of a reply's body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// No length: the body ends with the connection.
    Bare,
    /// A `Content-Length` that may be wrong.
    Claimed(usize),
}

/// A scripted reply.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    framing: Framing,
    cut: Option<usize>,
    before: Option<Gate>,
    end: Option<Step>,
    steps: Option<Vec<Step>>,
    early: bool,
    discard: bool,
}

impl Reply {
    /// A reply with a status and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Length,
            cut: None,
            before: None,
            end: None,
            steps: None,
            early: false,
            discard: false,
        }
    }

    /// 200 with a JSON body.
    #[must_use]
    pub fn json(body: &str) -> Self {
        Self::status(200).header("Content-Type", "application/json").body(body)
    }

    /// These steps and nothing else.
    #[must_use]
    pub fn steps(steps: Vec<Step>) -> Self {
        Self { steps: Some(steps), ..Self::status(200) }
    }

    /// These bytes, and the connection is closed.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::steps(vec![Step::Send(bytes.into()), Step::Close])
    }

    /// No answer until the other side gives up.
    #[must_use]
    pub fn hang() -> Self {
        Self::steps(vec![Step::Hold])
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks (RFC 9112 7.1).
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// Sends no length: the body ends with the connection.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.framing = Framing::Bare;
        self.end = Some(Step::Close);
        self
    }

    /// Claims this `Content-Length`, right or wrong.
    #[must_use]
    pub fn claim(mut self, length: usize) -> Self {
        self.framing = Framing::Claimed(length);
        self
    }

    /// Sends only so many bytes of the body, then closes the connection.
    #[must_use]
    pub fn cut(mut self, length: usize) -> Self {
        self.cut = Some(length);
        self.end = Some(Step::Close);
        self
    }

    /// Compresses the body and says so.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.body = gzip(&self.body);
        self.header("Content-Encoding", "gzip")
    }

    /// Waits for the gate before the first byte.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.before = Some(gate.clone());
        self
    }

    /// What happens after the last byte instead of waiting for the next request.
    #[must_use]
    pub fn then(mut self, end: Step) -> Self {
        self.end = Some(end);
        self
    }

    /// Answers before the request's body is read.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// Counts the request's body instead of keeping it.
    #[must_use]
    pub fn discard(mut self) -> Self {
        self.discard = true;
        self
    }

    fn into_steps(self) -> Vec<Step> {
        if let Some(steps) = self.steps {
            return steps;
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let bodiless = self.status < 200 || matches!(self.status, 204 | 304);
        match self.framing {
            Framing::Length if bodiless => {}
            Framing::Length => head.push_str(&format!("Content-Length: {}\r\n", self.body.len())),
            Framing::Claimed(length) => head.push_str(&format!("Content-Length: {length}\r\n")),
            Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            Framing::Bare => head.push_str("Connection: close\r\n"),
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        let body = &self.body[..self.cut.unwrap_or(self.body.len()).min(self.body.len())];
        if self.framing == Framing::Chunked {
            for chunk in body.chunks(7) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            if self.cut.is_none() {
                bytes.extend(b"0\r\n\r\n");
            }
        } else {
            bytes.extend(body);
        }
        let mut steps = Vec::new();
        steps.extend(self.before.map(Step::Wait));
        steps.push(Step::Send(bytes));
        steps.extend(self.end);
        steps
    }
}

/// `data` as a gzip stream.
#[must_use]
pub fn gzip(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("memory takes every byte")
}

/// A request as the upstream got it.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// The head's exact bytes, from the method to the empty line.
    pub head: Vec<u8>,
    /// The request line.
    pub line: String,
    /// The headers in the order in which they came, names as they were written.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The body's length, also when it was not kept.
    pub length: usize,
    /// The body ended as its framing promised.
    pub complete: bool,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// Its place among the requests of all upstreams.
    pub number: usize,
}

impl Received {
    /// The values of a header, in order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&str> {
        values(&self.headers, name)
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// The request target: path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// The values of a header in a list, in order.
#[must_use]
pub fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .collect()
}

/// What answers which request.
#[derive(Clone)]
struct Rule {
    method: String,
    target: String,
    reply: Arc<dyn Fn(&Received) -> Reply + Send + Sync>,
}

/// The rules of an upstream. Rules for the same request answer one after the other; the last one stays.
#[derive(Clone, Default)]
pub struct Script(Vec<Rule>);

impl Script {
    /// No rules: everything is answered with 404 and the header `X-Unscripted`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reply. `*` as the method means any; a target that ends in `*` means everything that begins so.
    #[must_use]
    pub fn on(self, method: &str, target: &str, reply: Reply) -> Self {
        self.compute(method, target, move |_| reply.clone())
    }

    /// Adds a reply that depends on the request.
    #[must_use]
    pub fn compute(
        mut self,
        method: &str,
        target: &str,
        reply: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.0.push(Rule {
            method: method.to_owned(),
            target: target.to_owned(),
            reply: Arc::new(reply),
        });
        self
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    connections: usize,
    open: usize,
    /// Connections that a script has closed.
    closed: usize,
    /// How often each (method, target) of the script was used.
    used: HashMap<(String, String), usize>,
}

struct Shared {
    script: Script,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let out = change(&mut self.lock());
        self.changed.notify_all();
        out
    }

    fn reply(&self, request: &Received) -> Reply {
        let fits = |rule: &&Rule| {
            (rule.method == "*" || rule.method == request.method())
                && match rule.target.strip_suffix('*') {
                    Some(prefix) => request.target().starts_with(prefix),
                    None => rule.target == request.target(),
                }
        };
        let Some(first) = self.script.0.iter().find(fits) else {
            return Reply::status(404).header("X-Unscripted", "yes");
        };
        let same: Vec<&Rule> = self
            .script
            .0
            .iter()
            .filter(|rule| rule.method == first.method && rule.target == first.target)
            .collect();
        let turn = self.update(|state| {
            let used = state.used.entry((first.method.clone(), first.target.clone())).or_default();
            *used += 1;
            *used - 1
        });
        (same[turn.min(same.len() - 1)].reply)(request)
    }
}

/// A running upstream; it stops on drop.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Starts one on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(script: Script) -> Self {
        Self::spawn(script, None)
    }

    /// Starts one that speaks TLS.
    #[must_use]
    pub fn start_tls(script: Script, config: Arc<rustls::ServerConfig>) -> Self {
        Self::spawn(script, Some(config.into()))
    }

    fn spawn(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let shared =
            Arc::new(Shared { script, state: Mutex::default(), changed: Condvar::default() });
        let (stop, stopped) = oneshot::channel();
        let (ready, bound) = std::sync::mpsc::channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(async move {
                    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                    let _ = ready.send(listener.local_addr().expect("a bound socket"));
                    tokio::select! {
                        () = accept(listener, shared, tls) => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        let address = bound.recv().expect("the upstream's thread binds a port");
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// What came so far; forgets it.
    #[must_use]
    pub fn take(&self) -> Vec<Received> {
        self.shared.update(|state| std::mem::take(&mut state.received))
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// Waits until `count` requests have come (their heads at least) and gives them.
    ///
    /// # Panics
    /// When they do not come.
    #[must_use]
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_until("requests", |state| state.received.len() >= count);
        self.requests()
    }

    /// Waits until `count` requests have come with their whole bodies.
    ///
    /// # Panics
    /// When they do not come.
    #[must_use]
    pub fn wait_for_complete(&self, count: usize) -> Vec<Received> {
        self.wait_until("complete requests", |state| {
            state.received.iter().filter(|r| r.complete).count() >= count
        });
        self.requests()
    }

    /// Waits until request number `index` has brought so many bytes of its body.
    ///
    /// # Panics
    /// When they do not come.
    pub fn wait_for_bytes(&self, index: usize, length: usize) {
        self.wait_until("bytes of a body", |state| {
            state.received.get(index).is_some_and(|r| r.length >= length)
        });
    }

    /// Waits until scripts have closed so many connections.
    ///
    /// # Panics
    /// When they do not.
    pub fn wait_for_closed(&self, count: usize) {
        self.wait_until("connections to close", |state| state.closed >= count);
    }

    /// Waits until no connection is open.
    ///
    /// # Panics
    /// When connections stay open.
    pub fn wait_for_hang_up(&self) {
        self.wait_until("closed connections", |state| state.open == 0);
    }

    fn wait_until(&self, what: &str, done: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the upstream waited in vain for {what}: {:#?}",
                state.received
            );
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A port where nobody listens: connections are refused as long as this lives, and nobody else can get the port.
pub struct Dead {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Dead {
    /// Binds a port without listening on it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it takes a port")]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        Self { address: socket.local_addr().expect("a bound socket"), _socket: socket }
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What a connection must offer.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Makes the coming close a reset.
    fn abort(&self);
}

impl Stream for TcpStream {
    fn abort(&self) {
        let _ = socket2::SockRef::from(self).set_linger(Some(std::time::Duration::ZERO));
    }
}

impl Stream for TlsStream<TcpStream> {
    fn abort(&self) {
        self.get_ref().0.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let tls = tls.clone();
        tokio::spawn(async move {
            let number = shared.update(|state| {
                state.connections += 1;
                state.open += 1;
                state.connections - 1
            });
            match tls {
                None => Connection::new(stream, number, &shared).serve().await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        Connection::new(stream, number, &shared).serve().await;
                    }
                }
            }
            shared.update(|state| state.open -= 1);
        });
    }
}

struct Connection<'a, S> {
    stream: S,
    buffer: Vec<u8>,
    number: usize,
    shared: &'a Shared,
}

impl<'a, S: Stream> Connection<'a, S> {
    fn new(stream: S, number: usize, shared: &'a Shared) -> Self {
        Self { stream, buffer: Vec::new(), number, shared }
    }

    async fn serve(mut self) {
        while let Some(request) = self.head().await {
            let reply = self.shared.reply(&request);
            let index = self.shared.update(|state| {
                state.received.push(request.clone());
                state.received.len() - 1
            });
            if !reply.early && !self.body(&request, index, reply.discard).await {
                return;
            }
            for step in reply.into_steps() {
                if !self.step(step).await {
                    return;
                }
            }
        }
    }

    /// Does one step; false when the connection is over.
    async fn step(&mut self, step: Step) -> bool {
        match step {
            Step::Send(bytes) => self.send(&bytes).await,
            Step::Repeat(bytes, times) => {
                for _ in 0..times {
                    if !self.send(&bytes).await {
                        return false;
                    }
                }
                true
            }
            Step::Wait(gate) => {
                gate.wait().await;
                true
            }
            Step::Hold => {
                while self.fill().await {}
                false
            }
            Step::Close => {
                let _ = self.stream.shutdown().await;
                self.shared.update(|state| state.closed += 1);
                // Closing a socket with unread bytes would be a reset.
                while self.fill().await {
                    self.buffer.clear();
                }
                false
            }
            Step::Reset => {
                self.stream.abort();
                false
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(n) if n > 0)
    }

    async fn head(&mut self) -> Option<Received> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill().await {
                return None;
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let number = ARRIVED.fetch_add(1, Ordering::Relaxed);
        let connection = self.number;
        Some(Received { head, line, headers, connection, number, ..Received::default() })
    }

    /// Reads the request's body into the log; false when it breaks off.
    async fn body(&mut self, request: &Received, index: usize, discard: bool) -> bool {
        let chunked = request.values("transfer-encoding").contains(&"chunked");
        let complete = if chunked {
            self.chunks(index, discard).await
        } else {
            let length = request
                .values("content-length")
                .first()
                .and_then(|value| value.parse().ok())
                .unwrap_or(0);
            self.exactly(length, index, discard).await
        };
        if complete {
            self.record(index, |received| received.complete = true);
        }
        complete
    }

    async fn exactly(&mut self, mut left: usize, index: usize, discard: bool) -> bool {
        while left > 0 {
            if self.buffer.is_empty() && !self.fill().await {
                return false;
            }
            let part: Vec<u8> = self.buffer.drain(..left.min(self.buffer.len())).collect();
            left -= part.len();
            self.record(index, |received| {
                received.length += part.len();
                if !discard {
                    received.body.extend(part);
                }
            });
        }
        true
    }

    async fn chunks(&mut self, index: usize, discard: bool) -> bool {
        loop {
            let Some(line) = self.text_line().await else { return false };
            let size = line.split(';').next().unwrap_or_default();
            let Ok(size) = usize::from_str_radix(size.trim(), 16) else { return false };
            if size == 0 {
                // Trailers, up to the empty line.
                while let Some(line) = self.text_line().await {
                    if line.is_empty() {
                        return true;
                    }
                }
                return false;
            }
            if !self.exactly(size, index, discard).await || self.text_line().await.is_none() {
                return false;
            }
        }
    }

    async fn text_line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Some(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Changes the log's entry, unless the test has taken it meanwhile.
    fn record(&self, index: usize, change: impl FnOnce(&mut Received)) {
        self.shared.update(|state| {
            if let Some(received) = state.received.get_mut(index) {
                change(received);
            }
        });
    }
}
