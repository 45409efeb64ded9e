//! The JSON schema that a component may carry for its `config`: violations get their place in the gateway's file.

use jsonschema::{
    PatternOptions, ValidationError, ValidationOptions, Validator, error::ValidationErrorKind,
};
use torana_config::{Diagnostic, Pointer, Value, did_you_mean};

use crate::jsonpath::Query;

/// Bytes of a schema.
const MAX_SIZE: usize = 256 << 10;
/// Violations that are reported of one `config`.
const MAX_VIOLATIONS: usize = 20;
/// Steps that one regular expression may take back.
const BACKTRACKS: usize = 100_000;
/// Bytes that one compiled regular expression may have.
const PATTERN_SIZE: usize = 1 << 20;

/// The format of texts that are JSONPath queries as the gateway understands them. The standard formats are held against,
/// too.
const JSON_PATH: &str = "json-path";

/// Formats that are often used, for hints.
const FORMATS: [&str; 14] = [
    JSON_PATH,
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "regex",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

fn options<'r>() -> ValidationOptions<'r> {
    let patterns =
        PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(PATTERN_SIZE);
    // No network, no files: a reference may name a place in the schema itself only.
    jsonschema::options()
        .offline()
        .with_pattern_options(patterns)
        .should_validate_formats(true)
        .with_format(JSON_PATH, |text| Query::parse(text).is_ok())
}

/// A compiled schema.
pub(crate) struct Schema {
    text: Value,
    validator: Validator,
}

/// Why a component's schema cannot be used.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SchemaError {
    #[error("it has {0} different config schemas, not one")]
    Several(usize),
    #[error("its config schema is larger than {} KiB", MAX_SIZE >> 10)]
    TooLarge,
    #[error("its config schema is not JSON: {0}")]
    Json(String),
    #[error("its config schema is not valid: {0}")]
    Invalid(String),
}

impl Schema {
    /// The schema of a component, from the contents of the sections that may hold one.
    pub(crate) fn of(sections: &[&[u8]]) -> Result<Option<Self>, SchemaError> {
        let bytes = match sections {
            [] => return Ok(None),
            [bytes] if bytes.len() > MAX_SIZE => return Err(SchemaError::TooLarge),
            [bytes] => bytes,
            several => return Err(SchemaError::Several(several.len())),
        };
        let text =
            serde_json::from_slice(bytes).map_err(|error| SchemaError::Json(error.to_string()))?;
        Self::from_value(text).map(Some)
    }

    /// A schema that has been read.
    pub(crate) fn from_value(text: Value) -> Result<Self, SchemaError> {
        let validator =
            options().build(&text).map_err(|error| SchemaError::Invalid(error.to_string()))?;
        Ok(Self { text, validator })
    }

    /// The first format that nothing holds texts against, and its place. The standard allows such formats: a gateway
    /// loads them, but whoever misspells one should know.
    pub(crate) fn unknown_format(&self) -> Option<String> {
        let error = options().should_ignore_unknown_formats(false).build(&self.text).err()?;
        let place = error.schema_path().as_str();
        let format = self.text.pointer(place)?.as_str()?;
        let hint = did_you_mean(format, FORMATS).map(|hint| format!(", {hint}"));
        let hint = hint.unwrap_or_default();
        Some(format!("{place}: no text is held against the format `{format}`{hint}"))
    }

    /// As the component has it.
    pub(crate) fn text(&self) -> &Value {
        &self.text
    }

    /// The schema's own title.
    pub(crate) fn title(&self) -> Option<&str> {
        self.text.get("title")?.as_str()
    }

    /// What is wrong with the `config` of the plugin that is called `name` and stands `at`; a bounded number of findings.
    pub(crate) fn check(&self, name: &str, config: &Value, at: &Pointer) -> Vec<Diagnostic> {
        if config.is_null() {
            // Nothing is written that could be pointed at.
            let first = self.validator.iter_errors(config).next();
            let missing = |_| error(at.clone(), format!("plugin `{name}` needs a `config`"));
            return first.map(missing).into_iter().collect();
        }
        let at = at.key("config");
        self.validator
            .iter_errors(config)
            .flat_map(|violation| self.findings(name, &violation, &at))
            .take(MAX_VIOLATIONS)
            .collect()
    }

