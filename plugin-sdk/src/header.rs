//! Which header fields a plugin may write: what the gateway refuses can be found in
//! [`Plugin::new`](crate::Plugin::new) already, so that `torana check` reports it.

use crate::{Error, Result};

/// Fields about the connection (RFC 9110 7.6.1).
pub(crate) const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Framing and routing: a wrong one lets requests be smuggled.
const FRAMING: [&str; 2] = ["content-length", "host"];

/// Checks the name of a header field that the plugin wants to write.
///
/// # Errors
/// It is not a token (RFC 9110 5.6.2), or it is one of the fields that are the gateway's: `connection`,
/// `content-length`, `host`, `keep-alive`, `proxy-authenticate`, `proxy-connection`, `te`, `trailer`,
/// `transfer-encoding` and `upgrade`.
///
/// ```
/// use torana_plugin::header;
///
/// assert!(header::check_name("X-Tenant").is_ok());
/// assert!(header::check_name("x tenant").is_err());
/// assert!(header::check_name("Content-Length").is_err());
/// ```
pub fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::new(format!("`{name}` is not a header name")));
    }
    if HOP_BY_HOP.iter().chain(&FRAMING).any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(Error::new(format!(
            "header `{}` is about the connection or framing and cannot be edited",
            name.to_ascii_lowercase()
        )));
    }
    Ok(())
}

/// Checks a header field that the plugin wants to write: its name as [`check_name`] does, and its value.
///
/// # Errors
/// As [`check_name`]; or the value has control characters other than the tab.
pub fn check(name: &str, value: &str) -> Result<()> {
    check_name(name)?;
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        let name = name.to_ascii_lowercase();
        return Err(Error::new(format!(
            "the value for header `{name}` has bytes that are not allowed in HTTP"
        )));
    }
    Ok(())
}

pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_out_of_reach() {
        for name in ["Content-Length", "transfer-encoding", "HOST", "", "a b", "x:y", "x\ny", "ä"]
        {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert_eq!(check("x-plugin", "ä\t b"), Ok(()));
        assert!(check("x-plugin", "a\r\nb: c").is_err());
        assert!(check("x-plugin", "\u{7f}").is_err());
    }
}
