//! Warm instances of one plugin, kept apart by worker so that workers never wait for each other.

use std::{
    ops::{Add, Deref},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};
use torana_core::worker;

use crate::{
    component::{Hook, Loaded},
    figures::{Figures, Served},
    instance::{CallError, Exports, Instance},
    plugin::{Facts, Plugin},
};

/// How long a request waits for an instance.
const PATIENCE: Duration = Duration::from_secs(1);

/// See the module. Also makes the instances of plugins that want a new one for each call.
pub(crate) struct Pool {
    slots: Box<[Slot]>,
    keep: bool,
    exports: Exports,
    facts: Arc<Facts>,
    loaded: Arc<Loaded>,
}

/// A worker's part, on cache lines of its own. The lock is taken for a push or pop; only workers beyond the number of
/// cores share one, and calls that have moved away from their worker.
#[repr(align(128))]
#[derive(Default)]
struct Slot {
    worker: Mutex<Worker>,
    freed: Notify,
}

#[derive(Default)]
struct Worker {
    idle: Vec<Instance>,
    in_use: usize,
    waiting: usize,
    figures: Figures,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Worker> {
        // A panic elsewhere cannot leave this half changed.
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a pool holds at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) idle: usize,
    pub(crate) in_use: usize,
    pub(crate) waiting: usize,
}

impl Add for Use {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            idle: self.idle + other.idle,
            in_use: self.in_use + other.in_use,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// An instance in use. `P` is how it reaches its plugin: a borrow for calls that stay on their worker.
pub(crate) struct Lease<P: Deref<Target = Plugin>> {
    instance: Option<Instance>,
    slot: usize,
    plugin: P,
    released: bool,
}

impl Pool {
    /// A pool without instances; `keep` false makes a new one for each call.
    pub(crate) fn new(
        loaded: Arc<Loaded>,
        facts: Arc<Facts>,
        exports: Exports,
        keep: bool,
    ) -> Self {
        let workers = worker::count();
        let slots = (0..workers).map(|_| Slot::default()).collect();
        Self { slots, keep, exports, facts, loaded }
    }

    /// Takes an instance that has served nobody yet.
    pub(crate) fn give(&self, instance: Instance) {
        if self.keep {
            let mut worker = self.slots[0].lock();
            worker.idle.push(instance);
            worker.figures.made += 1;
        }
    }

    /// The component.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Counts a call that was not made, or a request that goes on without the plugin.
    pub(crate) fn count(&self, work: impl FnOnce(&mut Figures)) {
        work(&mut self.slots[self.slot()].lock().figures);
    }

    /// What all workers have counted together.
    pub(crate) fn figures(&self) -> Figures {
        let mut sum = Figures::default();
        self.slots.iter().for_each(|slot| sum.add(&slot.lock().figures));
        sum
    }

    /// Instances of all workers.
    pub(crate) fn used(&self) -> Use {
        self.slots.iter().fold(Use::default(), |sum, slot| {
            let Worker { idle, in_use, waiting, .. } = &*slot.lock();
            sum + Use { idle: idle.len(), in_use: *in_use, waiting: *waiting }
        })
    }

    fn slot(&self) -> usize {
        worker::index() % self.slots.len()
    }
}

impl Pool {
    /// A place for one more instance in use, with a warm one if there is; `None` if all places are taken.
    fn reserve(&self, slot: usize) -> Option<Option<Instance>> {
        let mut worker = self.slots[slot].lock();
        if worker.in_use >= self.facts.limits.instances {
            return None;
        }
        worker.in_use += 1;
        let idle = worker.idle.pop();
        worker.figures.made += u64::from(idle.is_none());
        Some(idle)
    }

    /// Waits for a place, in a queue of bounded length.
    async fn queue(&self, slot: usize) -> Result<Option<Instance>, CallError> {
        let slot_of = &self.slots[slot];
        {
            let mut worker = slot_of.lock();
            if worker.waiting >= self.facts.limits.queue {
                return Err(CallError::Busy);
            }
            worker.waiting += 1;
            worker.figures.queued += 1;
        }
        let _waiting = Waiting(slot_of);
        let place = async {
            loop {
                let freed = slot_of.freed.notified();
                if let Some(place) = self.reserve(slot) {
                    return place;
                }
                freed.await;
            }
        };
        timeout(PATIENCE, place).await.map_err(|_| CallError::Busy)
    }
}

/// A request in the queue; leaves it in any case.
struct Waiting<'a>(&'a Slot);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

