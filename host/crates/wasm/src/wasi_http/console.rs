//! Standard output and error of a guest, which become log lines.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::{
    output::{Output, Stream},
    plugin::Facts,
};

/// How many bytes a guest may print at once.
const CHUNK: usize = 4096;

/// What a guest has said. Shared with the streams that the guest holds.
pub(super) struct Console {
    facts: Arc<Facts>,
    request_id: u64,
    output: Mutex<Output>,
}

impl Console {
    /// For the guest of one request.
    pub(super) fn new(facts: Arc<Facts>, request_id: u64) -> Self {
        Self { facts, request_id, output: Mutex::default() }
    }

    /// The end of what it has printed to standard error.
    pub(super) fn last_words(&self) -> String {
        self.lock().last_words()
    }

    fn lock(&self) -> MutexGuard<'_, Output> {
        // A panic elsewhere cannot leave this half changed.
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the two streams.
#[derive(Clone)]
pub(super) struct Printer {
    pub(super) console: Arc<Console>,
    pub(super) stream: Stream,
}

impl Printer {
    fn print(&self, bytes: &[u8]) {
        let Console { facts, request_id, .. } = &*self.console;
        self.console.lock().print(facts, *request_id, self.stream, bytes);
    }
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Printer {
    /// Nothing here ever waits.
    async fn ready(&mut self) {}
}

impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for Printer {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
