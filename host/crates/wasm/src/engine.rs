//! The engine: made when the first plugin is loaded, gone with the last one.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::{
    Config, Enabled, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::Linker,
};

use crate::{limits::TABLE_ENTRIES, linker, plugin::Plugin, state::State};

/// Largest memory that a plugin may be given, in bytes: the size of a slot of the pool.
pub(crate) const MAX_MEMORY: u64 = 128 << 20;
/// Instances of all plugins and workers together. Costs address space, not memory.
const INSTANCES: u32 = 2_000;
/// How long a tick is: the grain of time limits.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Ticks without any call after which the ticker sleeps, beyond the longest time limit.
const IDLE_TICKS: u64 = 1_000;

/// Engine, linker and clock of all plugins.
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    ticker: Ticker,
    plugins: Mutex<Vec<Weak<Plugin>>>,
}

impl Engine {
    /// An engine with pooled memory; without a pool where the address space is too small for one.
    pub(crate) fn new() -> wasmtime::Result<Self> {
        let engine = wasmtime::Engine::new(&config(true)).or_else(|error| {
            tracing::warn!(
                "no pool for plugin instances, new ones will be slower: {error:#}; is the address space limited?"
            );
            wasmtime::Engine::new(&config(false))
        })?;
        let linker = linker::new(&engine)?;
        let ticker = Ticker::start(engine.weak())?;
        Ok(Self { engine, linker, ticker, plugins: Mutex::default() })
    }

    /// Remembers a plugin that runs, for those who ask what it does.
    pub(crate) fn register(&self, plugin: &Arc<Plugin>) {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        plugins.retain(|known| known.strong_count() > 0);
        plugins.push(Arc::downgrade(plugin));
    }

    /// All plugins that run.
    pub(crate) fn plugins(&self) -> Vec<Arc<Plugin>> {
        let plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        plugins.iter().filter_map(Weak::upgrade).collect()
    }

    /// The engine of the runtime.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// What components may import.
    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.linker
    }

    /// Announces a time limit in ticks; calls may last that long.
    pub(crate) fn announce(&self, ticks: u64) {
        self.ticker.shared.longest.fetch_max(ticks, Ordering::Relaxed);
    }

    /// Sees to it that the clock ticks. In front of every call of a guest.
    pub(crate) fn wake(&self) {
        self.ticker.wake();
    }
}

fn config(pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Only the sync shape is used; this costs every call 0.26 µs when it is on.
        .concurrency_support(false)
        .memory_init_cow(true)
        .max_wasm_stack(512 << 10)
        // Of a fiber: what the guest may use, and room for the host functions that it calls.
        .async_stack_size(1 << 20)
        // Read when a guest traps, for its backtrace in the log; calls do not pay for it.
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    if !pooled {
        return config;
    }
    let mut pool = PoolingAllocationConfig::new();
    // Large guests (Python) have some twenty core instances each, with a table each.
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 24)
        .total_memories(INSTANCES)
        .total_stacks(INSTANCES)
        .total_tables(INSTANCES * 24)
        .max_unused_warm_slots(INSTANCES)
        .max_core_instances_per_component(60)
        .max_tables_per_component(60)
        .max_memories_per_component(4)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(TABLE_ENTRIES)
        .max_memory_size(MAX_MEMORY as usize)
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(MAX_MEMORY)
        .memory_guard_size(32 << 20);
    config
}

/// A thread that advances the engine's epoch each millisecond while guests run, and sleeps when none has run for a
/// while: an idle gateway does not wake up a thousand times a second.
struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    /// A call has started since the last tick.
    called: AtomicBool,
    /// The thread sleeps, or is about to.
    asleep: AtomicBool,
    /// The longest time limit in ticks: a call that runs must not lose its clock.
    longest: AtomicU64,
}

impl Ticker {
    fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("plugin-ticker".into())
            .spawn(move || tick(&engine, &theirs))?
            .thread()
            .clone();
        Ok(Self { shared, thread })
    }

    fn wake(&self) {
        // One read of a line that rarely changes; the rest at most once per tick and worker.
        if self.shared.called.load(Ordering::Relaxed) {
            return;
        }
        self.shared.called.store(true, Ordering::SeqCst);
        // Either this load sees that the ticker falls asleep, or the ticker's last look sees the store above.
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    let mut idle = 0;
    loop {
        thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
        if shared.called.swap(false, Ordering::SeqCst) {
            idle = 0;
            continue;
        }
        idle += 1;
        if idle < IDLE_TICKS + shared.longest.load(Ordering::Relaxed) {
            continue;
        }
        shared.asleep.store(true, Ordering::SeqCst);
        if !shared.called.load(Ordering::SeqCst) {
            thread::park();
        }
        shared.asleep.store(false, Ordering::SeqCst);
        idle = 0;
    }
}
