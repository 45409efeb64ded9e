//! Reading typed values from a JSON tree: every problem is gathered, none stops the reading.
//!
//! Serde's derive would stop at the first problem and would not say which keys nobody read.
//! [`config!`](crate::config) makes a struct, its reader, its JSON schema and its reference page from one declaration.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    At, Diagnostic, Diagnostics, Pointer, did_you_mean, duration, resolve::means_to_protect,
};

/// A value that can be read from configuration.
pub trait FromConfig: Sized {
    /// Reads `value`; on a problem reports it and gives `None`.
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self>;

    /// JSON schema of what [`FromConfig::from_config`] accepts.
    fn schema() -> Value;

    /// The value as one would write it: the default that schema and reference show. `None` shows nothing.
    fn written(&self) -> Option<Value> {
        None
    }
}

/// One documented field of a configuration object, for the schema and the reference.
#[derive(Debug, Clone)]
pub struct Field {
    /// Key in the document.
    pub key: &'static str,
    /// Doc comment, lines joined.
    pub doc: String,
    /// Default as written in the declaration; `None` for a required key.
    pub default: Option<&'static str>,
    /// Default as one would write it in a configuration, where it can be written.
    pub default_value: Option<Value>,
    /// JSON schema of the value.
    pub schema: Value,
}

/// A configuration object made by [`config!`](crate::config).
pub trait Documented {
    /// Doc comment of the object.
    fn doc() -> String;
    /// Its fields, in order.
    fn fields() -> Vec<Field>;
}

/// An object being read: hands out fields and knows which keys were asked for.
pub struct Object<'a, 'o> {
    map: &'a Map<String, Value>,
    at: At<'a>,
    /// Keys known beforehand; if there are any, no other is asked for.
    declared: &'static [&'static str],
    known: Vec<&'static str>,
    out: &'o mut Diagnostics,
}

impl<'a, 'o> Object<'a, 'o> {
    /// Starts to read `value`, which must be an object.
    pub fn open(value: &'a Value, at: At<'a>, out: &'o mut Diagnostics) -> Option<Self> {
        Self::declared(value, at, out, &[])
    }

    /// Starts to read `value`, which must be an object; only these keys will be asked for.
    pub fn declared(
        value: &'a Value,
        at: At<'a>,
        out: &'o mut Diagnostics,
        declared: &'static [&'static str],
    ) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, at, declared, known: Vec::new(), out }),
            other => {
                out.push(wrong_type("an object", other, at));
                None
            }
        }
    }

    /// Reads an optional field: `None` if it is absent, null or wrong (wrong was reported).
    pub fn field<T: FromConfig>(&mut self, key: &'static str) -> Option<T> {
        self.know(key);
        match self.map.get(key)? {
            Value::Null => None,
            value => T::from_config(value, At::Key(&self.at, key), self.out),
        }
    }

    /// Reads a field that must be there.
    pub fn required<T: FromConfig>(&mut self, key: &'static str) -> Option<T> {
        if self.map.get(key).is_none_or(Value::is_null) {
            self.know(key);
            self.out.push(Diagnostic::error(
                "missing-key",
                self.at.pointer(),
                format!("`{key}` is missing"),
            ));
            return None;
        }
        self.field(key)
    }

    fn know(&mut self, key: &'static str) {
        debug_assert!(self.declared.is_empty() || self.declared.contains(&key));
        if self.declared.is_empty() {
            self.known.push(key);
        }
    }

    /// Ends the reading: keys that nobody asked for are reported. Keys that start with
    /// `@`, `$`, `_` or `#` are comments (reference 2.1).
    pub fn close(self) {
        for key in self.map.keys() {
            let mut known = self.declared.iter().chain(&self.known).copied();
            if key.starts_with(['@', '$', '_', '#']) || known.any(|known| known == key) {
                continue;
            }
            let at = At::Key(&self.at, key).pointer();
            if means_to_protect(key) {
                let message = format!("`{key}` has no meaning here: it would protect nothing");
                let help = "components stand in `extra_config`";
                self.out.push(Diagnostic::error("unknown-key", at, message).on_key().help(help));
                continue;
            }
            let mut diagnostic =
                Diagnostic::warning("unknown-key", at, format!("unknown key `{key}`")).on_key();
            let known = self.declared.iter().chain(&self.known).copied();
            diagnostic.help = renamed(key)
                .filter(|today| known.clone().any(|known| known == *today))
                .map(|today| format!("version 3 calls it `{today}`"))
                .or_else(|| did_you_mean(key, known.clone()));
            self.out.push(diagnostic);
        }
    }
}

