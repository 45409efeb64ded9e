//! What plugins may do beyond editing their message: what the configuration grants, and what a component asks for.

mod origin;
mod store;

use torana_config::{
    At, Diagnostic, Diagnostics, Field, FromConfig, Object, Value, did_you_mean, object_schema,
};

pub(crate) use self::{
    origin::Origin,
    store::{DEFAULT as DEFAULT_QUOTA, StoreGrant},
};

/// What a plugin must be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    Log,
    Http,
    Kv,
    Env,
    Metrics,
}

impl Capability {
    pub(crate) const ALL: [Self; 5] = [Self::Log, Self::Http, Self::Kv, Self::Env, Self::Metrics];

    /// Its key under `grants`, which but for `env` is the name of an interface too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Http => "http",
            Self::Kv => "kv",
            Self::Env => "env",
            Self::Metrics => "metrics",
        }
    }

    /// The capability for which an interface asks.
    pub(crate) fn of_interface(name: &str) -> Option<Self> {
        // What it keeps is kept in the plugin's store.
        let name = if name == "cache" { "kv" } else { name };
        Self::ALL.into_iter().find(|one| *one != Self::Env && one.word() == name)
    }

    /// How one writes the grant.
    fn example(self) -> &'static str {
        match self {
            Self::Log => r#""log": true"#,
            Self::Http => r#""http": ["https://HOST"]"#,
            Self::Kv => r#""kv": "STORE""#,
            Self::Env => r#""env": ["NAME"]"#,
            Self::Metrics => r#""metrics": true"#,
        }
    }
}

/// What a component asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asks {
    /// The capabilities that its imports stand for.
    pub(crate) capabilities: Vec<Capability>,
    /// It can print, which the grant `log` makes visible.
    pub(crate) prints: bool,
    /// It can read the environment, which the grant `env` puts something into.
    pub(crate) reads_environment: bool,
}

impl Asks {
    /// Adds one, which several imports may stand for.
    pub(crate) fn add(&mut self, one: Option<Capability>) {
        self.capabilities.extend(one.filter(|one| !self.capabilities.contains(one)));
    }

    fn wants(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
            || (capability == Capability::Log && self.prints)
            || (capability == Capability::Env && self.reads_environment)
    }
}

/// What a plugin may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Granted {
    /// Write to the gateway's log.
    pub(crate) log: bool,
    /// Where it may send requests to.
    pub(crate) http: Vec<Origin>,
    /// The store that it may use.
    pub(crate) kv: Option<StoreGrant>,
    /// The environment variables that it may read.
    pub(crate) env: Vec<String>,
    /// Keep metrics.
    pub(crate) metrics: bool,
}

