//! The configuration of `plugin/wasm`.

use std::{fmt, ops::Deref, time::Duration};

use torana_config::{
    At, ByteSize, Diagnostics, FromConfig, Value, config, config_enum, wrong_type,
};

use crate::{
    bodies::BodyLimit, component::Hook, engine::MAX_MEMORY, grants::Grants, plugin::Limits,
};

config! {
    /// A WebAssembly component in the pipeline. `plugin/wasm` is an array of these, at service, endpoint or backend
    /// level; requests pass them in the order of the array, responses the other way round.
    pub struct PluginConfig {
        /// Name in logs, errors and metrics. State that hooks keep with `context` is shared by plugins of one name.
        "name" name: Text,
        /// Path of the component's file.
        "source" source: Text,
        /// SHA-256 of the file in hexadecimal; the gateway refuses another one. Default: any.
        "sha256" sha256: Option<Text> = None,
        /// Any JSON value, handed to the plugin.
        "config" config: Value = Value::Null,
        /// Which of the component's hooks are called. Default: all that fit the level.
        "hooks" hooks: Option<Vec<Hook>> = None,
        /// What happens to a request for which the plugin fails.
        "on_error" on_error: OnError = OnError::Fail,
        /// Which instance serves a call.
        "isolation" isolation: Isolation = Isolation::Pooled,
        /// What a call may use.
        "limits" limits: LimitsConfig = LimitsConfig::default(),
        /// What the plugin may do beyond editing its message. Default: nothing.
        "grants" grants: Grants = Grants::default(),
    }
}

/// A text that is written as one. Elsewhere `5` is read as `"5"`, as KrakenD does it; but a digest of digits only would
/// lose some of them in YAML, and a file that is named so would not be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl FromConfig for Text {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let text = value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            out.push(wrong_type("a string that is not empty", value, at));
        }
        text.map(|text| Self(text.to_owned()))
    }

    fn schema() -> Value {
        let mut schema = String::schema();
        schema["minLength"] = 1.into();
        schema
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

config_enum! {
    /// What happens to a request for which a plugin fails.
    pub enum OnError {
        /// It fails with 500.
        Fail = "fail",
        /// It goes on without the plugin; edits that the plugin had made before it failed stay.
        Pass = "pass",
    }
}

config_enum! {
    /// Which instance serves a call.
    pub enum Isolation {
        /// A warm one, which has served other requests.
        Pooled = "pooled",
        /// A new one for each call: nothing can pass from one request to another in the plugin's memory.
        Request = "request",
    }
}

config! {
    /// What a call may use.
    pub struct LimitsConfig {
        /// How long one hook call may run, from 1 ms to 60 s. Waiting for other services is not running.
        "timeout" timeout: Duration = Duration::from_millis(5),
        /// Memory of one instance, from 1 MiB to 128 MiB.
        "memory" memory: ByteSize = ByteSize(16 << 20),
        /// Collects bodies up to this size for a plugin that reads them; larger ones are refused with 413 (requests)
        /// or 502 (responses). An object has a size for each: `{"request": "64KB", "response": "1MB"}`, and what it
        /// leaves out is not collected. `memory` must have room for them, and `timeout` for the work. Default: bodies
        /// are not collected, and the plugin sees only those that the gateway has collected for itself.
        "body" body: BodyLimit = BodyLimit::default(),
        /// Instances that one worker may have in use, from 1 to 1,000. A body that streams through the plugin has one
        /// until its end.
        "instances" instances: u32 = 32,
        /// Requests that may wait for an instance of one worker, up to 10,000. Beyond, and after a second, a request
        /// is answered with 503.
        "queue" queue: u32 = 64,
        /// Outbound HTTP calls that one hook call may make.
        "calls" calls: u32 = 16,
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(5),
            memory: ByteSize(16 << 20),
            body: BodyLimit::default(),
            instances: 32,
            queue: 64,
            calls: 16,
        }
    }
}

impl LimitsConfig {
    /// The limits, or all that is wrong with them: keys and ranges.
    pub(crate) fn check(&self) -> Result<Limits, Vec<(&'static str, &'static str)>> {
        let time = Duration::from_millis(1)..=Duration::from_secs(60);
        let rules = [
            (time.contains(&self.timeout), "timeout", "`timeout` must be between 1ms and 60s"),
            (
                (1 << 20..=MAX_MEMORY).contains(&self.memory.0),
                "memory",
                "`memory` must be between 1MiB and 128MiB",
            ),
            (
                (1..=1_000).contains(&self.instances),
                "instances",
                "`instances` must be between 1 and 1000",
            ),
            (self.queue <= 10_000, "queue", "`queue` must be at most 10000"),
        ];
        let broken: Vec<_> = rules
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, key, rule)| (key, rule))
            .collect();
        if !broken.is_empty() {
            return Err(broken);
        }
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(Limits {
            timeout: self.timeout,
            memory: size(self.memory.0),
            body: self.body,
            instances: self.instances as usize,
            queue: self.queue as usize,
            calls: self.calls,
        })
    }
}