    fn findings(
        &self,
        name: &str,
        violation: &ValidationError<'_>,
        config: &Pointer,
    ) -> Vec<Diagnostic> {
        // Both are RFC 6901 text.
        let at = Pointer::parse(&format!("{config}{}", violation.instance_path().as_str()));
        match violation.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let unknown = |key: &String| {
                    let message = format!("plugin `{name}` knows no key `{key}` here");
                    let mut finding = error(at.key(key), message).on_key();
                    finding.help = did_you_mean(key, self.siblings(violation));
                    finding
                };
                unexpected.iter().map(unknown).collect()
            }
            ValidationErrorKind::Required { property } => {
                vec![error(at, format!("plugin `{name}` needs the key {property} here"))]
            }
            ValidationErrorKind::FalseSchema => {
                vec![error(at, format!("plugin `{name}` allows nothing here")).on_key()]
            }
            ValidationErrorKind::Format { format } if format == JSON_PATH => {
                let query = violation.instance().as_str().map(Query::parse);
                let reason = query.and_then(Result::err).map(|error| format!(": {error}"));
                let reason = reason.unwrap_or_default();
                vec![error(at, format!("plugin `{name}` cannot use this query{reason}"))]
            }
            // Without the value, which may be a secret.
            _ => {
                let what = violation.masked_with("the value");
                vec![error(at, format!("plugin `{name}`: {what}"))]
            }
        }
    }

    /// The keys that the schema names where a violation forbids others.
    fn siblings(&self, violation: &ValidationError<'_>) -> impl Iterator<Item = &str> {
        let keyword = violation.schema_path().as_str();
        let object = keyword.rsplit_once('/').map_or("", |(object, _)| object);
        let properties =
            self.text.pointer(object).and_then(|object| object.get("properties")?.as_object());
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }
}

