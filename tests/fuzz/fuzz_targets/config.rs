//! Any bytes as a configuration file: reading, checking and locating never panic, and places lie inside of the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use torana_config::{Diagnostics, Document, Format, Options, report, resolve};

fuzz_target!(|data: &[u8]| {
    let Some((format, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let format = match format % 3 {
        0 => Format::Json,
        1 => Format::Yaml,
        _ => Format::Toml,
    };
    let document = match Document::parse("fuzz", text, format) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.located().is_some());
            return;
        }
    };
    let mut out = Diagnostics::default();
    let gateway = resolve(&document, &Options::default(), &mut out);
    assert_eq!(gateway.is_some(), document.value().is_object());
    let located = document.locate_all(&out);
    for one in &located {
        assert!(document.text().get(one.span.start..one.span.end).is_some());
        assert!(!one.excerpt.contains('\n'));
    }
    let log = report::sarif(&located);
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(located.len()));
});
