//! Which worker thread this is. Each worker owns a runtime, a listener, connections and plugin instances, so that
//! requests of different workers share nothing that must be locked.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// 0 until somebody says how many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

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

/// Says how many workers there will be, before anything is built that is shared out among them.
pub fn set_count(count: usize) {
    COUNT.store(count, Ordering::Relaxed);
}

/// How many workers there are: as many as processors, unless [`set_count`] said otherwise.
#[must_use]
pub fn count() -> usize {
    match COUNT.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}