/// Today's name of a key of configuration version 2.
fn renamed(key: &str) -> Option<&'static str> {
    Some(match key {
        "whitelist" => "allow",
        "blacklist" => "deny",
        "headers_to_pass" => "input_headers",
        "querystring_params" => "input_query_strings",
        _ => return None,
    })
}

/// The diagnostic for a value of the wrong JSON type.
#[must_use]
pub fn wrong_type(expected: &str, found: &Value, at: At<'_>) -> Diagnostic {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => format!("the boolean {b}"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) if s.len() <= 40 => format!("the string \"{s}\""),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    Diagnostic::error("wrong-type", at.pointer(), format!("expected {expected}, found {found}"))
}

impl FromConfig for Value {
    fn from_config(value: &Value, _: At<'_>, _: &mut Diagnostics) -> Option<Self> {
        Some(value.clone())
    }
    fn schema() -> Value {
        json!({})
    }
    fn written(&self) -> Option<Value> {
        Some(self.clone())
    }
}

impl FromConfig for bool {
    /// Weakly typed as KrakenD's loader is (reference 2.1): `1`, `"true"` and `true` are all true.
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(*b),
            Value::Number(n) => Some(n.as_f64() != Some(0.0)),
            Value::String(s)
                if matches!(s.as_str(), "true" | "1" | "t" | "T" | "TRUE" | "True") =>
            {
                Some(true)
            }
            Value::String(s)
                if matches!(s.as_str(), "" | "false" | "0" | "f" | "F" | "FALSE" | "False") =>
            {
                Some(false)
            }
            other => {
                out.push(wrong_type("a boolean", other, at));
                None
            }
        }
    }
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
    fn written(&self) -> Option<Value> {
        Some((*self).into())
    }
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl FromConfig for $ty {
            /// Weakly typed (reference 2.1): `8080`, `8080.0` and `"8080"` are equal.
            fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
                let text = match value {
                    Value::Number(n) => n.to_string(),
                    Value::String(s) => s.trim().to_owned(),
                    Value::Bool(b) => u8::from(*b).to_string(),
                    other => {
                        out.push(wrong_type("an integer", other, at));
                        return None;
                    }
                };
                let whole = text.strip_suffix(".0").unwrap_or(&text);
                match whole.parse::<$ty>() {
                    Ok(number) => Some(number),
                    Err(_) => {
                        let range = format!("an integer from {} to {}", <$ty>::MIN, <$ty>::MAX);
                        out.push(wrong_type(&range, value, at));
                        None
                    }
                }
            }
            fn schema() -> Value {
                json!({"type": "integer", "minimum": <$ty>::MIN})
            }
            fn written(&self) -> Option<Value> {
                Some((*self).into())
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, usize, i64);

impl FromConfig for f64 {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let number = match value {
            Value::Number(n) => n.as_f64(),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            out.push(wrong_type("a number", value, at));
        }
        number
    }
    fn schema() -> Value {
        json!({"type": "number"})
    }
    fn written(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl FromConfig for String {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            other => {
                out.push(wrong_type("a string", other, at));
                None
            }
        }
    }
    fn schema() -> Value {
        json!({"type": "string"})
    }
    fn written(&self) -> Option<Value> {
        Some(self.clone().into())
    }
}

