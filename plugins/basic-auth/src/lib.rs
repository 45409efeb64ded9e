//! Asks for a user name and a password (RFC 7617).

use std::collections::BTreeMap;

use serde::Deserialize;
use torana_plugin::{Action, Answer, Error, Plugin, Request, Result, export, header};

mod credentials;
mod password;

use password::Password;

#[cfg(test)]
mod tests;

const AUTHORIZATION: &str = "authorization";

/// The plugin.
struct BasicAuth {
    config: Config,
    challenge: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    users: BTreeMap<String, Password>,
    #[serde(default = "default_realm")]
    realm: String,
    /// The header that tells backends who it is.
    user_header: Option<String>,
    #[serde(default = "default_remove")]
    remove_authorization: bool,
}

fn default_realm() -> String {
    "restricted".to_owned()
}

fn default_remove() -> bool {
    true
}

impl Config {
    fn check(&self) -> Result<()> {
        if self.users.is_empty() {
            return Err("`users` is empty".into());
        }
        for name in self.users.keys() {
            // The first colon ends the name (RFC 7617 section 2).
            if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
                return Err(Error::new(format!("`{name}` cannot be the name of a user")));
            }
            if let Some(field) = &self.user_header {
                header::check(field, name)?;
            }
        }
        let quotable = |c: char| c.is_ascii() && !c.is_ascii_control() && c != '"' && c != '\\';
        if !self.realm.chars().all(quotable) {
            return Err("`realm` must be ASCII text without quotes and backslashes".into());
        }
        Ok(())
    }

    /// Who it is, if the password is right. A name that nobody has costs the time of one that somebody has.
    fn user(&self, credentials: &str) -> Option<String> {
        let (name, password) = credentials::decode(credentials)?;
        let known = self.users.get(&name);
        let right = known.unwrap_or(&Password::NOBODYS).is(&password);
        (right && known.is_some()).then_some(name)
    }
}

impl Plugin for BasicAuth {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.check()?;
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", config.realm);
        Ok(Self { config, challenge: Answer::new(401).header("www-authenticate", challenge) })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        // Two fields may be read differently by whoever comes next: neither is believed.
        let user = match request.headers(AUTHORIZATION).as_slice() {
            [credentials] => self.config.user(credentials),
            _ => None,
        };
        let Some(user) = user else { return Ok(self.challenge.clone().into()) };
        if let Some(name) = &self.config.user_header {
            request.set_header(name, &user)?;
        }
        if self.config.remove_authorization {
            request.remove_header(AUTHORIZATION)?;
        }
        Ok(Action::Continue)
    }
}

export!(BasicAuth: on_request);
