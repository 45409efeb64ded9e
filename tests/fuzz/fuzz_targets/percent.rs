//! Any text as a path: its canonical form is its own, and means to the router what the path means.

#![no_main]

use libfuzzer_sys::fuzz_target;
use torana_core::percent::{canonical, decode};

fuzz_target!(|path: &str| {
    let form = canonical(path);
    assert_eq!(canonical(&form), form);
    assert_eq!(decode(&form), decode(path));
    if decode(path).is_some() {
        assert!(form.is_ascii());
        assert_eq!(form.matches('/').count(), path.matches('/').count());
    }
});
