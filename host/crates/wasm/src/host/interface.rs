//! The interfaces of `wit/` that plugins call.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    Exchange,
    Data,
    Context,
    Config,
    Log,
    Clock,
    Http,
    Random,
    Kv,
    Cache,
    Metrics,
}

/// Calls of each, in the order of [`Interface::ALL`].
pub(crate) type HostCalls = [u64; Interface::ALL.len()];

impl Interface {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::Exchange,
        Self::Data,
        Self::Context,
        Self::Config,
        Self::Log,
        Self::Clock,
        Self::Http,
        Self::Random,
        Self::Kv,
        Self::Cache,
        Self::Metrics,
    ];

    /// Its name in `wit/`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Data => "data",
            Self::Context => "context",
            Self::Config => "config",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Http => "http",
            Self::Random => "random",
            Self::Kv => "kv",
            Self::Cache => "cache",
            Self::Metrics => "metrics",
        }
    }
}
