//! The interfaces of `wit/` that plugins call.

use wasmtime::component::{HasSelf, Linker};

use crate::{bindings::torana::plugin, state::State};

/// Declares them: a name here, and the module of the bindings, which is called as the interface is in `wit/`.
macro_rules! interfaces {
    ($($interface:ident $module:ident),* $(,)?) => {
        /// One of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Interface { $($interface),* }

        impl Interface {
            /// All of them.
            pub(crate) const ALL: [Self; [$(stringify!($module)),*].len()] = [$(Self::$interface),*];

            /// Its name in `wit/`.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$interface => stringify!($module)),* }
            }

            /// Adds all of them; each call is counted.
            pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
                $(plugin::$module::add_to_linker::<_, HasSelf<State>>(linker, |state: &mut State| {
                    state.ask(Self::$interface)
                })?;)*
                Ok(())
            }
        }
    };
}

interfaces! {
    Exchange exchange,
    Data data,
    Context context,
    Config config,
    Log log,
    Clock clock,
    Http http,
    Random random,
    Kv kv,
    Cache cache,
    Metrics metrics,
}

/// Calls of each, in the order of [`Interface::ALL`].
pub(crate) type HostCalls = [u64; Interface::ALL.len()];
