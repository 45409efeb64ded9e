//! The grant `kv`: a store's name, and how much it may hold.

use torana_config::{
    At, ByteSize, Diagnostic, Diagnostics, FromConfig, Value, config, json, wrong_type,
};

use crate::kv::Quota;

/// Most keys that a quota may allow.
const ENTRIES: usize = 10_000_000;
/// Most bytes that a quota may allow.
const BYTES: u64 = 4 << 30;

/// A store that a plugin may use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StoreGrant {
    /// Its name: plugins with the same one share it.
    pub(crate) store: String,
    /// How much it may hold, where that is said.
    pub(crate) quota: Option<Quota>,
}

/// The quota of a store for which none is configured.
pub(crate) const DEFAULT: Quota = Quota { entries: 10_000, bytes: 16 << 20 };

config! {
    /// A store of keys and values.
    pub(crate) struct StoreConfig {
        /// Its name.
        "store" store: String,
        /// Most keys, up to 10,000,000.
        "entries" entries: usize = DEFAULT.entries,
        /// Most bytes of keys and values together, up to 4 GiB.
        "bytes" bytes: ByteSize = ByteSize(DEFAULT.bytes as u64),
    }
}

impl FromConfig for StoreGrant {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let mut fail = |at: At<'_>, message: String| {
            out.push(Diagnostic::error("plugin-grant", at.pointer(), message));
            None
        };
        match value {
            Value::String(name) if is_name(name) => Some(Self { store: name.clone(), quota: None }),
            Value::String(name) => fail(at, not_a_name(name)),
            Value::Object(_) => {
                let config = StoreConfig::from_config(value, at, out)?;
                let mut fail = |key: &'static str, message: String| {
                    out.push(Diagnostic::error(
                        "plugin-grant",
                        At::Key(&at, key).pointer(),
                        message,
                    ));
                    None
                };
                if !is_name(&config.store) {
                    return fail("store", not_a_name(&config.store));
                }
                if !(1..=ENTRIES).contains(&config.entries) {
                    return fail("entries", format!("`entries` must be between 1 and {ENTRIES}"));
                }
                if !(1..=BYTES).contains(&config.bytes.0) {
                    return fail("bytes", "`bytes` must be between 1 and 4GiB".to_owned());
                }
                let bytes = usize::try_from(config.bytes.0).unwrap_or(usize::MAX);
                let quota = Quota { entries: config.entries, bytes };
                Some(Self { store: config.store, quota: Some(quota) })
            }
            other => {
                out.push(wrong_type("the name of a store, or an object with `store`", other, at));
                None
            }
        }
    }

    fn schema() -> Value {
        let mut schema = StoreConfig::schema();
        schema["type"] = json!(["string", "object"]);
        schema
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn not_a_name(name: &str) -> String {
    format!("`{name}` is no name of a store: 1 to 64 letters, digits and `-_.`")
}
