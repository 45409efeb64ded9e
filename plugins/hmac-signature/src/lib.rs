//! Verifies and makes HMAC-SHA256 signatures of requests.

use serde::Deserialize;
use torana_keys::Secret;
use torana_plugin::{Action, Answer, Error, Plugin, Request, Result, clock, export, header};

mod parts;
mod signature;

use parts::{Gap, Part};
use signature::{Encoding, Keys};

#[cfg(test)]
mod tests;

/// Shorter secrets can be guessed.
const SHORTEST_SECRET: usize = 16;

/// The plugin.
struct HmacSignature {
    config: Config,
    keys: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    secrets: Vec<Secret>,
    #[serde(default = "default_header")]
    header: String,
    /// Text in front of the signature.
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    encoding: Encoding,
    /// What is signed, in order.
    parts: Vec<Part>,
    #[serde(default = "default_separator")]
    separator: String,
    timestamp: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Lets requests pass that are signed.
    #[default]
    Verify,
    /// Signs requests to backends.
    Sign,
}

/// The header with the time of the signature, in seconds since 1970.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timestamp {
    #[serde(default = "default_timestamp_header")]
    header: String,
    /// Seconds by which clocks may differ, and for which a request may be sent again.
    #[serde(default = "default_tolerance")]
    tolerance: u64,
}

fn default_header() -> String {
    "x-signature".to_owned()
}

fn default_timestamp_header() -> String {
    "x-timestamp".to_owned()
}

fn default_tolerance() -> u64 {
    300
}

fn default_separator() -> String {
    "\n".to_owned()
}

impl Config {
    fn check(&self) -> Result<()> {
        header::check(&self.header, &self.prefix)?;
        if self.parts.is_empty() {
            return Err("`parts` is empty: nothing would be signed".into());
        }
        let last = self.parts.len() - 1;
        if self.parts.iter().position(|part| *part == Part::Body).is_some_and(|at| at != last) {
            return Err("`body` must be the last of `parts`: it may contain the separator".into());
        }
        // With another separator than a line break, text could move from one part to the next without a new signature.
        if self.separator != "\n" && self.parts.iter().any(|part| part.is_free_text()) {
            return Err(
                "`separator` can only differ from a line break if `parts` has nothing but `text:`, `timestamp` and `body`"
                    .into(),
            );
        }
        if self.separator.is_empty() && self.parts.len() > 1 {
            return Err("`separator` is empty".into());
        }
        let signs_time = self.parts.contains(&Part::Timestamp);
        match &self.timestamp {
            Some(timestamp) => {
                header::check_name(&timestamp.header)?;
                if !signs_time {
                    return Err("`timestamp` must be among `parts`: anybody could change it".into());
                }
            }
            None if signs_time => {
                return Err("the part `timestamp` needs the section `timestamp`".into());
            }
            None => {}
        }
        Ok(())
    }

    /// The time of the signature, if it is now.
    fn time(&self, request: &Request) -> Option<String> {
        let Some(timestamp) = &self.timestamp else { return Some(String::new()) };
        let [text] = <[String; 1]>::try_from(request.headers(&timestamp.header)).ok()?;
        // `parse` takes a plus sign, and two texts for one time are two signatures for one request.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let time: u64 = digits.then(|| text.parse().ok()).flatten()?;
        (now().abs_diff(time) <= timestamp.tolerance).then_some(text)
    }
}

fn now() -> u64 {
    clock::now_ms() / 1000
}

impl HmacSignature {
    fn signed(&self, request: &Request, time: &str) -> Result<Vec<u8>, Gap> {
        parts::join(&self.config.parts, &self.config.separator, time, request)
    }

    fn is_valid(&self, request: &Request) -> Result<bool> {
        let Some(time) = self.config.time(request) else { return Ok(false) };
        // Two signatures may be read differently by whoever comes next: neither is believed.
        let [text] = &request.headers(&self.config.header)[..] else { return Ok(false) };
        let digits = text.strip_prefix(&self.config.prefix);
        let Some(signature) = digits.and_then(|text| self.config.encoding.decode(text)) else {
            return Ok(false);
        };
        match self.signed(request, &time) {
            Ok(signed) => Ok(self.keys.verify(&signed, &signature)),
            Err(Gap::Header(_)) => Ok(false),
            Err(gap) => Err(gap.into()),
        }
    }

    fn verify(&self, request: &Request) -> Result<Action> {
        Ok(if self.is_valid(request)? { Action::Continue } else { Answer::new(401).into() })
    }

    fn sign(&self, request: &mut Request) -> Result<Action> {
        let time = now().to_string();
        if let Some(timestamp) = &self.config.timestamp {
            request.set_header(&timestamp.header, &time)?;
        }
        let signature = self.keys.sign(&self.signed(request, &time)?);
        let value = format!("{}{}", self.config.prefix, self.config.encoding.encode(&signature));
        request.set_header(&self.config.header, &value)?;
        Ok(Action::Continue)
    }
}

impl Plugin for HmacSignature {
    type Config = Config;

    fn new(mut config: Config) -> Result<Self> {
        config.check()?;
        if config.secrets.is_empty() {
            return Err("`secrets` is empty".into());
        }
        let read = |secret: Secret| secret.read(SHORTEST_SECRET);
        let secrets = config.secrets.drain(..).map(read).collect::<Result<Vec<_>>>()?;
        Ok(Self { config, keys: Keys::new(&secrets)? })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        match self.config.mode {
            Mode::Verify => self.verify(request),
            // What a backend gets is not made yet: a signature of something else would help nobody.
            Mode::Sign => Err(Error::new(
                "`mode` `sign` signs requests to backends and this is a client's: attach the plugin to a backend \
                 (`extra_config` of an element of `backend`)",
            )),
        }
    }

    fn on_backend_request(&self, request: &mut Request) -> Result<Action> {
        match self.config.mode {
            Mode::Verify => self.verify(request),
            Mode::Sign => self.sign(request),
        }
    }
}

export!(HmacSignature: on_request, on_backend_request);
