//! What the store of a guest holds.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    console::{Console, Printer},
    meter::Meter,
    outbound::Outbound,
};
use crate::{limits::Memory, output::Stream, plugin::Facts};

/// Handles that a guest may have at a time: fields, bodies, streams, pollables. With [`FIELDS`] and the size of chunks
/// this bounds what a guest can make the host hold.
const HANDLES: usize = 1_000;
/// Bytes of one set of fields that a guest makes.
const FIELDS: usize = 32 << 10;
/// Random bytes at once.
const RANDOM: u64 = 64 << 10;

/// See the module.
pub(super) struct State {
    pub(super) facts: Arc<Facts>,
    pub(super) memory: Memory,
    pub(super) meter: Arc<Meter>,
    pub(super) console: Arc<Console>,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl State {
    /// For one request: no files, no sockets, the variables that are granted.
    pub(super) fn new(
        facts: &Arc<Facts>,
        meter: Arc<Meter>,
        console: Console,
        outbound: Outbound,
    ) -> Self {
        let console = Arc::new(console);
        let printer = |stream| Printer { console: Arc::clone(&console), stream };
        let wasi = WasiCtx::builder()
            .stdout(printer(Stream::Out))
            .stderr(printer(Stream::Err))
            .envs(&facts.environment)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(RANDOM)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS);
        let memory = Memory::new(facts.limits.memory);
        Self { facts: Arc::clone(facts), memory, meter, console, table, wasi, http, outbound }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}
