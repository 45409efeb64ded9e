//! What is kept of a password.

use std::borrow::Cow;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A hash: `sha256:HEX`, or `sha256-salted:SALT:HEX` of the salt and the password behind it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Cow<'_, str>")]
pub(crate) struct Password {
    salt: Cow<'static, str>,
    hash: [u8; 32],
}

impl Password {
    /// No password has this hash that anybody knows.
    pub(crate) const NOBODYS: Self = Self { salt: Cow::Borrowed("nobody"), hash: [0; 32] };

    /// Whether this is the password, in a time that does not tell how much of it is right.
    pub(crate) fn is(&self, password: &str) -> bool {
        let hash = Sha256::new().chain_update(&*self.salt).chain_update(password).finalize();
        hash.as_slice().ct_eq(&self.hash).into()
    }
}

impl TryFrom<Cow<'_, str>> for Password {
    type Error = &'static str;

    fn try_from(text: Cow<'_, str>) -> Result<Self, &'static str> {
        const FORMS: &str =
            "a password is `sha256:HEX` or `sha256-salted:SALT:HEX`, with 64 digits in HEX";
        let (form, rest) = text.split_once(':').ok_or(FORMS)?;
        let (salt, digits) = match form {
            "sha256" => ("", rest),
            "sha256-salted" => {
                rest.rsplit_once(':').filter(|(salt, _)| !salt.is_empty()).ok_or(FORMS)?
            }
            _ => return Err(FORMS),
        };
        let hash = hash(digits).ok_or(FORMS)?;
        Ok(Self { salt: Cow::Owned(salt.to_owned()), hash })
    }
}

/// 32 bytes from 64 hexadecimal digits.
fn hash(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |index: usize| char::from(pair[index]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(hash)
}
