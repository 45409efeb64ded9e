//! Signatures and their texts.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use torana_plugin::{Error, Result};

/// The keys: all verify, the first one signs.
pub(crate) struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Keys from secrets, of which there is at least one.
    pub(crate) fn new(secrets: &[String]) -> Result<Self> {
        let key = |secret: &String| {
            Hmac::new_from_slice(secret.as_bytes()).map_err(|error| Error::new(error.to_string()))
        };
        secrets.iter().map(key).collect::<Result<_>>().map(Self)
    }

    /// The signature of a text.
    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        let key = self.0.first().cloned();
        key.map(|key| key.chain_update(text).finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    /// Whether one of the keys has made this signature of a text, in a time that does not tell how much of it is right.
    pub(crate) fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        self.0.iter().fold(false, |valid, key| {
            valid | key.clone().chain_update(text).verify_slice(signature).is_ok()
        })
    }
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// Hexadecimal digits.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

impl Encoding {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Base64 => BASE64_STANDARD.encode(bytes),
        }
    }

    pub(crate) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex(text.as_bytes()),
            Self::Base64 => BASE64_STANDARD.decode(text).ok(),
        }
    }
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
    digits.chunks_exact(2).map(byte).collect()
}
