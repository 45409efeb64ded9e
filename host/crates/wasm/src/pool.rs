//! Warm instances of one plugin, kept apart by worker so that workers never wait for each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use torana_core::worker;

use crate::{
    component::Loaded,
    instance::{CallError, Exports, Instance},
    plugin::Facts,
};

/// Calls after which an instance is replaced: bounds what a leak in a guest can cost.
const USES: u32 = 1_000;
/// Instances of one plugin that one worker may have in use.
const PER_WORKER: usize = 16;

/// See the module. Also makes the instances of plugins that want a new one for each call.
pub(crate) struct Pool {
    slots: Box<[Slot]>,
    keep: bool,
    exports: Exports,
    facts: Arc<Facts>,
    loaded: Arc<Loaded>,
}

/// A worker's part, on cache lines of its own. The lock is taken for a push or pop; only workers beyond the number of
/// cores share one.
#[repr(align(128))]
#[derive(Default)]
struct Slot(Mutex<Worker>);

#[derive(Default)]
struct Worker {
    idle: Vec<Instance>,
    in_use: usize,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Worker> {
        // A panic elsewhere cannot leave this half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An instance in use.
pub(crate) struct Lease<'a> {
    instance: Option<Instance>,
    slot: &'a Slot,
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

    /// The component.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// An instance of this worker, warm if there is one.
    ///
    /// # Errors
    /// [`CallError::Busy`] if too many are in use; else what the guest's start reports.
    pub(crate) fn take(&self) -> Result<Lease<'_>, CallError> {
        let slot = &self.slots[worker::index() % self.slots.len()];
        let idle = {
            let mut worker = slot.lock();
            if worker.in_use >= PER_WORKER {
                return Err(CallError::Busy);
            }
            worker.in_use += 1;
            worker.idle.pop()
        };
        // From here on the drop of the lease counts down again, also when a guest's start fails or the host panics.
        let mut lease = Lease { instance: idle, slot };
        if lease.instance.is_none() {
            let (instance, _) = Instance::new(&self.loaded, &self.facts, self.exports)?;
            lease.instance = Some(instance);
        }
        Ok(lease)
    }

    /// Ends a lease; the instance is kept for the next call if it is fit for it.
    pub(crate) fn give_back(&self, mut lease: Lease<'_>, fit: bool) {
        let instance =
            lease.instance.take().filter(|instance| self.keep && fit && instance.uses() < USES);
        if let Some(instance) = instance {
            lease.slot.lock().idle.push(instance);
        }
    }
}

impl Lease<'_> {
    /// The instance; there until the lease ends.
    pub(crate) fn instance(&mut self) -> Option<&mut Instance> {
        self.instance.as_mut()
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.slot.lock().in_use -= 1;
    }
}
