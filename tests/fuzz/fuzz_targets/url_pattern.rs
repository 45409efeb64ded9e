//! Any text as the URL pattern of a backend and as the path of an endpoint: what is accepted can go on the wire.

#![no_main]

use libfuzzer_sys::fuzz_target;
use torana_config::valid::{PatternPart, Route, UrlPattern};

fuzz_target!(|text: &str| {
    let _ = Route::parse(text, true);
    let _ = Route::parse(text, false);
    let params = ["id".to_owned(), "a.b".to_owned()];
    for position in [None, Some(0), Some(3)] {
        let Ok(pattern) = UrlPattern::parse(text, &params, position) else { continue };
        assert!(pattern.source.starts_with('/'));
        for part in pattern.path.iter().chain(&pattern.query) {
            match part {
                PatternPart::Literal(text) => {
                    assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
                }
                PatternPart::Param(name) => assert!(params.contains(name)),
                PatternPart::Response { backend, .. } => assert!(Some(*backend) < position),
                PatternPart::Claim(claim) => assert!(!claim.is_empty()),
            }
        }
    }
});
