//! The access log: one line per request, written by hand into a buffer of the worker that served it.
//!
//! A buffer is handed to the [`Sink`] when it is full, and at the latest 50 ms after its first line. Once buffers are
//! warm a line costs no allocation, and its lock is contended only at the moment the sink's thread empties the buffer.

mod line;

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use torana_core::{ports::AccessSink, worker};

use crate::{AccessFormat, LogConfig, Sink, escape, sink, sink::Source};
use line::{Clock, Style};

/// A buffer with this many bytes goes to the sink.
const FULL: usize = 32 * 1024;

/// Room that a buffer keeps: a full one and one line of the longest kind, with every byte escaped.
const KEPT: usize = FULL + 8 * escape::LONGEST;

pub use torana_core::ports::AccessEntry;

/// An access log with one buffer for each worker.
#[derive(Debug)]
pub struct AccessLog {
    buffers: Arc<Buffers>,
    sink: Arc<Sink>,
}

#[derive(Debug)]
struct Buffers {
    slots: Box<[Slot]>,
    style: Style,
}

/// A line of cache each: workers do not slow each other down.
#[derive(Debug)]
#[repr(align(128))]
struct Slot(Mutex<Buffer>);

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    lines: u64,
    clock: Clock,
}

impl AccessLog {
    /// The access log on the standard output: text on a terminal, JSON elsewhere, or as the configuration says.
    #[must_use]
    pub fn stdout(config: &LogConfig, workers: usize) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let style = match config.access_log_format {
            AccessFormat::Json => Style::Json,
            AccessFormat::Auto if !terminal => Style::Json,
            AccessFormat::Auto | AccessFormat::Default => Style::Text { colour },
        };
        Self::with_style(sink::stdout().clone(), style, workers)
    }

    /// An access log in JSON on any sink.
    #[must_use]
    pub fn json(sink: Arc<Sink>, workers: usize) -> Self {
        Self::with_style(sink, Style::Json, workers)
    }

    /// An access log in text without colours on any sink.
    #[must_use]
    pub fn text(sink: Arc<Sink>, workers: usize) -> Self {
        Self::with_style(sink, Style::Text { colour: false }, workers)
    }

    fn with_style(sink: Arc<Sink>, style: Style, workers: usize) -> Self {
        let slots = (0..workers.max(1)).map(|_| Slot(Mutex::default())).collect();
        let buffers = Arc::new(Buffers { slots, style });
        let source: Arc<dyn Source> = buffers.clone();
        sink.add_source(Arc::downgrade(&source) as Weak<dyn Source>);
        Self { buffers, sink }
    }

    /// Writes the line of one request. Never waits for the output.
    pub fn record(&self, entry: &AccessEntry<'_>) {
        let slots = &self.buffers.slots;
        let mut buffer = slots[worker::index() % slots.len()].lock();
        let first = buffer.bytes.is_empty();
        let Buffer { bytes, lines, clock } = &mut *buffer;
        self.buffers.style.write(entry, clock, bytes);
        *lines += 1;
        if bytes.len() >= FULL {
            self.sink.push(bytes, *lines);
            buffer.empty();
        } else if first {
            drop(buffer);
            self.sink.soon();
        }
    }

    /// Waits until all lines are written, at most for `limit`. False if that was too short.
    pub fn flush(&self, limit: Duration) -> bool {
        self.sink.flush(limit)
    }
}

impl AccessSink for AccessLog {
    fn record(&self, entry: &AccessEntry<'_>) {
        Self::record(self, entry);
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        for slot in &self.buffers.slots {
            let mut buffer = slot.lock();
            if !buffer.bytes.is_empty() {
                self.sink.push(&buffer.bytes, buffer.lines);
                buffer.empty();
            }
        }
    }
}

impl Source for Buffers {
    fn drain(&self, chunk: &mut Vec<u8>) {
        for slot in &self.slots {
            let mut buffer = slot.lock();
            chunk.extend_from_slice(&buffer.bytes);
            buffer.empty();
        }
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn empty(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.lines = 0;
    }
}

#[cfg(test)]
mod tests;
