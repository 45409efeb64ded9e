//! Sets, adds and removes headers of requests and responses, at any level.

use std::collections::BTreeMap;

use serde::Deserialize;
use torana_plugin::{Action, Hooks, Message, Plugin, Request, Response, Result, export, header};

#[cfg(test)]
mod tests;

/// The plugin.
struct HeaderEdit {
    config: Config,
}

/// What to do; the order is remove, set, add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    request: Option<Edits>,
    response: Option<Edits>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edits {
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, Values>,
    #[serde(default)]
    add: BTreeMap<String, Values>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "values are a text or an array of texts")]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

impl Edits {
    fn check(&self) -> Result<()> {
        self.remove.iter().try_for_each(|name| header::check_name(name))?;
        for (name, values) in self.set.iter().chain(&self.add) {
            header::check_name(name)?;
            values.iter().try_for_each(|value| header::check(name, value))?;
        }
        Ok(())
    }

    fn apply(&self, message: &mut Message) -> Result<()> {
        for name in &self.remove {
            message.remove_header(name)?;
        }
        for (name, values) in &self.set {
            for (index, value) in values.iter().enumerate() {
                if index == 0 {
                    message.set_header(name, value)?;
                } else {
                    message.add_header(name, value)?;
                }
            }
        }
        for (name, values) in &self.add {
            for value in values.iter() {
                message.add_header(name, value)?;
            }
        }
        Ok(())
    }

    fn edit(edits: Option<&Self>, message: &mut Message) -> Result<()> {
        edits.map_or(Ok(()), |edits| edits.apply(message))
    }
}

impl Plugin for HeaderEdit {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if config.request.is_none() && config.response.is_none() {
            return Err("config needs `request`, `response` or both".into());
        }
        [&config.request, &config.response].into_iter().flatten().try_for_each(Edits::check)?;
        Ok(Self { config })
    }

    fn hooks(&self) -> Hooks {
        let mut hooks = Hooks::empty();
        if self.config.request.is_some() {
            hooks |= Hooks::ON_REQUEST | Hooks::ON_BACKEND_REQUEST;
        }
        if self.config.response.is_some() {
            hooks |= Hooks::ON_RESPONSE | Hooks::ON_BACKEND_RESPONSE;
        }
        hooks
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        Edits::edit(self.config.request.as_ref(), request)?;
        Ok(Action::Continue)
    }

    fn on_backend_request(&self, request: &mut Request) -> Result<Action> {
        self.on_request(request)
    }

    fn on_backend_response(&self, response: &mut Response) -> Result<()> {
        self.on_response(response)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        Edits::edit(self.config.response.as_ref(), response)
    }
}

export!(HeaderEdit: on_request, on_backend_request, on_backend_response, on_response);
