//! Whether a JSON schema tells what a type reads.

use serde::de::{DeserializeOwned, Deserializer, Visitor, value::Error as Stop};
use serde_json::Value;

/// Checks that a JSON schema describes a configuration type: at `pointer` in the schema (empty for all of it) stands an
/// object that has each field of `T`, no other, each with a `description`, and forbids other keys.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Config {
///     header: String,
/// }
///
/// torana_plugin::test::check_schema::<Config>(
///     r#"{
///       "type": "object",
///       "properties": { "header": { "type": "string", "description": "The header." } },
///       "additionalProperties": false
///     }"#,
///     "",
/// );
/// ```
///
/// # Panics
/// If it does not, with what is missing.
pub fn check_schema<T: DeserializeOwned>(schema: &str, pointer: &str) {
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let object = schema.pointer(pointer).unwrap_or_else(|| panic!("`{pointer}` is not there"));
    let properties = object["properties"].as_object().expect("the schema has `properties`");
    let fields = fields::<T>();
    for field in fields {
        let property = properties.get(*field).unwrap_or_else(|| panic!("`{field}` is missing"));
        assert!(property["description"].is_string(), "`{field}` has no description");
    }
    for name in properties.keys() {
        assert!(fields.contains(&name.as_str()), "`{name}` is no field of the configuration");
    }
    assert_eq!(object["additionalProperties"], false, "other keys are not forbidden");
}

/// The names of a struct's fields, as its deserialisation asks for them.
fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut found = None;
    // It stops at the question: what comes back is an error in any case.
    let _ = T::deserialize(Ask(&mut found));
    found.expect("the configuration is a struct with named fields")
}

struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

fn stop<T>() -> Result<T, Stop> {
    Err(serde::de::Error::custom("only asked"))
}

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        stop()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        *self.0 = Some(fields);
        stop()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
