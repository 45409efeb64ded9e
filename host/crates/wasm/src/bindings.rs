//! Generated from `wit/`: the traits of the imports, and the types of the hooks.

#![expect(unreachable_pub, missing_docs, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "plugin",
    imports: { default: trappable },
});
