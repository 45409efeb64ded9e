//! Forward proxies: those of the environment, which KrakenD finds by Go's rules (reference 2.2), and `proxy_address`.

use serde_json::{Value, json};

use super::host::authority_parts;
use crate::{
    At, Diagnostic, Diagnostics, FromConfig, Pointer,
    valid::{ForwardProxy, NoProxy, Proxies},
};

const HELP: &str = "write scheme, name and port, such as \"http://proxy.example:3128\"";

/// What the environment says. Names in capitals win; an empty value counts as absent.
///
/// An address that makes no sense is an error, though Go goes on without it: backends would be called another way than
/// the environment says.
pub(super) fn of_environment(environment: &[(String, String)], out: &mut Diagnostics) -> Proxies {
    let find = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| {
            let set = environment.iter().find(|(one, value)| one == name && !value.is_empty());
            set.map(|(_, value)| (name, value.as_str()))
        })
    };
    let mut proxy = |names| {
        let (name, address) = find(names)?;
        let proxy = parse(address);
        if let Err(reason) = &proxy {
            let message = format!("the environment variable {name}: {reason}");
            let finding = Diagnostic::error("invalid-proxy", Pointer::root(), message);
            out.push(finding.help(HELP));
        }
        proxy.ok()
    };
    let http = proxy(["HTTP_PROXY", "http_proxy"]);
    let https = proxy(["HTTPS_PROXY", "https_proxy"]);
    if http.is_none() && https.is_none() {
        // Without a proxy the list says nothing, so it must not make two gateways differ.
        return Proxies::default();
    }
    let exceptions = find(["NO_PROXY", "no_proxy"]).map_or("", |(_, list)| list);
    Proxies { http, https, exceptions: Some(NoProxy::parse(exceptions)) }
}

impl FromConfig for ForwardProxy {
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        // An empty text counts as absent, as in the environment.
        let text = String::from_config(value, at, out).filter(|text| !text.is_empty())?;
        parse(&text)
            .map_err(|reason| {
                out.push(Diagnostic::error("invalid-proxy", at.pointer(), reason).help(HELP));
            })
            .ok()
    }

    fn schema() -> Value {
        json!({"type": "string"})
    }
}

/// `scheme://user:password@name:port`, of which only the name is needed. A path is ignored, as in Go. Reasons never
/// quote the text: it may hold a password.
fn parse(text: &str) -> Result<ForwardProxy, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        "socks5" | "socks5h" => return Err("SOCKS proxies are not supported".to_owned()),
        _ => return Err("the scheme of a proxy is `http` or `https`".to_owned()),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, address) = match rest[..end].rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, &rest[..end]),
    };
    let (name, port) =
        authority_parts(address).ok_or("the address of a proxy is a name and a port")?;
    let credentials = match user {
        None => None,
        Some(user) => Some(credentials(user).ok_or("invalid user or password of a proxy")?),
    };
    Ok(ForwardProxy {
        secure,
        name,
        port: port.unwrap_or(if secure { 443 } else { 80 }),
        credentials,
    })
}

/// User and password of an address, decoded, as RFC 7617 wants them.
fn credentials(user: &str) -> Option<Vec<u8>> {
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let user = percent_decode(user)?;
    // A colon in the name would be read as its end (RFC 7617 2).
    if user.contains(&b':') {
        return None;
    }
    Some([user, percent_decode(password)?].join(&b':'))
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            let digit = |byte: u8| char::from(byte).to_digit(16);
            bytes.push((digit(digits[0])? << 4 | digit(digits[1])?) as u8);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment(set: &[(&str, &str)]) -> (Proxies, Vec<String>) {
        let set: Vec<_> = set.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        let mut out = Diagnostics::default();
        let proxies = of_environment(&set, &mut out);
        (
            proxies,
            out.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect(),
        )
    }

    fn url(proxies: &Proxies, secure: bool, name: &str) -> Option<String> {
        proxies.find(secure, name, 80).map(ForwardProxy::url)
    }

    #[test]
    fn addresses() {
        for (text, expected, user) in [
            ("proxy", "http://proxy:80", None),
            ("proxy:3128", "http://proxy:3128", None),
            ("HTTPS://proxy/", "https://proxy:443", None),
            ("http://[::1]:8080/path?x", "http://[::1]:8080", None),
            ("http://u:p@proxy:1", "http://proxy:1", Some("u:p")),
            ("u%40x:p%3A%2F@proxy", "http://proxy:80", Some("u@x:p:/")),
            ("http://u@proxy", "http://proxy:80", Some("u:")),
        ] {
            let proxy = parse(text).unwrap();
            assert_eq!(proxy.url(), expected, "{text}");
            assert_eq!(proxy.credentials.as_deref(), user.map(str::as_bytes), "{text}");
        }
        for text in [
            "",
            "http://",
            "ftp://a",
            "socks5://a:1",
            "a:x",
            "a:0",
            "a b",
            "u%3Ax:p@a",
            "u%4@a",
            "%+1@a",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_in_no_text_for_people() {
        let secret = "s3cret";
        let proxy = parse(&format!("http://user:{secret}@proxy")).unwrap();
        assert!(!format!("{proxy:?}").contains(secret));
        let (_, findings) = environment(&[("HTTP_PROXY", &format!("http://u:{secret}@a:x"))]);
        assert_eq!(findings.len(), 1);
        assert!(!findings[0].contains(secret), "{}", findings[0]);
    }

    #[test]
    fn the_environment_has_a_proxy_per_scheme() {
        let (both, findings) = environment(&[
            ("http_proxy", "lower:1"),
            ("HTTPS_PROXY", ""),
            ("https_proxy", "http://tls:2"),
            ("HTTP_PROXY", "upper:1"),
            ("no_proxy", "inside.example"),
        ]);
        assert_eq!(findings, [""; 0]);
        assert_eq!(url(&both, false, "a").as_deref(), Some("http://upper:1"));
        assert_eq!(url(&both, true, "a").as_deref(), Some("http://tls:2"));
        assert_eq!(url(&both, false, "x.inside.example"), None);
        assert_eq!(url(&both, true, "localhost"), None);
        let (one, _) = environment(&[("https_proxy", "tls")]);
        assert_eq!(url(&one, false, "a"), None);
        assert_eq!(environment(&[("NO_PROXY", "a")]).0, Proxies::default());
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let (proxies, findings) = environment(&[("https_proxy", "socks5://a")]);
        assert_eq!(proxies, Proxies::default());
        let expected = "the environment variable https_proxy: SOCKS proxies are not supported";
        assert_eq!(findings, [format!("invalid-proxy {expected}")]);
    }

    #[test]
    fn one_proxy_for_all_has_no_exceptions() {
        let all = Proxies::all(&parse("proxy:1").unwrap());
        assert_eq!(url(&all, true, "localhost").as_deref(), Some("http://proxy:1"));
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_refused(text in "[a-c:/@%\\[\\]0-9.]{0,24}|\\PC{0,24}") {
            if let Ok(proxy) = parse(&text) {
                prop_assert!(proxy.port > 0);
                let again = parse(&proxy.url()).unwrap();
                prop_assert_eq!(again, ForwardProxy { credentials: None, ..proxy });
            }
        }
    }
}
