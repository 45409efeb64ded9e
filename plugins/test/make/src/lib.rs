//! Runs the commands in the header `x-do`, which are separated by `;`, on `cache`, and answers with what came of them. What
//! is claimed is held until the end.

use std::time::Duration;

use serde::Deserialize;
use torana_plugin::{
    Action, Answer, Error, Plugin, Request, Result,
    cache::{self, Claim, Claimed},
    export, http, kv,
};

/// As long as can be.
const LONGEST: Duration = Duration::from_secs(30);

struct Make(Config);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where the values come from.
    url: String,
}

fn milliseconds(text: &str) -> Result<Duration> {
    let number = text.parse().map_err(|_| Error::new(format!("`{text}` is no number")))?;
    Ok(Duration::from_millis(number))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn word(error: cache::Error) -> String {
    match error {
        cache::Error::TooLarge => "too large".to_owned(),
        cache::Error::Quota => "quota".to_owned(),
        cache::Error::TooMany => "too many".to_owned(),
        cache::Error::Timeout => "timeout".to_owned(),
        cache::Error::Unavailable(reason) => reason,
    }
}

impl Make {
    fn ask(&self) -> Result<Vec<u8>> {
        Ok(http::Request::get(&self.0.url).timeout(LONGEST).send()?.body)
    }

    fn run(&self, command: &[&str], held: &mut Vec<(String, Claim)>) -> Result<String> {
        Ok(match *command {
            ["ask"] => text(&self.ask()?),
            ["get-or-make", key] => {
                let hour = Some(Duration::from_secs(3600));
                text(&cache::get_or_make(key, || Ok((self.ask()?, hour)))?)
            }
            ["make", key, ttl] => match cache::claim(key, Some(LONGEST))? {
                Claimed::Found(value) => text(&value),
                Claimed::Yours(claim) => {
                    let value = self.ask()?;
                    claim.keep(&value, Some(milliseconds(ttl)?))?;
                    text(&value)
                }
            },
            ["get", key] => kv::get(key)?.map_or_else(|| "-".to_owned(), |value| text(&value)),
            ["claim", key, wait] => match cache::claim(key, Some(milliseconds(wait)?)) {
                Ok(Claimed::Found(value)) => text(&value),
                Ok(Claimed::Yours(claim)) => {
                    held.push((key.to_owned(), claim));
                    "yours".to_owned()
                }
                Err(error) => word(error),
            },
            ["keep", key, value, ttl] => {
                let at = held.iter().position(|(held, _)| held == key);
                let (_, claim) = held.remove(at.ok_or("there is no such claim")?);
                let kept = claim.keep(value.as_bytes(), Some(milliseconds(ttl)?));
                kept.map_or_else(word, |()| "kept".to_owned())
            }
            ["release", key] => {
                held.retain(|(held, _)| held != key);
                "released".to_owned()
            }
            ["trap"] => panic!("the request asked for it"),
            ["fail"] => return Err("the request asked for it".into()),
            ["loop"] => loop {
                std::hint::black_box(());
            },
            _ => return Err(Error::new(format!("no such command: {command:?}"))),
        })
    }
}

impl Plugin for Make {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let commands = request.header("x-do").unwrap_or_default();
        let (mut held, mut words) = (Vec::new(), Vec::new());
        for command in commands.split(';') {
            let command: Vec<&str> = command.split_whitespace().collect();
            if command == ["forget"] {
                // Nobody says that the claims end: the gateway sees to that.
                std::mem::take(&mut held).into_iter().for_each(std::mem::forget);
                continue;
            }
            words.push(self.run(&command, &mut held)?);
        }
        Ok(Answer::new(200).text(words.join("|")).into())
    }
}

export!(Make: on_request);
