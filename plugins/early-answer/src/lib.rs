//! Answers requests that match a condition, without asking any backend.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use torana_plugin::{Action, Answer, Plugin, Request, Result, export, header};

#[cfg(test)]
mod tests;

/// The plugin.
struct EarlyAnswer {
    config: Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// All conditions must hold; none means every request.
    #[serde(default)]
    when: Condition,
    #[serde(default = "default_status")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    /// The path begins with this.
    path_prefix: Option<String>,
    /// The method is this.
    #[serde(default, deserialize_with = "method")]
    method: Option<String>,
    /// This header is there.
    header: Option<String>,
    /// And has this value.
    value: Option<String>,
}

/// Methods of HTTP, which an endpoint's `method` takes in any writing.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// A method that HTTP knows as it is on the wire, another one as it is: methods are case-sensitive.
fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let method = Option::<String>::deserialize(from)?;
    Ok(method.map(|method| {
        let known = METHODS.iter().find(|known| known.eq_ignore_ascii_case(&method));
        known.map_or(method, |known| (*known).to_owned())
    }))
}

fn default_status() -> u16 {
    200
}

impl Condition {
    fn holds(&self, request: &Request) -> bool {
        self.method.as_ref().is_none_or(|method| *method == request.method())
            && self.path_prefix.as_ref().is_none_or(|prefix| request.path().starts_with(prefix))
            && self.header.as_ref().is_none_or(|name| match (request.header(name), &self.value) {
                (Some(found), Some(wanted)) => found == *wanted,
                (found, None) => found.is_some(),
                (None, Some(_)) => false,
            })
    }
}

impl EarlyAnswer {
    fn answer(&self) -> Answer {
        Answer {
            status: self.config.status,
            headers: self.config.headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
            body: self.config.body.clone().into_bytes(),
        }
    }
}

impl Plugin for EarlyAnswer {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if !(200..=599).contains(&config.status) {
            return Err("`status` must be between 200 and 599".into());
        }
        if config.when.value.is_some() && config.when.header.is_none() {
            return Err("`when.value` needs `when.header`".into());
        }
        config.headers.iter().try_for_each(|(name, value)| header::check(name, value))?;
        Ok(Self { config })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        Ok(if self.config.when.holds(request) { self.answer().into() } else { Action::Continue })
    }

    fn on_backend_request(&self, request: &mut Request) -> Result<Action> {
        self.on_request(request)
    }
}

export!(EarlyAnswer: on_request, on_backend_request);