fn error(at: Pointer, message: String) -> Diagnostic {
    Diagnostic::error("plugin-schema", at, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use torana_config::{Part, json};

    use super::*;

    fn schema(text: &Value) -> Schema {
        Schema::of(&[text.to_string().as_bytes()]).expect("a valid schema").expect("a schema")
    }

    fn example() -> Schema {
        schema(&json!({
            "title": "Limiter",
            "type": "object",
            "required": ["header"],
            "additionalProperties": false,
            "properties": {
                "header": {"type": "string", "pattern": "^[a-z-]+$"},
                "rate": {"type": "number", "minimum": 0.5, "maximum": 100},
                "count": {"type": "integer"},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
            },
            "$defs": {"rule": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"a/b": {"enum": ["x", "y"]}, "gone": false},
            }},
        }))
    }

    fn found(config: &Value) -> Vec<(String, String, Part)> {
        let findings = example().check("p", config, &Pointer::parse("/plugin~1wasm/0"));
        assert!(findings.iter().all(|finding| finding.code == "plugin-schema"));
        findings.into_iter().map(|f| (f.at.as_str().to_owned(), f.message, f.part)).collect()
    }

    #[test]
    fn violations_have_their_places() {
        let at = |rest: &str| format!("/plugin~1wasm/0/config{rest}");
        let mut both = found(&json!({"header": 5, "hedaer": "x"}));
        both.sort_by(|one, other| one.0.cmp(&other.0));
        let wrong_type = "plugin `p`: the value is not of type \"string\"".to_owned();
        let unknown = "plugin `p` knows no key `hedaer` here".to_owned();
        assert_eq!(
            both,
            [(at("/header"), wrong_type, Part::Value), (at("/hedaer"), unknown, Part::Key),]
        );
        let [(place, message, _)] = &found(&json!({}))[..] else { panic!("one finding") };
        assert_eq!((place, &**message), (&at(""), "plugin `p` needs the key \"header\" here"));
        let rules = json!({"header": "a", "rules": [{"a/b": "x"}, {"a/b": "secret"}, {"gone": 1}]});
        let places: Vec<_> = found(&rules).into_iter().map(|(place, ..)| place).collect();
        assert_eq!(places, [at("/rules/1/a~1b"), at("/rules/2/gone")]);
        assert!(!found(&rules)[0].1.contains("secret"), "values stay out of messages");
    }

    #[test]
    fn misspelt_keys_get_a_hint_also_behind_references() {
        let config = json!({"header": "a", "rules": [{"a/c": "x"}]});
        let findings = example().check("p", &config, &Pointer::root());
        assert_eq!(findings[0].help.as_deref(), Some("did you mean `a/b`?"));
    }

    #[test]
    fn a_missing_config_is_reported_once_and_above() {
        let [(place, message, _)] = &found(&Value::Null)[..] else { panic!("one finding") };
        assert_eq!((&**place, &**message), ("/plugin~1wasm/0", "plugin `p` needs a `config`"));
        assert!(
            schema(&json!({"type": ["object", "null"]}))
                .check("p", &Value::Null, &Pointer::root())
                .is_empty()
        );
    }

    #[test]
    fn numbers_keep_their_meaning() {
        // Numbers are kept as text in this program: the validator must see numbers all the same.
        let valid = |text: &str| {
            let config = serde_json::from_str(text).expect("JSON");
            found(&config).is_empty()
        };
        assert!(valid(r#"{"header": "a", "rate": 0.5, "count": 5}"#));
        assert!(valid(r#"{"header": "a", "rate": 1e2, "count": 5.0}"#));
        assert!(!valid(r#"{"header": "a", "rate": 0.49}"#));
        assert!(!valid(r#"{"header": "a", "rate": 100.5}"#));
        assert!(!valid(r#"{"header": "a", "count": 5.5}"#));
        assert!(valid(r#"{"header": "a", "count": 123456789012345678901234567890}"#));
        assert!(!valid(r#"{"header": "a", "rate": 123456789012345678901234567890}"#));
        let choice = schema(&json!({"enum": [1, 2.5]}));
        for (value, count) in [("1", 0), ("1.0", 0), ("2.5", 0), ("2", 1)] {
            let value = serde_json::from_str(value).expect("JSON");
            assert_eq!(choice.check("p", &value, &Pointer::root()).len(), count, "{value}");
        }
    }

    #[test]
    fn findings_are_bounded() {
        let items: Vec<_> = (0..1000).map(|number| json!({"gone": number})).collect();
        assert_eq!(found(&json!({"header": "a", "rules": items})).len(), MAX_VIOLATIONS);
        let keys: serde_json::Map<_, _> =
            (0..1000).map(|number| (format!("k{number}"), Value::Null)).collect();
        assert_eq!(found(&Value::Object(keys)).len(), MAX_VIOLATIONS);
    }

    #[test]
    fn damaged_schemas_are_refused() {
        let of = |sections: &[&[u8]]| Schema::of(sections).map(|_| ()).expect_err("damaged");
        assert!(matches!(of(&[b"{"]), SchemaError::Json(_)));
        assert!(matches!(of(&[b""]), SchemaError::Json(_)));
        assert_eq!(of(&[b"{}", b"true"]), SchemaError::Several(2));
        assert_eq!(of(&[&vec![b' '; MAX_SIZE + 1]]), SchemaError::TooLarge);
        for wrong in [
            json!({"type": "objekt"}),
            json!({"properties": 5}),
            json!({"pattern": "("}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"$ref": "#/nowhere"}),
        ] {
            let error = of(&[wrong.to_string().as_bytes()]);
            assert!(matches!(error, SchemaError::Invalid(_)), "{wrong}: {error}");
        }
        assert!(Schema::of(&[]).expect("none is fine").is_none());
    }

    #[test]
    fn slow_patterns_end() {
        let slow = schema(&json!({"pattern": "^(?=a)(a+)+\\1$"}));
        let config = json!("a".repeat(60) + "!");
        assert_eq!(slow.check("p", &config, &Pointer::root()).len(), 1);
    }

    #[test]
    fn formats_are_held_against() {
        let schema = schema(&json!({"properties": {
            "path": {"format": "json-path"}, "until": {"format": "date-time"}
        }}));
        let found = |config: Value| -> Vec<_> {
            let findings = schema.check("p", &config, &Pointer::root());
            findings
                .into_iter()
                .map(|found| (found.at.as_str().to_owned(), found.message))
                .collect()
        };
        assert!(
            found(json!({"path": "$.a[?@.b > 1]", "until": "2026-12-24T18:00:00Z"})).is_empty()
        );
        let [(place, message)] = &found(json!({"path": "$.a[", "until": null}))[..] else {
            panic!("one finding")
        };
        assert_eq!(place, "/config/path");
        assert!(
            message.starts_with("plugin `p` cannot use this query: invalid JSONPath"),
            "{message}"
        );
        let [(place, _)] = &found(json!({"until": "tomorrow"}))[..] else { panic!("one finding") };
        assert_eq!(place, "/config/until");
    }

    #[test]
    fn formats_that_nobody_knows_are_found() {
        let of = |text: Value| schema(&text).unknown_format();
        assert_eq!(
            of(json!({"properties": {"until": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"format": "date-tme"}}})),
            Some(
                "/$defs/t/format: no text is held against the format `date-tme`, did you mean `date-time`?"
                    .to_owned()
            )
        );
        for fine in FORMATS.map(|format| json!({ "format": format })) {
            assert_eq!(of(fine), None);
        }
        assert_eq!(of(json!({"properties": {"format": {"enum": ["x"]}}})), None);
    }

    #[test]
    fn a_schema_may_have_a_title() {
        assert_eq!(example().title(), Some("Limiter"));
        assert_eq!(schema(&json!(true)).title(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>) {
            let _ = Schema::of(&[&bytes]);
        }
    }
}
