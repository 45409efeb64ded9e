//! Checked configurations for benches.

use serde_json::{Value, json};
use torana_config::{Diagnostics, Document, Format, Options, Supported, resolve, valid::Gateway};

/// A gateway with these endpoints.
pub(crate) fn gateway(endpoints: &Value, supported: Vec<Supported>) -> Gateway {
    let root = json!({"version": 3, "host": ["http://backend"], "endpoints": endpoints});
    let document = Document::parse("bench.json", root.to_string(), Format::Json).expect("JSON");
    let mut diagnostics = Diagnostics::default();
    let options = Options { supported, ..Options::default() };
    let gateway = resolve(&document, &options, &mut diagnostics).expect("an object");
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    gateway
}
