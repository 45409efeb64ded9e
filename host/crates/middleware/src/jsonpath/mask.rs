//! Making values unreadable.

use serde_json::{Map, Value};
use torana_config::config;

use super::{
    Query,
    location::{self, Location},
};

config! {
    /// One rule that makes values unreadable.
    pub struct MaskConfig {
        /// Path of the values. In objects and lists every value inside is masked.
        "path" path: Query,
        /// How many characters at the end stay. A value that is not longer is masked whole.
        "keep_last" keep_last: usize = 0,
        /// What each masked character becomes.
        "with" with: String = "*".to_owned(),
    }
}

impl MaskConfig {
    pub(super) fn apply(&self, map: &mut Map<String, Value>, places: &[Location]) {
        for place in places {
            if place.is_empty() {
                map.values_mut().for_each(|value| self.cover(value));
            } else if let Some(value) = location::at(map, place) {
                self.cover(value);
            }
        }
    }

    /// Numbers and booleans become text; `null` says nothing and stays.
    fn cover(&self, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::Array(items) => items.iter_mut().for_each(|item| self.cover(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.cover(value)),
            Value::String(text) => *value = self.covered(text).into(),
            Value::Number(_) | Value::Bool(_) => *value = self.covered(&value.to_string()).into(),
        }
    }

    fn covered(&self, text: &str) -> String {
        let length = text.chars().count();
        let hidden = if length > self.keep_last { length - self.keep_last } else { length };
        let mut covered = self.with.repeat(hidden);
        covered.extend(text.chars().skip(hidden));
        covered
    }
}
