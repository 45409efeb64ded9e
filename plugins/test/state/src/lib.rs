//! Runs the commands of its configuration on `kv`, `metrics` and `config.env`, and reports what the gateway answers in the
//! header `x-state`.

use std::time::Duration;

use serde::Deserialize;
use torana_plugin::{Action, Error, Plugin, Request, Result, config, export, kv, metrics};

struct State {
    commands: Vec<Vec<String>>,
    /// A variable that was read when the instance started.
    region: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    request: Vec<Vec<String>>,
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::new(format!("`{text}` is no number")))
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn labels<'a>(texts: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    texts.iter().map(|text| text.split_once('=').unwrap_or((text, ""))).collect()
}

fn run(state: &State, command: &[&str]) -> Result<String> {
    const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
    Ok(match *command {
        ["get", key] => text(kv::get(key)?),
        ["set", key, value] => kv::set(key, value.as_bytes(), None).map(|()| "set".to_owned())?,
        ["fill", key, bytes] => {
            kv::set(key, &vec![b'x'; number(bytes)?], None).map(|()| "set".to_owned())?
        }
        ["briefly", key, value] => {
            kv::set(key, value.as_bytes(), Some(Duration::ZERO)).map(|()| "set".to_owned())?
        }
        ["if-absent", key, value] => kv::set_if_absent(key, value.as_bytes(), HOUR)?.to_string(),
        ["delete", key] => kv::delete(key)?.to_string(),
        ["add", key, by] => kv::add(key, number(by)?, HOUR)?.to_string(),
        ["count", name, by, ref rest @ ..] => {
            metrics::count(name, number(by)?, &labels(rest));
            "counted".to_owned()
        }
        ["gauge", name, value, ref rest @ ..] => {
            metrics::gauge(name, number(value)?, &labels(rest));
            "set".to_owned()
        }
        ["observe", name, value, ref rest @ ..] => {
            metrics::observe(name, number(value)?, &labels(rest));
            "observed".to_owned()
        }
        ["env", name] => config::env(name).unwrap_or_else(|| "-".to_owned()),
        ["region"] => state.region.clone().unwrap_or_else(|| "-".to_owned()),
        _ => return Err(Error::new(format!("no such command: {command:?}"))),
    })
}

impl Plugin for State {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self { commands: config.request, region: config::env("REGION") })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        for command in &self.commands {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            let answer = run(self, &command).unwrap_or_else(|error| format!("error: {error}"));
            request.add_header("x-state", &answer)?;
        }
        Ok(Action::Continue)
    }
}

export!(State: on_request);
