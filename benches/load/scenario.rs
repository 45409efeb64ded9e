//! What the gateway is asked to do: its configuration, the request, and the answer that is right.

use std::{net::SocketAddr, path::Path};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::upstream::{CART, OFFERS, OFFERS_OBJECT, USER};

/// A kind of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// 0.3 KB untouched (no-op)
    Passthrough,
    /// 0.3 KB of JSON, decoded and encoded
    Decode,
    /// The same with 10 KB
    DecodeLarge,
    /// Three backends (0.3, 1.9 and 10 KB) with an allow list of three fields each
    Merge,
    /// Three backends, whole
    MergeWhole,
    /// `passthrough` and one response header set by a WASM plugin
    Plugin,
    /// `passthrough` and a plugin that could loop, but is not asked to
    Calm,
    /// The same; one request in a hundred makes it loop for its 5 ms
    Loop,
    /// `passthrough` and a plugin that panics for one request in a hundred
    Panic,
    /// 25 endpoints with two plugins each, half of which change with each generation
    Attachments,
}

/// One request in so many is a bad one.
pub(crate) const BAD_EVERY: usize = 100;
/// Endpoints of [`Scenario::Attachments`].
const ATTACHED: u64 = 25;

/// A header that the plugin sets, in lower case.
const PLUGIN_HEADER: (&str, &str) = ("x-wasm", "1");

impl Scenario {
    /// Its word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passthrough => "passthrough",
            Self::Decode => "decode",
            Self::DecodeLarge => "decode-large",
            Self::Merge => "merge",
            Self::MergeWhole => "merge-whole",
            Self::Plugin => "plugin",
            Self::Calm => "calm",
            Self::Loop => "loop",
            Self::Panic => "panic",
            Self::Attachments => "attachments",
        }
    }

    /// The package of the plugin in it.
    pub(crate) fn plugin(self) -> Option<&'static str> {
        match self {
            Self::Plugin | Self::Attachments => Some("header-edit"),
            Self::Calm | Self::Loop => Some("test-loop"),
            Self::Panic => Some("test-trap"),
            _ => None,
        }
    }

    /// The header of requests for which the plugin must fail.
    pub(crate) fn bad(self) -> Option<&'static str> {
        match self {
            Self::Loop => Some("X-Loop: 1"),
            Self::Panic => Some("X-Trap: 1"),
            _ => None,
        }
    }

    /// What is requested.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Passthrough
            | Self::Decode
            | Self::Plugin
            | Self::Calm
            | Self::Loop
            | Self::Panic => "/user",
            Self::Attachments => "/user/0",
            Self::DecodeLarge => "/offers-obj",
            Self::Merge | Self::MergeWhole => "/aggregate",
        }
    }

    /// The whole configuration. `generation` names an endpoint of its own: a change that can be seen from outside.
    pub(crate) fn config(
        self,
        listen: SocketAddr,
        upstream: SocketAddr,
        plugin: &Path,
        generation: u64,
    ) -> Value {
        let mut endpoints = match self {
            Self::Attachments => {
                (0..ATTACHED).map(|index| attached(plugin, index, generation)).collect()
            }
            _ => vec![self.endpoint()],
        };
        match self {
            Self::Plugin => {
                endpoints[0]["extra_config"] = json!({"plugin/wasm": [sets(plugin, "plugin", 1)]});
            }
            Self::Calm | Self::Loop | Self::Panic => {
                endpoints[0]["extra_config"] =
                    json!({"plugin/wasm": [{"name": self.name(), "source": plugin}]});
            }
            _ => {}
        }
        let mut changed = passthrough();
        changed["endpoint"] = json!(generation_path(generation));
        endpoints.push(changed);
        json!({
            "version": 3,
            "listen_ip": listen.ip(),
            "port": listen.port(),
            "host": [format!("http://{upstream}")],
            "timeout": "5s",
            "extra_config": {"router": {"disable_access_log": true}},
            "endpoints": endpoints,
        })
    }

    fn endpoint(self) -> Value {
        let backend = match self {
            Self::Passthrough
            | Self::Plugin
            | Self::Calm
            | Self::Loop
            | Self::Panic
            | Self::Attachments => return passthrough(),
            Self::Decode => json!([{"url_pattern": "/user"}]),
            Self::DecodeLarge => json!([{"url_pattern": "/offers-obj"}]),
            Self::Merge => json!([
                {"url_pattern": "/user", "group": "user", "allow": ["id", "name", "address.city"]},
                {"url_pattern": "/cart", "group": "cart", "allow": ["id", "currency", "totals.gross"]},
                {"url_pattern": "/offers-obj", "group": "offers",
                    "allow": ["total", "page", "meta.currency"]},
            ]),
            Self::MergeWhole => json!([
                {"url_pattern": "/user", "group": "user"},
                {"url_pattern": "/cart", "group": "cart"},
                {"url_pattern": "/offers", "group": "offers", "is_collection": true},
            ]),
        };
        json!({"endpoint": self.path(), "backend": backend})
    }

    /// Whether an answer is right.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(self, head: &[u8], body: &[u8]) -> Result<(), String> {
        let found: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if found != self.expected() {
            return Err(format!("not the data that was configured: {found}"));
        }
        let (name, value) = PLUGIN_HEADER;
        let field = format!("\r\n{name}: {value}\r\n");
        if matches!(self, Self::Plugin | Self::Attachments)
            && !String::from_utf8_lossy(head).to_ascii_lowercase().contains(&field)
        {
            return Err(format!("without the header {name}"));
        }
        Ok(())
    }

    fn expected(self) -> Value {
        let [user, cart, offers, offers_object] = [USER, CART, OFFERS, OFFERS_OBJECT].map(|body| {
            serde_json::from_slice::<Value>(body).expect("the bodies of this program are JSON")
        });
        match self {
            Self::Passthrough
            | Self::Decode
            | Self::Plugin
            | Self::Calm
            | Self::Loop
            | Self::Panic
            | Self::Attachments => user,
            Self::DecodeLarge => offers_object,
            Self::Merge => json!({
                "user": {"id": user["id"], "name": user["name"],
                    "address": {"city": user["address"]["city"]}},
                "cart": {"id": cart["id"], "currency": cart["currency"],
                    "totals": {"gross": cart["totals"]["gross"]}},
                "offers": {"total": offers_object["total"], "page": offers_object["page"],
                    "meta": {"currency": offers_object["meta"]["currency"]}},
            }),
            Self::MergeWhole => {
                json!({"user": user, "cart": cart, "offers": {"collection": offers}})
            }
        }
    }
}