impl Granted {
    fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Log => self.log,
            Capability::Http => !self.http.is_empty(),
            Capability::Kv => self.kv.is_some(),
            Capability::Env => !self.env.is_empty(),
            Capability::Metrics => self.metrics,
        }
    }

    /// What is asked for and not granted. A variable that is not granted is one that is not set.
    fn missing(&self, asks: &Asks) -> Vec<Capability> {
        let missing = |one: &Capability| *one != Capability::Env && !self.has(*one);
        asks.capabilities.iter().copied().filter(missing).collect()
    }

    /// What is wrong, and what to do about it, if something is missing.
    pub(crate) fn refusal(&self, name: &str, asks: &Asks) -> Option<(String, String)> {
        let missing = self.missing(asks);
        let words: Vec<_> = missing.iter().map(|one| format!("`{}`", one.word())).collect();
        let examples: Vec<_> = missing.iter().map(|one| one.example()).collect();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        (!missing.is_empty()).then(|| {
            (
                format!("`{name}` asks for {}, which {verb} not granted", words.join(" and ")),
                format!("add `\"grants\": {{{}}}`", examples.join(", ")),
            )
        })
    }

    /// What is granted and not asked for.
    pub(crate) fn unused(&self, asks: &Asks) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(|one| self.has(*one) && !asks.wants(*one))
    }

    /// Asked against granted, in words: `asks log, kv; granted log, kv sessions, http https://auth.internal (unused)`.
    /// Empty if there is neither. To import `env` is not to ask for it: that comes with the interface for `config`.
    pub(crate) fn describe(&self, asks: &Asks) -> String {
        let asked = asks.capabilities.iter().filter(|one| **one != Capability::Env);
        let asked: Vec<_> = asked.map(|one| one.word()).collect();
        let granted = Capability::ALL.into_iter().filter(|one| self.has(*one)).map(|one| {
            let unused = if asks.wants(one) { "" } else { " (unused)" };
            format!("{}{}{unused}", one.word(), self.values(one))
        });
        let granted: Vec<_> = granted.collect();
        match (asked.is_empty(), granted.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("asks nothing; granted {}", granted.join(", ")),
            (false, true) => format!("asks {}; granted nothing", asked.join(", ")),
            (false, false) => format!("asks {}; granted {}", asked.join(", "), granted.join(", ")),
        }
    }

    fn values(&self, capability: Capability) -> String {
        let values: Vec<_> = match capability {
            Capability::Log | Capability::Metrics => Vec::new(),
            Capability::Http => self.http.iter().map(|origin| origin.as_str().to_owned()).collect(),
            Capability::Kv => self.kv.iter().map(|grant| grant.store.clone()).collect(),
            Capability::Env => self.env.clone(),
        };
        values.iter().map(|value| format!(" {value}")).collect()
    }
}

/// What the plugin may do beyond editing its message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(pub(crate) Granted);

impl FromConfig for Grants {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let mut object = Object::open(value, at, out)?;
        let env: Vec<Variable> = object.field("env").unwrap_or_default();
        let granted = Granted {
            log: object.field("log").unwrap_or_default(),
            http: object.field("http").unwrap_or_default(),
            kv: object.field("kv"),
            env: env.into_iter().map(|variable| variable.0).collect(),
            metrics: object.field("metrics").unwrap_or_default(),
        };
        // Stricter than elsewhere: a misspelt grant is not one that somebody can do without.
        for key in value.as_object()?.keys().filter(|key| !key.starts_with(['@', '$', '_', '#'])) {
            if Capability::ALL.iter().any(|one| one.word() == key) {
                continue;
            }
            let here = At::Key(&at, key).pointer();
            let message = format!("there is no grant `{key}`");
            let mut diagnostic = Diagnostic::error("plugin-grant", here, message).on_key();
            diagnostic.help = did_you_mean(key, Capability::ALL.iter().map(|one| one.word()));
            out.push(diagnostic);
        }
        Some(Self(granted))
    }

    fn schema() -> Value {
        let field = |key: &'static str, doc: &str, schema: Value| Field {
            key,
            doc: doc.to_owned(),
            default: Some(""),
            default_value: None,
            schema,
        };
        object_schema(
            "What the plugin may do beyond editing its message. Default: nothing.",
            &[
                field("log", "Write to the gateway's log.", bool::schema()),
                field(
                    "http",
                    "Origins to which it may send requests, such as `https://auth.internal` or `http://localhost:8080`.",
                    Vec::<Origin>::schema(),
                ),
                field(
                    "kv",
                    "The store that it may use: its name, or an object. Plugins with the same store share it. A reload keeps its values if the new configuration grants it to a plugin, and drops them if it does not.",
                    StoreGrant::schema(),
                ),
                field(
                    "env",
                    "Environment variables that it may read. They are read when the configuration is loaded.",
                    Vec::<Variable>::schema(),
                ),
                field("metrics", "Keep metrics beside the gateway's.", bool::schema()),
            ],
        )
    }
}

/// The name of an environment variable.
#[derive(Debug)]
struct Variable(String);

impl FromConfig for Variable {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::String(name) if !name.is_empty() && !name.contains(['=', '\0']) => {
                Some(Self(name.clone()))
            }
            other => {
                out.push(torana_config::wrong_type("the name of a variable", other, at));
                None
            }
        }
    }

    fn schema() -> Value {
        String::schema()
    }
}

#[cfg(test)]
mod tests;
