//! Any text as credentials and as a kept password of the plugin `basic-auth`: nothing panics, what is read can be
//! written again, and no text is the password that nobody has.

#![no_main]

use base64::{Engine, prelude::BASE64_STANDARD};
use libfuzzer_sys::fuzz_target;

#[path = "../../../plugins/basic-auth/src/credentials.rs"]
mod credentials;
#[path = "../../../plugins/basic-auth/src/password.rs"]
mod password;

fuzz_target!(|text: &str| {
    if let Some((name, word)) = credentials::decode(text) {
        assert!(!name.contains(':'));
        let again = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{word}")));
        assert_eq!(credentials::decode(&again), Some((name, word)));
    }
    if let Ok(kept) = password::Password::try_from(std::borrow::Cow::Borrowed(text)) {
        assert!(text.starts_with("sha256"));
        kept.is(text);
    }
    assert!(!password::Password::NOBODYS.is(text));
});
