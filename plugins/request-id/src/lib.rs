//! Gives each request an identifier, for logs along its way.

use serde::Deserialize;
use torana_plugin::{
    Action, Hooks, Plugin, Request, Response, Result, clock, context, export, header, random,
};

#[cfg(test)]
mod tests;

/// Under which key the response hook finds the identifier.
const KEY: &str = "id";
/// The longest identifier of a client that is taken over.
const LONGEST: usize = 128;

/// The plugin.
struct RequestId {
    config: Config,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    header: String,
    format: Format,
    /// Whether an identifier that the client sends is taken over.
    trust: bool,
    /// Whether the client gets it, too.
    response: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { header: "x-request-id".into(), format: Format::UuidV4, trust: false, response: true }
    }
}

/// What an identifier looks like.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    /// 122 random bits (RFC 9562 5.4).
    UuidV4,
    /// The time in milliseconds and 74 random bits (RFC 9562 5.7): later ones are larger.
    UuidV7,
    /// 32 hexadecimal digits, all random.
    Hex,
}

impl Format {
    fn make(self) -> String {
        let bits = u128::from(random::number()) << 64 | u128::from(random::number());
        match self {
            Self::UuidV4 => uuid(bits, 4),
            Self::UuidV7 => uuid(u128::from(clock::now_ms()) << 80 | bits >> 48, 7),
            Self::Hex => format!("{bits:032x}"),
        }
    }
}

/// A UUID: the bits, those of version and variant replaced.
fn uuid(bits: u128, version: u128) -> String {
    let bits = bits & !(0xf << 76) | version << 76;
    let bits = bits & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// Whether an identifier can go into logs and headers as it is.
fn is_harmless(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(&byte))
}

impl Plugin for RequestId {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        header::check_name(&config.header)?;
        Ok(Self { config })
    }

    fn hooks(&self) -> Hooks {
        if self.config.response {
            Hooks::ON_REQUEST | Hooks::ON_RESPONSE
        } else {
            Hooks::ON_REQUEST
        }
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let name = &self.config.header;
        let given = if self.config.trust { request.header(name) } else { None };
        let id = given.filter(|id| is_harmless(id)).unwrap_or_else(|| self.config.format.make());
        request.set_header(name, &id)?;
        if self.config.response {
            context::set(KEY, id.as_bytes())?;
        }
        Ok(Action::Continue)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        match context::get(KEY) {
            Some(id) => response.set_header(&self.config.header, &String::from_utf8_lossy(&id)),
            None => Ok(()),
        }
    }
}

export!(RequestId: on_request, on_response);
