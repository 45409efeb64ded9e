//! Answers with a maintenance page, except to those who may see behind it.

use std::{borrow::Cow, net::IpAddr};

use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use torana_addresses::Addresses;
use torana_keys::Secret;
use torana_plugin::{Action, Answer, Error, Plugin, Request, Result, clock, export, header};

mod instant;

use instant::Instant;

#[cfg(test)]
mod tests;

/// Shorter secrets can be guessed.
const SHORTEST_SECRET: usize = 16;

/// The plugin.
struct MaintenancePage {
    config: Config,
    /// The header and the secret of those who pass.
    pass: Option<(String, String)>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    message: String,
    /// The page for browsers.
    html: Option<String>,
    /// The answer for programs.
    json: Option<serde_json::Map<String, serde_json::Value>>,
    /// Seconds after which clients may try again.
    retry_after: Option<u64>,
    /// When it begins.
    from: Option<Instant>,
    /// When it ends.
    until: Option<Instant>,
    allow: Allow,
}

/// Who passes.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Allow {
    addresses: Addresses,
    header: Option<SecretHeader>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretHeader {
    name: String,
    secret: Secret,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            message: "Down for maintenance. Please try again later.".to_owned(),
            html: None,
            json: None,
            retry_after: None,
            from: None,
            until: None,
            allow: Allow::default(),
        }
    }
}

impl MaintenancePage {
    fn is_on(&self, now_ms: u64) -> bool {
        let Config { from, until, .. } = &self.config;
        from.is_none_or(|from| from.0 <= now_ms) && until.is_none_or(|until| now_ms < until.0)
    }

    /// Whether it is somebody who may see behind the page. An address that cannot be read may not.
    fn passes(&self, request: &Request) -> bool {
        let address = request.client_ip().parse::<IpAddr>();
        if address.is_ok_and(|address| self.config.allow.addresses.contains(address)) {
            return true;
        }
        self.pass.as_ref().is_some_and(|(name, secret)| {
            let given = request.header(name).unwrap_or_default();
            given.as_bytes().ct_eq(secret.as_bytes()).into()
        })
    }

    /// Seconds to wait: as configured, or until the end.
    fn retry_after(&self, now_ms: u64) -> Option<u64> {
        let left = self.config.until.map(|until| until.0.saturating_sub(now_ms).div_ceil(1000));
        self.config.retry_after.or(left)
    }

    fn page(&self, request: &Request) -> Answer {
        let now_ms = clock::now_ms();
        let answer = Answer::new(503).header("cache-control", "no-store").header("vary", "accept");
        let answer = match self.retry_after(now_ms) {
            Some(seconds) => answer.header("retry-after", seconds.to_string()),
            None => answer,
        };
        let accept = request.headers("accept").join(",");
        if takes_html(&accept) {
            answer.header("content-type", "text/html; charset=utf-8").body(self.html())
        } else {
            answer.header("content-type", "application/json").body(self.json())
        }
    }

    fn html(&self) -> String {
        self.config.html.clone().unwrap_or_else(|| {
            let message = escape(&self.config.message);
            format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Maintenance</title>\n<p>{message}</p>\n</html>\n"
            )
        })
    }

    fn json(&self) -> String {
        match &self.config.json {
            Some(object) => json!(object).to_string(),
            None => json!({ "message": self.config.message }).to_string(),
        }
    }
}

/// Whether `Accept` names `text/html`, with a weight above zero (RFC 9110 12.5.1).
fn takes_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut words = range.split(';').map(str::trim);
        let is_html = words.next().is_some_and(|ty| ty.eq_ignore_ascii_case("text/html"));
        is_html && !words.any(is_weight_zero)
    })
}

fn is_weight_zero(parameter: &str) -> bool {
    let weight = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.parse() == Ok(0.0_f32))
}

/// Text as it stands in an HTML document.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return text.into();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").into()
}

impl Plugin for MaintenancePage {
    type Config = Config;

    fn new(mut config: Config) -> Result<Self> {
        if let (Some(from), Some(until)) = (config.from, config.until)
            && until <= from
        {
            return Err("`until` is not after `from`".into());
        }
        let pass = config.allow.header.take().map(|SecretHeader { name, secret }| {
            header::check_name(&name)?;
            Ok::<_, Error>((name, secret.read(SHORTEST_SECRET)?))
        });
        Ok(Self { config, pass: pass.transpose()? })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        if self.is_on(clock::now_ms()) && !self.passes(request) {
            return Ok(self.page(request).into());
        }
        // Backends need not know the secret, which testers also send before it begins and after its end.
        if let Some((name, _)) = &self.pass {
            request.remove_header(name)?;
        }
        Ok(Action::Continue)
    }
}

export!(MaintenancePage: on_request);
