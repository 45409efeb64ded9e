//! Asks other services at the same time, and says in the header `x-asked` what came of it.

use std::time::Duration;

use serde::Deserialize;
use torana_plugin::{
    Action, Plugin, Request, Result, export,
    http::{self, Error},
};

/// The plugin.
struct Ask(Config);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    urls: Vec<String>,
    #[serde(default = "once")]
    times: usize,
    #[serde(default = "second")]
    timeout_ms: u64,
}

fn once() -> usize {
    1
}

fn second() -> u64 {
    1_000
}

fn word(answer: std::result::Result<http::Response, Error>) -> String {
    match answer {
        Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Err(Error::Denied(origin)) => format!("denied {origin}"),
        Err(Error::Invalid(_)) => "invalid".to_owned(),
        Err(Error::TooMany) => "too many".to_owned(),
        Err(Error::Timeout) => "timeout".to_owned(),
        Err(Error::TooLarge) => "too large".to_owned(),
        Err(Error::Failed(_)) => "failed".to_owned(),
    }
}

impl Plugin for Ask {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        let mut words = Vec::new();
        for _ in 0..self.0.times {
            let timeout = Duration::from_millis(self.0.timeout_ms);
            let requests = self.0.urls.iter().map(|url| http::Request::get(url).timeout(timeout));
            words.extend(http::send_all(requests).into_iter().map(word));
        }
        request.set_header("x-asked", &words.join("|"))?;
        Ok(Action::Continue)
    }
}

export!(Ask: on_request);
