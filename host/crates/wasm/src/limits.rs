//! How much memory an instance may have.

use wasmtime::ResourceLimiter;

/// Entries of one table; function tables of large guests (Python) have some tens of thousands.
pub(crate) const TABLE_ENTRIES: usize = 50_000;

/// Counts the linear memories of one instance together.
#[derive(Debug)]
pub(crate) struct Memory {
    max: usize,
    used: usize,
    refused: bool,
}

impl Memory {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, used: 0, refused: false }
    }

    /// Bytes of all memories.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// A call begins: what an earlier one was refused, and went on without, is no reason of this one's end.
    pub(crate) fn begin_call(&mut self) {
        self.refused = false;
    }

    /// Whether the guest has asked for more than it may have, since the call began.
    pub(crate) fn was_refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.max {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ENTRIES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).expect("never an error"));
        assert!(memory.memory_growing(0, 40, None).expect("never an error"));
        assert!(!memory.was_refused());
        assert!(!memory.memory_growing(40, 41, None).expect("never an error"));
        assert!(memory.was_refused());
        memory.begin_call();
        assert!(!memory.was_refused());
    }
}
