//! [`export!`](crate::export!): from a [`Plugin`] to the exports of a component.

use std::cell::OnceCell;

use crate::{Hooks, Plugin, Result, config};

/// Reads the configuration and makes the plugin of this instance.
#[doc(hidden)]
pub fn init<P: Plugin>(cell: &OnceCell<P>) -> Result<Hooks, String> {
    let plugin = P::new(config::read()?)?;
    let hooks = plugin.hooks();
    cell.set(plugin).map_err(|_| "init was called twice")?;
    Ok(hooks)
}

/// Runs a hook on the plugin of this instance.
#[doc(hidden)]
pub fn run<P, T>(plugin: Option<&P>, hook: impl FnOnce(&P) -> Result<T>) -> Result<T, String> {
    match plugin {
        Some(plugin) => hook(plugin).map_err(String::from),
        None => Err("a hook was called before init".to_owned()),
    }
}

/// Exports a plugin with the hooks that it names: any of `on_request`, `on_backend_request`, `on_backend_response`,
/// `on_response`, `on_request_body`, `on_response_body` and `handle`.
///
/// ```
/// use torana_plugin::{Plugin, Response, Result, export};
///
/// struct Stamp;
///
/// impl Plugin for Stamp {
///     type Config = ();
///
///     fn new((): ()) -> Result<Self> {
///         Ok(Self)
///     }
///
///     fn on_response(&self, response: &mut Response) -> Result<()> {
///         response.set_header("x-stamp", "1")
///     }
/// }
///
/// export!(Stamp: on_response);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty: $($hook:ident),+ $(,)?) => {
        const _: () = {
            ::std::thread_local! {
                static PLUGIN: ::std::cell::OnceCell<$plugin> =
                    const { ::std::cell::OnceCell::new() };
            }

            struct Component;

            impl $crate::bindings::init::exports::torana::plugin::init::Guest for Component {
                fn init() -> ::std::result::Result<$crate::Hooks, ::std::string::String> {
                    PLUGIN.with($crate::init::<$plugin>)
                }
            }
            $crate::bindings::init::export_init!(Component with_types_in $crate::bindings::init);

            $($crate::__export_hook!($hook, $plugin);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_hook {
    (on_request, $plugin:ty) => {
        $crate::__export_hook!(@request on_request, export_on_request, $plugin);
    };
    (on_backend_request, $plugin:ty) => {
        $crate::__export_hook!(@request on_backend_request, export_on_backend_request, $plugin);
    };
    (on_backend_response, $plugin:ty) => {
        $crate::__export_hook!(@response on_backend_response, export_on_backend_response, $plugin);
    };
    (on_response, $plugin:ty) => {
        $crate::__export_hook!(@response on_response, export_on_response, $plugin);
    };
    (on_request_body, $plugin:ty) => {
        $crate::__export_hook!(@body on_request_body, export_on_request_body, $plugin);
    };
    (on_response_body, $plugin:ty) => {
        $crate::__export_hook!(@body on_response_body, export_on_response_body, $plugin);
    };
    (handle, $plugin:ty) => {
        impl $crate::bindings::handle::exports::torana::plugin::handle::Guest for Component {
            fn handle() -> ::std::result::Result<
                $crate::bindings::imports::torana::plugin::types::Answer,
                ::std::string::String,
            > {
                PLUGIN.with(|plugin| {
                    $crate::run(plugin.get(), |plugin| {
                        <$plugin as $crate::Plugin>::handle(plugin, &$crate::Request::current())
                            .map(::std::convert::Into::into)
                    })
                })
            }
        }
        $crate::bindings::handle::export_handle!(Component with_types_in $crate::bindings::handle);
    };
    ($other:ident, $plugin:ty) => {
        ::std::compile_error!(::std::concat!(
            "`", ::std::stringify!($other), "` is no hook: use on_request, on_backend_request, ",
            "on_backend_response, on_response, on_request_body, on_response_body or handle"
        ));
    };
    (@request $hook:ident, $export:ident, $plugin:ty) => {
        impl $crate::bindings::$hook::exports::torana::plugin::$hook::Guest for Component {
            fn handle() -> ::std::result::Result<
                $crate::bindings::imports::torana::plugin::types::Action,
                ::std::string::String,
            > {
                PLUGIN.with(|plugin| {
                    $crate::run(plugin.get(), |plugin| {
                        <$plugin as $crate::Plugin>::$hook(plugin, &mut $crate::Request::current())
                            .map(::std::convert::Into::into)
                    })
                })
            }
        }
        $crate::bindings::$hook::$export!(Component with_types_in $crate::bindings::$hook);
    };
    (@response $hook:ident, $export:ident, $plugin:ty) => {
        impl $crate::bindings::$hook::exports::torana::plugin::$hook::Guest for Component {
            fn handle() -> ::std::result::Result<(), ::std::string::String> {
                PLUGIN.with(|plugin| {
                    $crate::run(plugin.get(), |plugin| {
                        <$plugin as $crate::Plugin>::$hook(plugin, &mut $crate::Response::current())
                    })
                })
            }
        }
        $crate::bindings::$hook::$export!(Component with_types_in $crate::bindings::$hook);
    };
    (@body $hook:ident, $export:ident, $plugin:ty) => {
        impl $crate::bindings::$hook::exports::torana::plugin::$hook::Guest for Component {
            fn chunk(
                bytes: ::std::vec::Vec<u8>,
                last: bool,
            ) -> ::std::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
                PLUGIN.with(|plugin| {
                    $crate::run(plugin.get(), |plugin| {
                        <$plugin as $crate::Plugin>::$hook(plugin, $crate::Chunk { bytes, last })
                    })
                })
            }
        }
        $crate::bindings::$hook::$export!(Component with_types_in $crate::bindings::$hook);
    };
}
