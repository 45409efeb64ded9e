//! What a guest says: log lines, and its standard output and error.

use crate::{
    host::clock,
    plugin::Facts,
    rate::{self, Verdict},
};

/// Lines that one call may log; a guest that floods the log is cut off.
const LINES_PER_CALL: u32 = 100;
/// Bytes of one line.
const LINE: usize = 4096;
/// Bytes that are kept of the last words on standard error, for the report of a trap.
const LAST_WORDS: usize = 1024;

/// How loud a line is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// What a guest has said in the running call.
#[derive(Debug, Default)]
pub(crate) struct Output {
    lines: u32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_words: Vec<u8>,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Whether a line about a plugin is still one that its rate allows.
pub(crate) fn may_log(facts: &Facts) -> bool {
    match facts.log_rate.line(clock::monotonic()) {
        Verdict::Write => true,
        Verdict::Drop => false,
        Verdict::Report(dropped) => {
            tracing::warn!(
                plugin = %facts.name,
                dropped,
                "the plugin logs more than {} lines a second", rate::LINES
            );
            false
        }
    }
}

impl Output {
    /// Starts a call.
    pub(crate) fn start(&mut self) {
        self.lines = 0;
        self.last_words.clear();
    }

    /// Writes one line into the gateway's log.
    pub(crate) fn log(&mut self, facts: &Facts, request_id: u64, level: Level, message: &str) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > LINES_PER_CALL {
            if self.lines == LINES_PER_CALL + 1 {
                tracing::warn!(plugin = %facts.name, request_id, "too many log lines in one call");
            }
            return;
        }
        if !may_log(facts) {
            return;
        }
        let mut end = message.len().min(LINE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let message = &message[..end];
        let plugin = &*facts.name;
        match level {
            Level::Trace => tracing::trace!(plugin, request_id, "{message}"),
            Level::Debug => tracing::debug!(plugin, request_id, "{message}"),
            Level::Info => tracing::info!(plugin, request_id, "{message}"),
            Level::Warn => tracing::warn!(plugin, request_id, "{message}"),
            Level::Error => tracing::error!(plugin, request_id, "{message}"),
        }
    }

    /// Takes what a guest prints. Lines are logged if the plugin may log; the end of standard error is kept in any
    /// case, as it says why a guest panics.
    pub(crate) fn print(&mut self, facts: &Facts, request_id: u64, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Err {
            self.last_words.extend_from_slice(bytes);
            let excess = self.last_words.len().saturating_sub(LAST_WORDS);
            self.last_words.drain(..excess);
        }
        if !facts.grants.log {
            return;
        }
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let buffer = if stream == Stream::Out { &mut self.stdout } else { &mut self.stderr };
            let room = LINE.saturating_sub(buffer.len());
            buffer.extend_from_slice(&piece[..piece.len().min(room)]);
            if !piece.ends_with(b"\n") {
                continue;
            }
            let line = std::mem::take(buffer);
            let level = if stream == Stream::Out { Level::Info } else { Level::Warn };
            self.log(facts, request_id, level, String::from_utf8_lossy(&line).trim_end());
        }
    }

    /// The end of what the call has printed to standard error.
    pub(crate) fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.last_words).trim().to_owned()
    }
}
