//! Any text as a request file of `torana plugin test`: reading it never panics, and mistakes have a line of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use torana::trial::script::Script;

fuzz_target!(|text: &str| {
    if let Err(error) = Script::parse(text) {
        assert!((1..=text.lines().count().max(1) + 1).contains(&error.line));
    }
});
