//! Any text as a signature and as a part of the plugin `hmac-signature`: nothing panics, and one signature has one text,
//! but for the case of hexadecimal digits.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "only its parser is run")]
#[path = "../../../plugins/hmac-signature/src/parts.rs"]
mod parts;
#[path = "../../../plugins/hmac-signature/src/signature.rs"]
mod signature;

use parts::Part;
use signature::{Encoding, Keys};

fuzz_target!(|text: &str| {
    let keys = Keys::new(&["a secret".to_owned()]).expect("a key");
    if let Some(bytes) = Encoding::Hex.decode(text) {
        assert_eq!(Encoding::Hex.encode(&bytes), text.to_ascii_lowercase());
        assert!(!keys.verify(text.as_bytes(), &bytes));
    }
    if let Some(bytes) = Encoding::Base64.decode(text) {
        assert_eq!(Encoding::Base64.encode(&bytes), text);
    }
    assert!(keys.verify(text.as_bytes(), &keys.sign(text.as_bytes())));
    match Part::try_from(Cow::Borrowed(text)) {
        Ok(Part::Header(name)) => assert!(!name.is_empty() && !name.eq_ignore_ascii_case("host")),
        Ok(Part::Text(part)) => assert!(!part.contains('\n')),
        _ => {}
    }
});
