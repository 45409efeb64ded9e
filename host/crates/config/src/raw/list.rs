//! Types of keys that the resolver looks at again: lists with positions, components, words.

use std::marker::PhantomData;

use serde_json::{Value, json};

use crate::{At, Diagnostics, FromConfig, wrong_type};

/// Elements with their indexes: wrong ones are left out, the others keep their places.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List<T>(pub(crate) Vec<(usize, T)>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> List<T> {
    /// The elements without their indexes.
    pub(crate) fn into_values(self) -> Vec<T> {
        self.0.into_iter().map(|(_, value)| value).collect()
    }
}

impl<T: FromConfig> FromConfig for List<T> {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::Array(items) => Some(Self(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| {
                        Some((index, T::from_config(item, At::Index(&at, index), out)?))
                    })
                    .collect(),
            )),
            other => {
                out.push(wrong_type("an array", other, at));
                None
            }
        }
    }
    fn schema() -> Value {
        json!({"type": "array", "items": T::schema()})
    }
    fn written(&self) -> Option<Value> {
        self.0
            .iter()
            .map(|(_, value)| value.written())
            .collect::<Option<Vec<_>>>()
            .map(Value::Array)
    }
}

/// An array of `T` whose elements the resolver reads one by one: only its type is checked here, nothing is copied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Later<T>(PhantomData<T>);

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: FromConfig> FromConfig for Later<T> {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        if !value.is_array() {
            out.push(wrong_type("an array", value, at));
        }
        Some(Self::default())
    }
    fn schema() -> Value {
        json!({"type": "array", "items": T::schema(), "minItems": 1})
    }
}

/// An `extra_config`: the resolver reads its components one by one, only its type is checked here.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Components;

impl FromConfig for Components {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        if !value.is_object() {
            out.push(wrong_type("an object", value, at));
        }
        Some(Self)
    }
    fn schema() -> Value {
        json!({"type": "object"})
    }
}

/// Declares a text whose words the resolver knows: wrong ones mean something, so reading them never fails.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident: $($word:literal)*;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) struct $name(pub(crate) String);

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                Self(word.to_owned())
            }
        }

        impl FromConfig for $name {
            fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
                String::from_config(value, at, out).map(Self)
            }
            fn schema() -> Value {
                json!({"enum": [$($word),*]})
            }
            fn written(&self) -> Option<Value> {
                self.0.written()
            }
        }
    )*};
}

words! {
    /// A method of an endpoint or backend.
    Method: "GET" "HEAD" "POST" "PUT" "PATCH" "DELETE" "OPTIONS";
    /// How an answer is written.
    OutputEncoding: "json" "fast-json" "json-collection" "xml" "yaml" "negotiate" "string" "no-op";
    /// How a backend's answer is read.
    Encoding: "json" "fast-json" "safejson" "xml" "rss" "yaml" "string" "no-op";
    /// Where hosts come from.
    ServiceDiscovery: "static" "dns";
    /// A version of TLS.
    TlsVersion: "TLS12" "TLS13";
}