/// header-edit, which sets a header.
fn sets(plugin: &Path, name: &str, value: u64) -> Value {
    let (header, _) = PLUGIN_HEADER;
    json!({"name": name, "source": plugin,
        "config": {"response": {"set": {header: value.to_string()}}}})
}

/// One of many endpoints with a plugin that stays, which has the last word, and one that changes.
fn attached(plugin: &Path, index: u64, generation: u64) -> Value {
    let mut endpoint = passthrough();
    endpoint["endpoint"] = json!(format!("/user/{index}"));
    endpoint["extra_config"] = json!({"plugin/wasm": [
        sets(plugin, &format!("stays-{index}"), 1),
        sets(plugin, &format!("changes-{index}"), generation),
    ]});
    endpoint
}

fn passthrough() -> Value {
    json!({
        "endpoint": "/user",
        "output_encoding": "no-op",
        "backend": [{"url_pattern": "/user", "encoding": "no-op"}],
    })
}

/// The path that only this generation of a configuration has.
pub(crate) fn generation_path(generation: u64) -> String {
    format!("/generation-{generation}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_the_plugins_header_is_wrong() {
        let head = b"HTTP/1.1 200 OK\r\nX-Wasm: 1\r\n\r\n";
        assert_eq!(Scenario::Plugin.check(head, USER), Ok(()));
        assert!(Scenario::Plugin.check(b"HTTP/1.1 200 OK\r\n\r\n", USER).is_err());
        assert!(Scenario::Passthrough.check(head, CART).is_err());
    }
}
