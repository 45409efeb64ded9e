//! Idle connections of one peer, kept by the worker that opened them: the last one returned is the first one taken, so
//! that what is not needed grows old and goes.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use torana_core::worker;

use super::connection::Connection;

/// How often idle connections are looked at that have no time limit: closed ones must not pile up.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// The limit for idle connections of all peers together.
pub(super) struct IdleBudget {
    limit: usize,
    used: AtomicUsize,
}

impl IdleBudget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    fn acquire(self: &Arc<Self>) -> Option<IdleSlot> {
        // Relaxed: a counter that guards no other memory.
        let slot = IdleSlot(Arc::clone(self));
        (self.used.fetch_add(1, Ordering::Relaxed) < self.limit).then_some(slot)
    }
}

/// One place of an [`IdleBudget`].
struct IdleSlot(Arc<IdleBudget>);

impl Drop for IdleSlot {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Idle {
    connection: Connection,
    /// Since when; not asked for without a time limit.
    since: Option<Instant>,
    _slot: Option<IdleSlot>,
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Idle>,
    reaping: bool,
}

/// See the module.
pub(super) struct Pool {
    /// One per worker. A worker's lock is taken by others only when there are more workers than shelves.
    shelves: Box<[Mutex<Shelf>]>,
    most: usize,
    idle_timeout: Option<Duration>,
    budget: Option<Arc<IdleBudget>>,
}

impl Pool {
    /// A pool for at most `most` idle connections, which the workers share out evenly.
    pub(super) fn new(
        most: usize,
        idle_timeout: Option<Duration>,
        budget: Option<Arc<IdleBudget>>,
    ) -> Arc<Self> {
        let workers = worker::count();
        Arc::new(Self {
            shelves: (0..workers).map(|_| Mutex::default()).collect(),
            most: most.div_ceil(workers),
            idle_timeout,
            budget,
        })
    }

    fn shelf(&self, worker: usize) -> MutexGuard<'_, Shelf> {
        let index = worker % self.shelves.len();
        // What a panicking thread left behind is still a list of connections.
        self.shelves[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last connection returned on which nothing has happened since.
    pub(super) fn take(&self) -> Option<Connection> {
        let worker = worker::index();
        loop {
            let mut idle = self.shelf(worker).idle.pop()?;
            if self.is_usable(&mut idle) {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection whose last exchange ended cleanly. Must be called inside a runtime.
    pub(super) fn put(self: &Arc<Self>, mut connection: Connection) {
        connection.release_buffer();
        let slot = match &self.budget {
            None => None,
            Some(budget) => match budget.acquire() {
                Some(slot) => Some(slot),
                None => return,
            },
        };
        let idle =
            Idle { connection, since: self.idle_timeout.map(|_| Instant::now()), _slot: slot };
        let worker = worker::index();
        let mut shelf = self.shelf(worker);
        if shelf.idle.len() >= self.most {
            return;
        }
        shelf.idle.push(idle);
        let reap = !std::mem::replace(&mut shelf.reaping, true);
        drop(shelf);
        if reap {
            tokio::spawn(reap_shelf(Reaping { pool: Arc::downgrade(self), worker }));
        }
    }

    /// How many connections are idle, all workers together.
    pub(super) fn idle(&self) -> usize {
        (0..self.shelves.len()).map(|worker| self.shelf(worker).idle.len()).sum()
    }

    fn is_usable(&self, idle: &mut Idle) -> bool {
        let expired = match (idle.since, self.idle_timeout) {
            (Some(since), Some(limit)) => since.elapsed() >= limit,
            _ => false,
        };
        !expired && idle.connection.is_quiet()
    }

    /// Drops what is too old or closed; false if nothing is left.
    fn reap(&self, worker: usize) -> bool {
        let mut idle = std::mem::take(&mut self.shelf(worker).idle);
        idle.retain_mut(|idle| self.is_usable(idle));
        let mut shelf = self.shelf(worker);
        // Whatever was returned meanwhile is younger and belongs on top.
        idle.append(&mut shelf.idle);
        shelf.idle = idle;
        !shelf.idle.is_empty()
    }
}

/// Marks a shelf as looked after; its end, however it comes, marks it as free.
struct Reaping {
    pool: Weak<Pool>,
    worker: usize,
}

impl Drop for Reaping {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.shelf(self.worker).reaping = false;
        }
    }
}

async fn reap_shelf(reaping: Reaping) {
    loop {
        let interval = match reaping.pool.upgrade() {
            Some(pool) => pool.idle_timeout.map_or(LOOK_INTERVAL, |limit| limit.min(LOOK_INTERVAL)),
            None => return,
        };
        tokio::time::sleep(interval).await;
        match reaping.pool.upgrade() {
            Some(pool) if pool.reap(reaping.worker) => {}
            _ => return,
        }
    }
}
