//! Lets requests pass by the client's address.

use std::net::IpAddr;

use serde::Deserialize;
use torana_addresses::Addresses;
use torana_plugin::{Action, Answer, Error, Plugin, Request, Result, export};

/// The plugin.
struct IpFilter {
    config: Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Only these pass.
    allow: Option<Addresses>,
    /// These do not pass, also if `allow` lists them.
    #[serde(default)]
    deny: Addresses,
    #[serde(default = "default_status")]
    status: u16,
    #[serde(default)]
    body: String,
}

fn default_status() -> u16 {
    403
}

impl Config {
    fn passes(&self, address: IpAddr) -> bool {
        !self.deny.contains(address)
            && self.allow.as_ref().is_none_or(|allow| allow.contains(address))
    }
}

impl Plugin for IpFilter {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if !(400..=599).contains(&config.status) {
            return Err("`status` must be between 400 and 599".into());
        }
        match &config.allow {
            Some(allow) if allow.is_empty() => {
                Err("`allow` is empty: nobody would pass, leave it out to let everybody pass"
                    .into())
            }
            None if config.deny.is_empty() => Err("config needs `allow`, `deny` or both".into()),
            _ => Ok(Self { config }),
        }
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let text = request.client_ip();
        let address =
            text.parse().map_err(|_| Error::new(format!("`{text}` is not an address")))?;
        if self.config.passes(address) {
            return Ok(Action::Continue);
        }
        let answer = Answer::new(self.config.status);
        let body = &self.config.body;
        Ok(if body.is_empty() { answer } else { answer.text(body.as_str()) }.into())
    }
}

export!(IpFilter: on_request);

#[cfg(test)]
mod tests {
    use torana_plugin::test::{self, check_schema};

    use super::*;

    fn passes(config: &str, address: &str) -> bool {
        let plugin = test::start::<IpFilter>(config).expect("a valid configuration");
        let mut request = test::Request::get("/").with_client_ip(address);
        match plugin.on_request(&mut request).expect("the hook does not fail") {
            Action::Continue => true,
            Action::Respond(answer) => {
                assert_eq!(answer, Answer::new(403));
                false
            }
        }
    }

    #[test]
    fn allow_lets_nobody_else_pass() {
        let config = r#"{"allow":["10.0.0.0/8","2001:db8::/32"]}"#;
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::7", true),
            ("192.0.2.1", false),
            ("2001:db9::1", false),
            ("::ffff:11.0.0.1", false),
        ] {
            assert_eq!(passes(config, address), expected, "{address}");
        }
    }

    #[test]
    fn deny_wins() {
        let config = r#"{"allow":["10.0.0.0/8"],"deny":["10.0.0.13"]}"#;
        assert!(passes(config, "10.0.0.12"));
        assert!(!passes(config, "10.0.0.13"));
        assert!(!passes(config, "::ffff:10.0.0.13"));
        let config = r#"{"deny":["10.0.0.13","2001:db8::/32"]}"#;
        assert!(passes(config, "192.0.2.1"));
        assert!(!passes(config, "10.0.0.13"));
        assert!(!passes(config, "2001:db8::1"));
    }

    #[test]
    fn the_refusal_is_the_configurations() {
        let config = r#"{"deny":["0.0.0.0/0"],"status":451,"body":"no"}"#;
        let plugin = test::start::<IpFilter>(config).expect("a valid configuration");
        let answer = plugin.on_request(&mut test::Request::get("/"));
        assert_eq!(answer, Ok(Answer::new(451).text("no").into()));
    }

    #[test]
    fn what_is_no_address_does_not_pass() {
        let plugin = test::start::<IpFilter>(r#"{"deny":["::1"]}"#).expect("a configuration");
        let mut request = test::Request::get("/").with_client_ip("unknown");
        assert!(plugin.on_request(&mut request).is_err());
    }

    #[test]
    fn bad_configurations_are_refused() {
        for (config, reason) in [
            ("null", "config needs `allow`, `deny` or both"),
            (r#"{"allow":[]}"#, "`allow` is empty"),
            (r#"{"deny":["10.0.0.1/8"]}"#, "is `10.0.0.0/8` meant?"),
            (r#"{"alow":["10.0.0.1"]}"#, "unknown field `alow`"),
            (r#"{"deny":["::1"],"status":200}"#, "`status`"),
        ] {
            let error = test::start::<IpFilter>(config).expect_err(config).to_string();
            assert!(error.contains(reason), "{config}: {error}");
        }
    }

    #[test]
    fn the_schema_is_whole() {
        check_schema::<Config>(include_str!("../config.schema.json"), "");
    }
}
