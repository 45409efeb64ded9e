//! Any text as a request file of `torana plugin test`: reading it never panics, and mistakes have a line of it.

#![no_main]

use libfuzzer_sys::fuzz_target;

// Not by way of the program, which would have the engine of WebAssembly compiled with it.
#[path = "../../../host/src/trial/script.rs"]
mod script;

use script::Script;

fuzz_target!(|text: &str| {
    if let Err(error) = Script::parse(text) {
        assert!((1..=text.lines().count().max(1) + 1).contains(&error.line));
    }
});
