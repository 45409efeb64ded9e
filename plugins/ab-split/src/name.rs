//! Names of headers and cookies that are looked for: one that cannot occur would never match, in silence.

use torana_plugin::{Error, Result};

/// Checks the names that are given.
///
/// # Errors
/// One of them cannot occur in a request.
pub(crate) fn check(header: Option<&str>, cookie: Option<&str>) -> Result<()> {
    if let Some(name) = header.filter(|name| !is_header(name)) {
        return Err(Error::new(format!("`{name}` is no name of a header")));
    }
    if let Some(name) = cookie.filter(|name| !is_cookie(name)) {
        return Err(Error::new(format!("`{name}` is no name of a cookie")));
    }
    Ok(())
}

/// A token (RFC 9110 5.6.2).
fn is_header(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// What can stand in front of a cookie's value. Browsers send more than tokens, such as `cart[id]`.
fn is_cookie(name: &str) -> bool {
    let is_outside = |c: char| matches!(c, '=' | ';') || c.is_whitespace() || c.is_control();
    !name.is_empty() && !name.contains(is_outside)
}
