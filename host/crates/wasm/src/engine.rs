//! The engine: made when the first plugin is loaded, gone with the last one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, component::Linker,
};

use crate::{
    limits::TABLE_ENTRIES,
    linker,
    plugin::Plugin,
    state::State,
    ticker::{Ticker, Ticks},
};

/// Largest memory that a plugin may be given, in bytes.
pub(crate) const MAX_MEMORY: u64 = 128 << 20;
/// Address space for each memory of the pool, the best first. With all that a guest can name no address must be compared
/// with a bound, which makes large guests (JavaScript, Python) a tenth faster. Not every machine has that much.
const RESERVATIONS: [u64; 2] = [4 << 30, MAX_MEMORY];
/// Instances of all plugins and workers together. Costs address space, not memory.
const INSTANCES: u32 = 2_000;

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
        let pooled = |reservation| wasmtime::Engine::new(&config(Some(reservation)));
        let [best, least] = RESERVATIONS;
        let engine = pooled(best).or_else(|error| {
            tracing::info!(
                "little address space, plugins in interpreted languages are slower: {error:#}"
            );
            pooled(least)
        });
        let engine = engine.or_else(|error| {
            tracing::warn!(
                "no pool for plugin instances, new ones will be slower: {error:#}; is the address space limited?"
            );
            wasmtime::Engine::new(&config(None))
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

    /// What limits the time of calls.
    pub(crate) fn ticks(&self) -> &Ticks {
        self.ticker.ticks()
    }
}

/// With a pool whose memories have so many bytes of address space, or without a pool.
fn config(reservation: Option<u64>) -> Config {
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
    let Some(reservation) = reservation else {
        return config;
    };
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
        .memory_reservation(reservation)
        .memory_guard_size(32 << 20);
    config
}
