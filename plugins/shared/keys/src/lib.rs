//! Secrets in the configuration of plugins: as text, or by the name of a variable of the gateway's environment.

use serde::Deserialize;
use torana_plugin::{Error, Result, config};

/// A secret: a text, or `{"env": "NAME"}` for a variable that the grant `env` names.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a secret is a text or {\"env\": \"NAME\"}")]
pub enum Secret {
    /// The secret itself.
    Text(String),
    /// Where it is.
    Env(Variable),
}

/// The name of a variable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    env: String,
}

impl Secret {
    /// Reads it.
    ///
    /// # Errors
    /// It is shorter than `least` bytes, or the variable is not set or not granted.
    pub fn read(self, least: usize) -> Result<String> {
        let (secret, name) = match self {
            Self::Text(text) => (text, "the secret".to_owned()),
            Self::Env(Variable { env }) => match config::env(&env) {
                Some(text) => (text, format!("the variable `{env}`")),
                None => {
                    let message =
                        format!("the variable `{env}` is not set, or `grants.env` lacks it");
                    return Err(Error::new(message));
                }
            },
        };
        if secret.len() < least {
            return Err(Error::new(format!("{name} is shorter than {least} bytes")));
        }
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use torana_plugin::{Plugin, test::Gateway};

    use super::*;

    struct Keeper(String);

    impl Plugin for Keeper {
        type Config = Secret;

        fn new(secret: Secret) -> Result<Self> {
            secret.read(4).map(Self)
        }
    }

    #[test]
    fn secrets_are_texts_or_variables() {
        let gateway = Gateway::new().with_env("KEY", "from-env").with_env("SHORT", "abc");
        for (config, expected) in [
            (r#""text""#, Ok("text")),
            (r#"{"env":"KEY"}"#, Ok("from-env")),
            (r#"{"env":"NONE"}"#, Err("the variable `NONE` is not set, or `grants.env` lacks it")),
            (r#"{"env":"SHORT"}"#, Err("the variable `SHORT` is shorter than 4 bytes")),
            (r#""abc""#, Err("the secret is shorter than 4 bytes")),
            ("7", Err(r#"a secret is a text or {"env": "NAME"}"#)),
        ] {
            let found = gateway.start::<Keeper>(config).map(|keeper| keeper.0.clone());
            let found = found.as_deref().map_err(ToString::to_string);
            assert_eq!(found, expected.map_err(str::to_owned), "{config}");
        }
    }
}