impl FromConfig for Duration {
    /// Go syntax (`1h30m`, `250ms`); a bare number is nanoseconds (reference 2.1).
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let parsed = match value {
            Value::Number(n) => n.as_u64().map(Duration::from_nanos).ok_or_else(|| {
                duration::Invalid { text: n.to_string(), reason: "it must not be negative" }
            }),
            Value::String(s) => duration::parse(s),
            other => {
                out.push(wrong_type("a duration such as \"2s\"", other, at));
                return None;
            }
        };
        match parsed {
            Ok(duration) => {
                if value.is_number() && !duration.is_zero() {
                    out.push(no_unit(value, at));
                }
                Some(duration)
            }
            Err(invalid) => {
                out.push(
                    Diagnostic::error("invalid-duration", at.pointer(), invalid.to_string()).help(
                        "write a number with a unit: ns, us, ms, s, m or h, such as \"1m30s\"",
                    ),
                );
                None
            }
        }
    }
    fn schema() -> Value {
        json!({"type": ["string", "integer"], "description": "duration, such as \"2s\" or \"1m30s\""})
    }
    fn written(&self) -> Option<Value> {
        Some(duration::format(*self).into())
    }
}

/// Whoever writes `3000` hardly means three microseconds.
fn no_unit(number: &Value, at: At<'_>) -> Diagnostic {
    let message = format!("{number} has no unit and counts nanoseconds");
    Diagnostic::warning("duration-without-unit", at.pointer(), message)
        .help("write a text with a unit, such as \"2s\"")
}

impl<T: FromConfig> FromConfig for Vec<T> {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            // Wrong elements are reported and left out, so that the others are checked as well.
            Value::Array(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| T::from_config(item, At::Index(&at, index), out))
                    .collect(),
            ),
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
        self.iter().map(T::written).collect::<Option<Vec<_>>>().map(Value::Array)
    }
}

impl<T: FromConfig> FromConfig for BTreeMap<String, T> {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::Object(map) => Some(
                map.iter()
                    .filter_map(|(key, value)| {
                        Some((key.clone(), T::from_config(value, At::Key(&at, key), out)?))
                    })
                    .collect(),
            ),
            other => {
                out.push(wrong_type("an object", other, at));
                None
            }
        }
    }
    fn schema() -> Value {
        json!({"type": "object", "additionalProperties": T::schema()})
    }
    fn written(&self) -> Option<Value> {
        self.iter()
            .map(|(key, value)| Some((key.clone(), value.written()?)))
            .collect::<Option<Map<_, _>>>()
            .map(Value::Object)
    }
}

impl<T: FromConfig> FromConfig for Option<T> {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_config(value, at, out).map(Some),
        }
    }
    fn schema() -> Value {
        T::schema()
    }
    fn written(&self) -> Option<Value> {
        self.as_ref().and_then(T::written)
    }
}

/// A size in bytes: a number, or text with a decimal or binary unit (`"1MB"`, `"64KiB"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl FromConfig for ByteSize {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let parsed = match value {
            Value::Number(n) => n.as_u64(),
            Value::String(s) => parse_size(s),
            _ => None,
        };
        if parsed.is_none() {
            out.push(wrong_type("a size such as 65536, \"64KiB\" or \"1MB\"", value, at));
        }
        parsed.map(Self)
    }
    fn schema() -> Value {
        json!({"type": ["integer", "string"], "description": "size, such as 65536 or \"1MB\""})
    }
    fn written(&self) -> Option<Value> {
        Some(self.0.into())
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Reads a whole component configuration found at `pointer`.
pub fn read<T: FromConfig>(value: &Value, pointer: &Pointer, out: &mut Diagnostics) -> Option<T> {
    T::from_config(value, At::Root(pointer), out)
}

/// The JSON schema of a documented object; comment keys are allowed everywhere.
#[must_use]
pub fn object_schema(doc: &str, fields: &[Field]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut schema = field.schema.clone();
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".into(), field.doc.clone().into());
            if let Some(default) = &field.default_value {
                schema.insert("default".into(), default.clone());
            }
        }
        properties.insert(field.key.into(), schema);
        if field.default.is_none() {
            required.push(field.key);
        }
    }
    json!({"type": "object", "description": doc, "properties": properties, "required": required,
           "patternProperties": {"^[@$_#]": {}}, "additionalProperties": false})
}

