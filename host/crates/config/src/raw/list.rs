//! Lists that keep the positions of their elements.

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

impl<T> FromConfig for Later<T> {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        if !value.is_array() {
            out.push(wrong_type("an array", value, at));
        }
        Some(Self::default())
    }
    /// Only the type: endpoints, backends and workflows contain each other, so the whole schema refers by name.
    fn schema() -> Value {
        json!({"type": "array"})
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
