//! Lines in the gateway's log, with the plugin's name and the request's number. Needs the grant `log`.

use crate::gateway::log;

macro_rules! levels {
    ($($(#[doc = $doc:literal])* $name:ident = $level:ident),* $(,)?) => {$(
        $(#[doc = $doc])*
        pub fn $name(message: impl AsRef<str>) {
            log::write(log::Level::$level, message.as_ref());
        }
    )*};
}

levels! {
    /// For following one request step by step.
    trace = Trace,
    /// For whoever looks for a mistake.
    debug = Debug,
    /// For whoever operates the gateway.
    info = Info,
    /// Something is odd, and the request went on.
    warn = Warn,
    /// Something failed.
    error = Error,
}
