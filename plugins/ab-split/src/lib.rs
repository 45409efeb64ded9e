//! Splits traffic between variants: by a header, a cookie or a percentage.

use std::collections::BTreeMap;

use serde::Deserialize;
use torana_plugin::{
    Action, Error, Hooks, Plugin, Request, Response, Result, context, export, header, random,
};

mod cookie;
mod name;
mod query;
mod sticky;

use sticky::Sticky;

#[cfg(test)]
mod tests;

/// Under which key the response hook finds the variant.
const KEY: &str = "variant";
/// Parts of the traffic: a hundredth of a percent each.
const BUCKETS: u64 = 10_000;

/// The plugin.
struct AbSplit {
    config: Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    variants: Vec<Variant>,
    /// What all others get.
    #[serde(default = "default_variant")]
    default: String,
    /// The request header that names the variant.
    #[serde(default = "default_header")]
    header: String,
    /// The response header that does.
    response_header: Option<String>,
    /// What keeps a client at its variant.
    #[serde(default)]
    sticky: Sticky,
    /// Makes two experiments independent of each other.
    #[serde(default)]
    salt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    name: String,
    /// Who gets it in any case: one of these must hold.
    #[serde(default, rename = "match")]
    matches: Vec<Match>,
    /// How much of the rest gets it.
    #[serde(default)]
    percent: f64,
    /// What stands in front of the path.
    path_prefix: Option<String>,
    /// Parameters of the query.
    #[serde(default)]
    query: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    header: Option<String>,
    cookie: Option<String>,
    /// Any value without.
    value: Option<String>,
}

fn default_variant() -> String {
    "default".to_owned()
}

fn default_header() -> String {
    "x-variant".to_owned()
}

impl Match {
    fn check(&self) -> Result<()> {
        if self.header.is_some() == self.cookie.is_some() {
            return Err("`match` needs `header` or `cookie`, one of them".into());
        }
        name::check(self.header.as_deref(), self.cookie.as_deref())
    }

    fn holds(&self, request: &Request) -> bool {
        let found = match (&self.header, &self.cookie) {
            (Some(name), _) => request.header(name),
            (None, Some(name)) => cookie::find(&request.headers("cookie"), name),
            (None, None) => None,
        };
        found.is_some_and(|found| self.value.as_ref().is_none_or(|value| *value == found))
    }
}

impl Variant {
    fn check(&self, header: &str) -> Result<()> {
        let fail = |message: &str| Err(Error::new(format!("variant `{}`: {message}", self.name)));
        header::check(header, &self.name)?;
        if !(0.0..=100.0).contains(&self.percent) {
            return fail("`percent` must be between 0 and 100");
        }
        if self.percent > 0.0 && self.buckets() == 0 {
            return fail("`percent` is nobody: the smallest step is 0.01");
        }
        if self.percent == 0.0 && self.matches.is_empty() {
            return fail("it needs `percent` or `match`: nobody would get it");
        }
        let is_prefix = |prefix: &str| {
            prefix.starts_with('/')
                && !prefix.ends_with('/')
                && prefix.bytes().all(|b| b.is_ascii_graphic() && !b"?#<>\\".contains(&b))
        };
        if self.path_prefix.as_deref().is_some_and(|prefix| !is_prefix(prefix)) {
            return fail("`path_prefix` begins with a slash and does not end with one");
        }
        self.matches
            .iter()
            .try_for_each(|condition| condition.check().or_else(|error| fail(&error.to_string())))
    }

    /// How many of the buckets are this variant's.
    fn buckets(&self) -> u64 {
        // A number between 0 and 10,000.
        (self.percent * 100.0).round() as u64
    }

    fn apply(&self, request: &mut Request) -> Result<()> {
        if let Some(prefix) = &self.path_prefix {
            request.set_path(&format!("{prefix}{}", request.path()))?;
        }
        if !self.query.is_empty() {
            request.set_query(&query::set(&request.query(), &self.query))?;
        }
        Ok(())
    }
}

impl AbSplit {
    fn choose(&self, request: &Request) -> Option<&Variant> {
        let variants = &self.config.variants;
        let matching = |variant: &&Variant| variant.matches.iter().any(|m| m.holds(request));
        if let Some(variant) = variants.iter().find(matching) {
            return Some(variant);
        }
        let mut bucket = self.bucket(request);
        variants.iter().find(|variant| {
            let wins = bucket < variant.buckets();
            bucket = bucket.saturating_sub(variant.buckets());
            wins
        })
    }

    /// The same for a client each time if it can be told apart, else any.
    fn bucket(&self, request: &Request) -> u64 {
        let number = match self.config.sticky.value(request) {
            Some(value) => sticky::hash(&self.config.salt, &value),
            None => random::number(),
        };
        number % BUCKETS
    }
}

impl Plugin for AbSplit {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if config.variants.is_empty() {
            return Err("`variants` is empty".into());
        }
        header::check(&config.header, &config.default)?;
        if let Some(name) = &config.response_header {
            header::check_name(name)?;
        }
        config.sticky.check()?;
        config.variants.iter().try_for_each(|variant| variant.check(&config.header))?;
        if config.variants.iter().map(Variant::buckets).sum::<u64>() > BUCKETS {
            return Err("the variants have more than 100 percent together".into());
        }
        Ok(Self { config })
    }

    fn hooks(&self) -> Hooks {
        match self.config.response_header {
            Some(_) => Hooks::ON_REQUEST | Hooks::ON_RESPONSE,
            None => Hooks::ON_REQUEST,
        }
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let variant = self.choose(request);
        let name = variant.map_or(self.config.default.as_str(), |variant| &variant.name);
        request.set_header(&self.config.header, name)?;
        if self.config.response_header.is_some() {
            context::set(KEY, name.as_bytes())?;
        }
        if let Some(variant) = variant {
            variant.apply(request)?;
        }
        Ok(Action::Continue)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        match (&self.config.response_header, context::get(KEY)) {
            (Some(name), Some(variant)) => {
                response.set_header(name, &String::from_utf8_lossy(&variant))
            }
            _ => Ok(()),
        }
    }
}

export!(AbSplit: on_request, on_response);
