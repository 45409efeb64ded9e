//! Generated from `wit/`: the traits of the imports, and the types of the hooks.

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "plugin",
    // An event for each host call, for `torana plugin test`: a look at a flag while nobody listens.
    imports: {
        "torana:plugin/cache.claim": async | trappable | tracing | verbose_tracing,
        "torana:plugin/http": async | trappable | tracing | verbose_tracing,
        default: trappable | tracing | verbose_tracing,
    },
});
