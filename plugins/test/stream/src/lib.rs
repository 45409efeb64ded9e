//! Upper-cases bodies as they stream past, and fails or counts as its configuration says.

use std::cell::Cell;

use serde::Deserialize;
use torana_plugin::{Chunk, Plugin, Result, export};

struct Stream {
    config: Config,
    seen: Cell<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    fail_at: Option<u64>,
    trap_at: Option<u64>,
    count: bool,
}

impl Stream {
    fn chunk(&self, mut chunk: Chunk) -> Result<Vec<u8>> {
        let seen = self.seen.get() + chunk.bytes.len() as u64;
        // The next body begins from nothing.
        self.seen.set(if chunk.last { 0 } else { seen });
        if self.config.fail_at.is_some_and(|at| seen >= at) {
            return Err(format!("{seen} bytes are enough").into());
        }
        assert!(self.config.trap_at.is_none_or(|at| seen < at), "{seen} bytes are too many");
        chunk.bytes.make_ascii_uppercase();
        if chunk.last && self.config.count {
            chunk.bytes.extend_from_slice(format!("[{seen}]").as_bytes());
        }
        Ok(chunk.bytes)
    }
}

impl Plugin for Stream {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self { config, seen: Cell::new(0) })
    }

    fn on_request_body(&self, chunk: Chunk) -> Result<Vec<u8>> {
        self.chunk(chunk)
    }

    fn on_response_body(&self, chunk: Chunk) -> Result<Vec<u8>> {
        self.chunk(chunk)
    }
}

export!(Stream: on_request_body, on_response_body);
