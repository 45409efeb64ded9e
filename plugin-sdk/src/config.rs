//! What the gateway's configuration says to the plugin, beside its own [`Config`](crate::Plugin::Config).

use serde::de::DeserializeOwned;

use crate::{Error, Result, gateway::config};

/// A variable of the gateway's environment, if the grant `env` names it and it is set. Works in
/// [`Plugin::new`](crate::Plugin::new) too.
///
/// ```
/// use torana_plugin::{Plugin, Result, config, test::Gateway};
///
/// struct Regional(String);
///
/// impl Plugin for Regional {
///     type Config = ();
///
///     fn new((): ()) -> Result<Self> {
///         Ok(Self(config::env("REGION").ok_or("grant `env` with `REGION`")?))
///     }
/// }
///
/// assert!(Gateway::new().start::<Regional>("null").is_err());
/// let plugin = Gateway::new().with_env("REGION", "eu").start::<Regional>("null")?;
/// assert_eq!(plugin.0, "eu");
/// # Ok::<(), torana_plugin::Error>(())
/// ```
#[must_use]
pub fn env(name: &str) -> Option<String> {
    config::env(name)
}

/// The plugin's configuration.
pub(crate) fn read<C: DeserializeOwned>() -> Result<C> {
    parse(&config::get())
}

/// No `config` and an empty one mean the same, whichever of the two the type is able to read.
fn parse<C: DeserializeOwned>(text: &str) -> Result<C> {
    match text.trim() {
        "null" => value("null").or_else(|_| value("{}")),
        "{}" => value("{}").or_else(|error| value("null").map_err(|_| error)),
        text => value(text),
    }
}

fn value<C: DeserializeOwned>(text: &str) -> Result<C> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        // The place in a text that the author of the configuration never sees.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(head, _)| head);
        match path.as_str() {
            "." if std::any::type_name::<C>() == "()" => Error::new("the plugin takes no `config`"),
            "." => Error::new(message),
            path => Error::new(format!("`{path}`: {message}")),
        }
    })?;
    json.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Lenient {
        edits: BTreeMap<String, Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[expect(dead_code, reason = "only its absence matters")]
        header: String,
    }

    #[test]
    fn no_config_is_an_empty_one() {
        for text in ["null", "{}"] {
            parse::<()>(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            parse::<Option<()>>(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(parse::<Lenient>(text), Ok(Lenient::default()), "{text}");
        }
    }

    #[test]
    fn errors_name_the_key() {
        let message = |error: Error| error.to_string();
        assert_eq!(
            parse::<Lenient>(r#"{"edits":{"a":[1,"x"]}}"#).map_err(message),
            Err("`edits.a[1]`: invalid type: string \"x\", expected u8".to_owned())
        );
        assert_eq!(
            parse::<Lenient>(r#"{"edit":{}}"#).map_err(message),
            Err("`edit`: unknown field `edit`, expected `edits`".to_owned())
        );
        for text in ["null", "{}"] {
            let error = parse::<Strict>(text).expect_err("it lacks a key").to_string();
            assert_eq!(error, "missing field `header`", "{text}");
        }
        let error = parse::<()>(r#"{"a":1}"#).expect_err("there is a key").to_string();
        assert_eq!(error, "the plugin takes no `config`");
    }
}
