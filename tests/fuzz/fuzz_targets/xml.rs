//! Any bytes as an XML or RSS body: read or refused; and what is read can be written as a document that reads again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use torana_config::valid::{Encoding, OutputEncoding};
use torana_core::encoding::{decoder, encoder};

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let _ = decoder(Encoding::Rss).decode(body.clone(), false);
    let Ok(Some(object)) = decoder(Encoding::Xml).decode(body, false) else { return };
    let document = encoder(OutputEncoding::Xml, None).encode(Some(&object)).expect("checked data");
    let again = decoder(Encoding::Xml).decode(document.clone(), false);
    // Names that differ only in what a name cannot have fall together as attributes.
    if let Err(error) = again {
        assert!(error.to_string().contains("duplicated attribute"), "{error}: {document:?}");
    }
});
