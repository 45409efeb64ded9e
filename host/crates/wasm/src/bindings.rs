//! Generated from `wit/`: the traits of the imports, and the types of the hooks.

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "plugin",
    imports: {
        "torana:plugin/http": async | trappable,
        default: trappable,
    },
});
