//! What components of `wasi:http/proxy` may import, and how one is found to be such.

use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre, Linker, Resource,
    types::{ComponentExtern, ComponentItem},
};
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

use super::state::State;
use crate::{
    component::LoadError,
    grants::{Asks, Capability},
    wasi,
};

/// The export that makes a component a backend by the standard of WASI, up to the version's last part.
pub(crate) const EXPORT: &str = "wasi:http/incoming-handler@0.2.";
/// The import with which such a component sends requests.
pub(crate) const OUTGOING: &str = "wasi:http/outgoing-handler";
/// What is offered beside [`wasi::INTERFACES`]. Runtimes of languages import files and sockets whether they use them or
/// not: there is no file that could be opened, and no socket that could be made.
const INTERFACES: [&str; 11] = [
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/types",
    OUTGOING,
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// What the function of the export takes.
pub(super) type Parameters = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);

/// A component that is ready to be instantiated.
pub(crate) struct Pre {
    pub(super) pre: InstancePre<State>,
    pub(super) handle: ComponentExportIndex,
}

/// What a component is found to be.
pub(crate) struct Found {
    pub(crate) pre: Pre,
    pub(crate) asks: Asks,
}

/// Looks at a component; `None` if it does not export `wasi:http/incoming-handler`.
///
/// # Errors
/// It imports what is not offered, or its function has another type.
pub(crate) fn load(
    engine: &wasmtime::Engine,
    component: &Component,
) -> Result<Option<Found>, LoadError> {
    let ty = component.component_type();
    let Some((export, ComponentExtern { ty: ComponentItem::ComponentInstance(instance), .. })) =
        ty.exports(engine).find(|(name, _)| name.starts_with(EXPORT))
    else {
        return Ok(None);
    };
    let asks = asks(ty.imports(engine).map(|(name, _)| name))?;
    let mismatch = |error: wasmtime::Error| LoadError::Mismatch(format!("{export}: {error:#}"));
    let pre = linker(engine)
        .and_then(|linker| linker.instantiate_pre(component))
        .map_err(|error| LoadError::Mismatch(format!("{error:#}")))?;
    let no_function = || LoadError::Mismatch(format!("{export} has no function `handle`"));
    let Some(ComponentItem::ComponentFunc(function)) =
        instance.get_export(engine, "handle").map(|export| export.ty)
    else {
        return Err(no_function());
    };
    function.typecheck::<Parameters, ()>(&pre.instance_type()).map_err(mismatch)?;
    let index = component.get_export_index(None, export);
    let handle = index.and_then(|index| component.get_export_index(Some(&index), "handle"));
    let handle = handle.ok_or_else(no_function)?;
    Ok(Some(Found { pre: Pre { pre, handle }, asks }))
}

/// What the imports stand for.
fn asks<'a>(imports: impl Iterator<Item = &'a str>) -> Result<Asks, LoadError> {
    let mut asks = Asks::default();
    let mut missing = Vec::new();
    for import in imports {
        let (name, version) = import.split_once('@').unwrap_or((import, ""));
        let offered = INTERFACES.contains(&name) || wasi::INTERFACES.contains(&name);
        if !offered || !version.starts_with("0.2.") {
            missing.push(import.to_owned());
        }
        match name {
            OUTGOING => asks.capabilities.push(Capability::Http),
            "wasi:cli/stdout" | "wasi:cli/stderr" => asks.prints = true,
            "wasi:cli/environment" => asks.reads_environment = true,
            _ => {}
        }
    }
    if missing.is_empty() { Ok(asks) } else { Err(LoadError::StandardImports(missing)) }
}

/// Everything that is offered. Made for each component: what comes of it does not hold it.
fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}
