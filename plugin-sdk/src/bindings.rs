//! Generated from `wit/`: the imports once, and each hook's export by itself, so that a component exports only the
//! hooks that its author names.

/// What the gateway offers, and the types of the hooks.
pub mod imports {
    wit_bindgen::generate!({
        path: "../wit",
        world: "sdk-imports",
        generate_unused_types: true,
        disable_custom_section_link_helpers: true,
    });
}

macro_rules! hook {
    ($name:ident, $world:literal, $export:literal, { $($with:tt)* }) => {
        /// The export of one hook.
        pub mod $name {
            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                with: { $($with)* },
                pub_export_macro: true,
                export_macro_name: $export,
                disable_custom_section_link_helpers: true,
            });
        }
    };
}

hook!(init, "hook-init", "export_init", {
    "torana:plugin/types@0.1.1": crate::bindings::imports::torana::plugin::types,
});
hook!(on_request, "hook-on-request", "export_on_request", {
    "torana:plugin/types@0.1.1": crate::bindings::imports::torana::plugin::types,
});
hook!(on_backend_request, "hook-on-backend-request", "export_on_backend_request", {
    "torana:plugin/types@0.1.1": crate::bindings::imports::torana::plugin::types,
});
hook!(on_backend_response, "hook-on-backend-response", "export_on_backend_response", {});
hook!(on_response, "hook-on-response", "export_on_response", {});
hook!(on_request_body, "hook-on-request-body", "export_on_request_body", {});
hook!(on_response_body, "hook-on-response-body", "export_on_response_body", {});
hook!(handle, "hook-handle", "export_handle", {
    "torana:plugin/types@0.1.1": crate::bindings::imports::torana::plugin::types,
});