impl<P: Deref<Target = Plugin>> Lease<P> {
    /// An instance of this worker, warm if there is one; `None` if too many are in use.
    ///
    /// # Errors
    /// What the guest's start reports.
    pub(crate) fn take(plugin: P) -> Result<Option<Self>, CallError> {
        let slot = plugin.pool.slot();
        let place = plugin.pool.reserve(slot);
        place.map(|idle| Self::start(plugin, slot, idle)).transpose()
    }

    /// As [`Lease::take`], but waits in the queue for an instance to become free.
    ///
    /// # Errors
    /// [`CallError::Busy`] if the queue is full, or nothing becomes free in time; else what the guest's start reports.
    pub(crate) async fn wait(plugin: P) -> Result<Self, CallError> {
        let slot = plugin.pool.slot();
        let idle = match plugin.pool.reserve(slot) {
            Some(idle) => idle,
            None => plugin.pool.queue(slot).await?,
        };
        Self::start(plugin, slot, idle)
    }

    /// As [`Lease::wait`], but only a place: for an instance that the pool neither makes nor keeps.
    ///
    /// # Errors
    /// [`CallError::Busy`].
    pub(crate) async fn place(plugin: P) -> Result<Self, CallError> {
        let slot = plugin.pool.slot();
        if plugin.pool.reserve(slot).is_none() {
            plugin.pool.queue(slot).await?;
        }
        Ok(Self { instance: None, slot, plugin, released: false })
    }

    /// Ends the lease of a [`Lease::place`] after the call.
    pub(crate) fn leave(mut self, hook: Hook, served: &Served) {
        self.release(false, |figures| figures.served(hook, served));
    }

    fn start(plugin: P, slot: usize, idle: Option<Instance>) -> Result<Self, CallError> {
        // From here on the drop of the lease counts down again, also when a guest's start fails or the host panics.
        let mut lease = Self { instance: idle, slot, plugin, released: false };
        if lease.instance.is_none() {
            let pool = &lease.plugin.pool;
            let (instance, _) = Instance::new(&pool.loaded, &pool.facts, pool.exports)?;
            lease.instance = Some(instance);
        }
        Ok(lease)
    }

    /// The instance.
    pub(crate) fn instance(&mut self) -> &mut Instance {
        self.instance.as_mut().expect("a lease has its instance until it ends")
    }

    /// The plugin.
    pub(crate) fn plugin(&self) -> &P {
        &self.plugin
    }

    /// Counts a call of a hook that the instance has just served, and will serve more of.
    pub(crate) fn count(&mut self, hook: Hook) {
        let served = self.instance().served();
        self.plugin.pool.slots[self.slot].lock().figures.served(hook, &served);
    }

    /// Ends the lease after a call; the instance is kept for the next one if it is fit for it: an error that the hook
    /// reports is an ordinary end, all others kill it.
    pub(crate) fn end<T>(mut self, hook: Hook, outcome: &Result<T, CallError>) {
        let served = self.instance().served();
        let fit = matches!(outcome, Ok(_) | Err(CallError::Hook(_)));
        self.release(fit, |figures| figures.served(hook, &served));
    }

    /// Gives an instance back that is fit for the next call.
    pub(crate) fn give_back(mut self) {
        self.release(true, |_| ());
    }

    /// Everything that ends a lease, under one lock.
    fn release(&mut self, fit: bool, count: impl FnOnce(&mut Figures)) {
        self.released = true;
        let keep = fit && self.plugin.pool.keep;
        let kept = self.instance.take_if(|instance| keep && !instance.is_worn());
        let slot = &self.plugin.pool.slots[self.slot];
        let waiting = {
            let mut worker = slot.lock();
            count(&mut worker.figures);
            worker.idle.extend(kept);
            worker.in_use -= 1;
            worker.waiting
        };
        if waiting > 0 {
            slot.freed.notify_one();
        }
    }
}

impl<P: Deref<Target = Plugin>> Drop for Lease<P> {
    fn drop(&mut self) {
        if !self.released {
            self.release(false, |_| ());
        }
    }
}
