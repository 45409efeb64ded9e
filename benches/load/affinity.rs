//! Which processors the measured process may use, and which everything else.

use rustix::{
    io,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// The processors of both sides; `None` leaves all to all.
pub(crate) struct Affinity(Option<Split>);

struct Split {
    measured: CpuSet,
    others: CpuSet,
}

impl Affinity {
    /// All processors for everybody.
    pub(crate) fn free() -> Self {
        Self(None)
    }

    /// The last processor for what is measured. Confines this thread, and those that it starts, to the others; with a
    /// single processor nothing is confined.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn pinned() -> io::Result<Self> {
        let mut others = sched_getaffinity(None)?;
        let last = (0..CpuSet::MAX_CPU).rev().find(|&cpu| others.is_set(cpu));
        let (Some(last), 2..) = (last, others.count()) else { return Ok(Self::free()) };
        let mut measured = CpuSet::new();
        measured.set(last);
        others.unset(last);
        sched_setaffinity(None, &others)?;
        Ok(Self(Some(Split { measured, others })))
    }

    /// Does something with the processors of the measured side: a process started meanwhile stays there.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn of_measured<T>(&self, act: impl FnOnce() -> T) -> io::Result<T> {
        let Some(split) = &self.0 else { return Ok(act()) };
        sched_setaffinity(None, &split.measured)?;
        let done = act();
        sched_setaffinity(None, &split.others)?;
        Ok(done)
    }
}
