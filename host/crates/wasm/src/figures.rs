//! What a plugin has done: counted by each worker for itself, under the lock that it takes anyway.

use std::time::Duration;

use crate::{component::Hook, host::HostCalls, instance::CallError};

/// What a hook of a plugin has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HookFigures {
    /// Calls that were made, including those that failed.
    pub(crate) calls: u64,
    /// Failures by kind, in the order of [`Failure::ALL`], also of calls that could not be made.
    pub(crate) failures: [u64; Failure::ALL.len()],
    /// Requests that went on without the plugin after it had failed.
    pub(crate) bypasses: u64,
    /// Time from the beginning to the end of calls. A part of them is timed, see [`weight`], and every long one.
    pub(crate) wall: Duration,
    /// Of that, time in which guests ran.
    pub(crate) cpu: Duration,
}

/// One in how many calls is timed: two looks at a clock cost a tenth of a call.
const SAMPLE: u32 = 16;

/// For how many calls the time of an instance's next one stands, `uses` calls after its start; `None` if it is not timed.
pub(crate) fn weight(uses: u32) -> Option<u32> {
    match uses {
        // The first ones each, so that figures are right for plugins with few calls, too.
        0..SAMPLE => Some(1),
        _ => uses.is_multiple_of(SAMPLE).then_some(SAMPLE),
    }
}

/// Kinds of failed calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The hook reported an error.
    Hook,
    /// The time limit was exceeded.
    Time,
    /// The memory limit was exceeded.
    Memory,
    /// The guest trapped.
    Trap,
    /// No instance was free in time.
    Busy,
    /// The guest's answer was not valid.
    Answer,
    /// The plugin is switched off because it kept failing.
    Tripped,
}

impl Failure {
    /// All kinds.
    pub(crate) const ALL: [Self; 7] =
        [Self::Hook, Self::Time, Self::Memory, Self::Trap, Self::Busy, Self::Answer, Self::Tripped];

    /// The word for it in metrics.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Trap => "trap",
            Self::Busy => "busy",
            Self::Answer => "answer",
            Self::Tripped => "tripped",
        }
    }

    pub(crate) fn of(error: &CallError) -> Self {
        match error {
            CallError::Hook(_) => Self::Hook,
            CallError::Time(..) => Self::Time,
            CallError::Memory(..) => Self::Memory,
            CallError::Trap(..) => Self::Trap,
            CallError::Busy => Self::Busy,
            CallError::Answer(_) => Self::Answer,
            CallError::Tripped => Self::Tripped,
        }
    }

    /// Whether it is the plugin's fault and may trip it: a hook that reports an error works as it should.
    pub(crate) fn is_fault(self) -> bool {
        matches!(self, Self::Time | Self::Memory | Self::Trap)
    }
}

impl HookFigures {
    /// Counts a call.
    pub(crate) fn add(&mut self, took: Took) {
        self.calls += 1;
        self.wall += took.wall;
        self.cpu += took.cpu;
    }
}

/// What one call took; nothing if it was not timed, and for those that it stands for if it was.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// What is to be counted of one call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Served {
    pub(crate) took: Took,
    /// Bytes that its instance has now.
    pub(crate) memory: usize,
    pub(crate) host_calls: HostCalls,
}

/// What a plugin has done, by hook, and what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) hooks: [HookFigures; Hook::ALL.len()],
    /// Instances that were made.
    pub(crate) made: u64,
    /// Requests that had to wait for an instance.
    pub(crate) queued: u64,
    /// The most memory that an instance has had, in bytes.
    pub(crate) memory_high: usize,
    /// What instances have asked of the host.
    pub(crate) host_calls: HostCalls,
}

impl Figures {
    /// A hook's part.
    pub(crate) fn hook(&mut self, hook: Hook) -> &mut HookFigures {
        &mut self.hooks[hook as usize]
    }

    /// Counts a call.
    pub(crate) fn served(&mut self, hook: Hook, served: &Served) {
        self.memory_high = self.memory_high.max(served.memory);
        self.hook(hook).add(served.took);
        self.ask(&served.host_calls);
    }

    fn ask(&mut self, host_calls: &HostCalls) {
        self.host_calls.iter_mut().zip(host_calls).for_each(|(sum, calls)| *sum += calls);
    }

    /// Adds another worker's.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, others) in self.hooks.iter_mut().zip(&other.hooks) {
            mine.calls += others.calls;
            mine.bypasses += others.bypasses;
            mine.wall += others.wall;
            mine.cpu += others.cpu;
            for (mine, others) in mine.failures.iter_mut().zip(others.failures) {
                *mine += others;
            }
        }
        self.made += other.made;
        self.queued += other.queued;
        self.memory_high = self.memory_high.max(other.memory_high);
        self.ask(&other.host_calls);
    }
}
