//! What components may import: the gateway's own interfaces, and the part of WASI that standard libraries ask for.

use wasmtime::component::{HasSelf, Linker};

use crate::{bindings::torana::plugin, host::Interface, state::State, wasi};

/// The gateway's package in `wit/`.
pub(crate) const PACKAGE: &str = "torana:plugin";
/// Its version. Components built for the same minor version load.
pub(crate) const VERSION: &str = "0.1.1";

/// Adds interfaces, each call of which is counted.
macro_rules! add {
    ($linker:ident: $($module:ident $interface:ident),*) => {$(
        plugin::$module::add_to_linker::<_, HasSelf<State>>(&mut $linker, |state: &mut State| {
            state.ask(Interface::$interface)
        })?;
    )*};
}

/// Everything that is offered.
pub(crate) fn new(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    add!(linker:
        exchange Exchange, data Data, context Context, config Config, log Log, clock Clock, http Http,
        random Random, kv Kv, cache Cache, metrics Metrics
    );
    wasi::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Whether an interface is offered, in a version that fits: `torana:plugin/log@0.1.0`.
pub(crate) fn offers(import: &str) -> bool {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    match name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/')) {
        Some(interface) => {
            let is_known = |known: Interface| known.word() == interface;
            // The types are those of all others, and have no functions.
            fits(version) && (interface == "types" || Interface::ALL.into_iter().any(is_known))
        }
        None => version.starts_with("0.2.") && wasi::INTERFACES.contains(&name),
    }
}

/// Whether a component of this version of the package loads: the same major version; before 1.0 the same minor one.
pub(crate) fn fits(version: &str) -> bool {
    line(version) == line(VERSION)
}

/// The part of a version that must be the same: `0.1` of 0.1.3, `2` of 2.4.0.
pub(crate) fn line(version: &str) -> &str {
    let parts = if version.starts_with("0.") { 2 } else { 1 };
    version.match_indices('.').nth(parts - 1).map_or(version, |(end, _)| &version[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_by_minor() {
        assert!(offers("torana:plugin/log@0.1.0"));
        assert!(offers("torana:plugin/log@0.1.7"));
        assert!(!offers("torana:plugin/log@0.2.0"));
        assert!(!offers("torana:plugin/teleport@0.1.0"));
        assert_eq!(
            (line("0.1.12"), line("1.2.3"), line("12.0.0"), line("x")),
            ("0.1", "1", "12", "x")
        );
        assert!(offers("wasi:cli/stderr@0.2.9"));
        assert!(!offers("wasi:cli/stderr@0.3.0"));
        assert!(!offers("wasi:filesystem/types@0.2.0"));
    }
}
