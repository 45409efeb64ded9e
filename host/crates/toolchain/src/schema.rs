//! The JSON schema of a plugin's configuration, carried by its component.

use std::borrow::Cow;

use serde_json::Value;
use wasm_encoder::{ComponentSection, CustomSection};

use crate::error::Error;

/// The custom section of the component, at its outermost level, that holds the schema as JSON text.
pub const SECTION: &str = "torana:config-schema";

/// The first bytes of a component: magic, then version and layer as two 16-bit numbers.
pub(crate) const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// Adds a schema to a component.
///
/// # Errors
/// The schema is no JSON object, or the bytes are no component.
pub fn embed_config_schema(component: &[u8], schema: &str) -> Result<Vec<u8>, Error> {
    let error = |reason: String| Error::Schema { reason };
    match serde_json::from_str(schema) {
        Ok(Value::Object(_)) => {}
        Ok(_) => return Err(error("the schema is no JSON object".to_owned())),
        Err(wrong) => return Err(error(wrong.to_string())),
    }
    if !component.starts_with(PREAMBLE) {
        return Err(Error::NoComponent("the file is none".to_owned()));
    }
    let section =
        CustomSection { name: Cow::Borrowed(SECTION), data: Cow::Borrowed(schema.as_bytes()) };
    let mut bytes = component.to_owned();
    section.append_to_component(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wasmparser::{Parser, Payload};

    use super::*;

    fn sections(component: &[u8]) -> Vec<(String, Vec<u8>)> {
        let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
        let custom = payloads.filter_map(|payload| match payload {
            Payload::CustomSection(section) => {
                Some((section.name().to_owned(), section.data().to_owned()))
            }
            _ => None,
        });
        custom.collect()
    }

    proptest! {
        #[test]
        fn any_schema_comes_back(title in ".{0,300}") {
            let schema = serde_json::json!({ "title": title }).to_string();
            let component = embed_config_schema(PREAMBLE, &schema).unwrap();
            prop_assert_eq!(sections(&component), [(SECTION.to_owned(), schema.into_bytes())]);
        }
    }

    #[test]
    fn what_is_no_schema_or_no_component_is_refused() {
        for (component, schema) in
            [(PREAMBLE, "{"), (PREAMBLE, "[]"), (b"\0asm\x01\0\0\0", "{}"), (b"", "{}")]
        {
            assert!(embed_config_schema(component, schema).is_err(), "{schema}");
        }
    }
}
