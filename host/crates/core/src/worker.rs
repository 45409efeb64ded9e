//! Which worker thread this is. Each worker owns a runtime, a listener, connections and plugin instances, so that
//! requests of different workers share nothing that must be locked.

use std::cell::Cell;

thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(0) };
}

/// Names this thread as worker `index`. Called once by each worker before it serves.
pub fn enter(index: usize) {
    INDEX.with(|cell| cell.set(index));
}

/// The index of this thread's worker; 0 outside of workers.
#[must_use]
pub fn index() -> usize {
    INDEX.with(Cell::get)
}
