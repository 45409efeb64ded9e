//! Any bytes as a YAML body: read or refused; what is read and written again reads as the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use torana_config::valid::{Encoding, OutputEncoding};
use torana_core::encoding::{decoder, encoder};

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let _ = decoder(Encoding::Yaml).decode(body.clone(), true);
    let Ok(Some(object)) = decoder(Encoding::Yaml).decode(body, false) else { return };
    let document = encoder(OutputEncoding::Yaml, None).encode(Some(&object)).expect("checked data");
    let again = decoder(Encoding::Yaml).decode(document.clone(), false);
    let again = again.expect("what is written can be read").expect("an object");
    assert_eq!(again.into_tree().ok(), object.into_tree().ok(), "{document:?}");
});