/// Declares a configuration object: struct, reader, schema and reference in one place.
///
/// ```
/// torana_config::config! {
///     /// What the component is for.
///     pub struct ExampleConfig {
///         /// A key that must be there.
///         "name" name: String,
///         /// A key with a default.
///         "size" size: u64 = 16,
///     }
/// }
/// ```
#[macro_export]
macro_rules! config {
    (
        $(#[doc = $object_doc:literal])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $doc:literal])* $key:literal $field:ident : $ty:ty $(= $default:expr)? ),* $(,)?
        }
    ) => {
        $(#[doc = $object_doc])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $( $(#[doc = $doc])* $vis $field: $ty, )*
        }

        impl $crate::FromConfig for $name {
            fn from_config(
                value: &$crate::Value,
                at: $crate::At<'_>,
                out: &mut $crate::Diagnostics,
            ) -> Option<Self> {
                let mut object = $crate::Object::declared(value, at, out, &[$($key),*])?;
                $( let $field = $crate::config!(@read object, $key, $ty $(, $default)?); )*
                object.close();
                Some(Self { $( $field: $field?, )* })
            }

            fn schema() -> $crate::Value {
                $crate::object_schema(
                    &<Self as $crate::Documented>::doc(),
                    &<Self as $crate::Documented>::fields(),
                )
            }
        }

        impl $crate::Documented for $name {
            fn doc() -> String {
                [$($object_doc.trim()),*].join("\n")
            }
            fn fields() -> Vec<$crate::Field> {
                vec![$( $crate::Field {
                    key: $key,
                    doc: [$($doc.trim()),*].join("\n"),
                    default: $crate::config!(@default $($default)?),
                    default_value: $crate::config!(@written $ty $(, $default)?),
                    schema: <$ty as $crate::FromConfig>::schema(),
                } ),*]
            }
        }
    };
    (@read $object:ident, $key:literal, $ty:ty, $default:expr) => {
        Some($object.field::<$ty>($key).unwrap_or_else(|| $default))
    };
    (@read $object:ident, $key:literal, $ty:ty) => { $object.required::<$ty>($key) };
    (@default $default:expr) => { Some(stringify!($default)) };
    (@default) => { None };
    (@written $ty:ty, $default:expr) => {
        <$ty as $crate::FromConfig>::written(&$default)
    };
    (@written $ty:ty) => { None };
}

/// Declares an enumeration of words: enum, reader with "did you mean", schema.
///
/// ```
/// torana_config::config_enum! {
///     /// What to do when the component fails.
///     pub enum OnError {
///         /// The request fails.
///         Fail = "fail",
///         /// The component is skipped.
///         Pass = "pass",
///     }
/// }
/// ```
#[macro_export]
macro_rules! config_enum {
    (
        $(#[doc = $enum_doc:literal])*
        pub enum $name:ident { $( $(#[doc = $doc:literal])* $variant:ident = $word:literal ),* $(,)? }
    ) => {
        $(#[doc = $enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[doc = $doc])* $variant, )* }

        impl $name {
            /// The word as written in a configuration.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl $crate::FromConfig for $name {
            fn from_config(
                value: &$crate::Value,
                at: $crate::At<'_>,
                out: &mut $crate::Diagnostics,
            ) -> Option<Self> {
                match value.as_str() {
                    $( Some($word) => Some(Self::$variant), )*
                    _ => {
                        let words = [$($word),*];
                        let mut diagnostic = $crate::wrong_type(
                            &format!("one of {}", words.join(", ")), value, at);
                        diagnostic.code = "unknown-word";
                        diagnostic.help = value
                            .as_str()
                            .and_then(|word| $crate::did_you_mean(word, words.iter().copied()));
                        out.push(diagnostic);
                        None
                    }
                }
            }
            fn schema() -> $crate::Value {
                $crate::json!({"enum": [$($word),*]})
            }
            fn written(&self) -> Option<$crate::Value> {
                Some(self.word().into())
            }
        }
    };
}
