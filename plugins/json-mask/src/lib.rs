//! Masks values in decoded data, such as names and card numbers, that JSONPaths find.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use sha2::Sha256;
use torana_keys::Secret;
use torana_plugin::{Error, Found, Plugin, Response, Result, export};

#[cfg(test)]
mod tests;

/// Shorter keys can be guessed.
const SHORTEST_KEY: usize = 16;
/// Digits of a hash: 128 bits, enough that no two values share one.
const HASH_DIGITS: usize = 32;

/// The plugin.
struct JsonMask {
    rules: Vec<Rule>,
    key: Option<Hmac<Sha256>>,
    without_data: WithoutData,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rules: Vec<Rule>,
    /// The key of hashes.
    key: Option<Secret>,
    #[serde(default)]
    without_data: WithoutData,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    path: String,
    #[serde(default)]
    mode: Mode,
    /// What masks.
    #[serde(default = "default_text")]
    text: String,
    /// Characters at the end that stay.
    #[serde(default = "default_keep")]
    keep: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// The text, whatever the value.
    #[default]
    Fixed,
    /// The text and the last characters.
    KeepLast,
    /// A keyed hash: equal values stay equal.
    Hash,
    /// The member is not there.
    Remove,
}

/// What happens to a response that has no decoded data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WithoutData {
    /// The request fails: nobody knows what is in the body.
    #[default]
    Fail,
    /// It goes to the client as it is.
    Pass,
}

fn default_text() -> String {
    "***".to_owned()
}

fn default_keep() -> usize {
    4
}

impl Rule {
    fn check(&self) -> Result<()> {
        if !self.path.starts_with('$') {
            return Err(Error::new(format!("`{}` is no JSONPath: it begins with `$`", self.path)));
        }
        if self.path.trim() == "$" {
            return Err("`$` is the data itself and cannot be masked".into());
        }
        Ok(())
    }

    /// Applies an edit to each value that the path finds, from the end: what an edit moves or replaces is done already.
    fn edit(
        &self,
        response: &mut Response,
        edit: impl Fn(&mut Response, Found<Value>) -> Result<()>,
    ) -> Result<usize> {
        let found = response.query_data(&self.path)?;
        let count = found.len();
        found.into_iter().rev().try_for_each(|found| edit(response, found))?;
        Ok(count)
    }

    /// Masks what the path finds; says how many values that were.
    fn apply(&self, response: &mut Response, key: Option<&Hmac<Sha256>>) -> Result<usize> {
        match self.mode {
            Mode::Fixed => match response.replace_data(&self.path, &self.text) {
                Ok(count) => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
                Err(_) if is_body(response)? => Ok(0),
                Err(error) => Err(error),
            },
            Mode::Remove => self
                .edit(response, |response, found| response.remove_data(&found.pointer).map(drop)),
            Mode::KeepLast => self.edit(response, |response, found| {
                response.set_data(&found.pointer, &self.keep_last(&found.value))
            }),
            Mode::Hash => self.edit(response, |response, found| {
                response.set_data(&found.pointer, &hash(key, &found.value)?)
            }),
        }
    }

    /// The last characters of a text or number that is longer; of all else nothing stays.
    fn keep_last(&self, value: &Value) -> String {
        let text = plain(value).unwrap_or_default();
        let cut = text.chars().count().saturating_sub(self.keep);
        let tail = if cut == 0 { String::new() } else { text.chars().skip(cut).collect() };
        format!("{}{tail}", self.text)
    }
}

/// A text or number as people read it.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn hash(key: Option<&Hmac<Sha256>>, value: &Value) -> Result<String> {
    let key = key.cloned().ok_or("there is no key")?;
    let text = plain(value).unwrap_or_else(|| value.to_string());
    let hash = key.chain_update(text).finalize().into_bytes();
    Ok(hash.iter().take(HASH_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect())
}

impl JsonMask {
    fn mask(&self, response: &mut Response) -> Result<()> {
        let mut masked = 0;
        for rule in &self.rules {
            masked += rule.apply(response, self.key.as_ref())?;
        }
        if masked == 0 && self.without_data == WithoutData::Fail && is_body(response)? {
            return Err(
                "the response is not decoded (`no-op`): nothing can be masked in a body".into()
            );
        }
        Ok(())
    }
}

/// Whether the response is a body, in which nothing is found. The gateway says so only where something is to be changed:
/// the removal of a member that is not there.
fn is_body(response: &mut Response) -> Result<bool> {
    Ok(response.data::<IgnoredAny>("")?.is_none() && response.remove_data("/-").is_err())
}

impl Plugin for JsonMask {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let Config { rules, key, without_data } = config;
        if rules.is_empty() {
            return Err("`rules` is empty".into());
        }
        rules.iter().try_for_each(Rule::check)?;
        if key.is_none() && rules.iter().any(|rule| rule.mode == Mode::Hash) {
            return Err("the mode `hash` needs `key`: without one, values can be guessed".into());
        }
        let key = key.map(|key| {
            let key = key.read(SHORTEST_KEY)?;
            Hmac::new_from_slice(key.as_bytes()).map_err(|error| Error::new(error.to_string()))
        });
        Ok(Self { rules, key: key.transpose()?, without_data })
    }

    fn on_backend_response(&self, response: &mut Response) -> Result<()> {
        self.mask(response)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        self.mask(response)
    }
}

export!(JsonMask: on_backend_response, on_response);
