//! `url_pattern`: path and query of a backend call, with placeholders (reference 2.5).

use crate::{
    At, Diagnostic, Diagnostics, Pointer, did_you_mean,
    valid::{PatternPart, UrlPattern},
};

/// Which placeholders a pattern may use.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// Parameters of the endpoint's path; `None` if the path is unknown, then any name passes.
    pub(super) params: Option<&'a [String]>,
    /// Place of the backend in a sequence; `None` outside of one.
    pub(super) position: Option<usize>,
    /// Whether the endpoint validates tokens.
    pub(super) claims: bool,
}

impl UrlPattern {
    /// Parses a pattern of an endpoint with these path parameters. `position` is the backend's place in a sequence.
    ///
    /// # Errors
    /// A placeholder has no value there; the text says which.
    pub fn parse(
        pattern: &str,
        params: &[String],
        position: Option<usize>,
    ) -> Result<Self, String> {
        let mut out = Diagnostics::default();
        let root = Pointer::root();
        let scope = Scope { params: Some(params), position, claims: true };
        let parsed = parse(pattern, scope, At::Root(&root), &mut out);
        match out.iter().find(|finding| finding.severity == crate::Severity::Error) {
            Some(error) => Err(error.message.clone()),
            None => Ok(parsed),
        }
    }
}

/// Parses a pattern and reports what is wrong with it; a wrong placeholder becomes text.
pub(super) fn parse(text: &str, scope: Scope<'_>, at: At<'_>, out: &mut Diagnostics) -> UrlPattern {
    let source = format!("/{}", text.strip_prefix('/').unwrap_or(text));
    let (rest, fragment) = match source.split_once('#') {
        Some((rest, _)) => (rest, true),
        None => (source.as_str(), false),
    };
    if fragment {
        let message = format!("the fragment of \"{source}\" is never sent");
        let help = "write %23 for a `#` that belongs to the path or query";
        out.push(Diagnostic::warning("url-fragment", at.pointer(), message).help(help));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut reader = Reader { scope, at, out };
    let path = reader.pieces(path);
    let query = reader.pieces(query);
    UrlPattern { path, query, source }
}

/// Placeholders that take a header or query string of the request.
pub(super) fn dynamic_routing(text: &str, at: At<'_>) -> Diagnostic {
    let message = format!("\"{text}\" routes by headers or query strings, which is not built yet");
    Diagnostic::error("dynamic-routing-not-built", at.pointer(), message)
        .help("use a parameter of the endpoint's path")
}

struct Reader<'a> {
    scope: Scope<'a>,
    at: At<'a>,
    out: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn pieces(&mut self, text: &str) -> Vec<PatternPart> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, after) = rest.split_at(start);
            push_encoded(&mut literal, before);
            let name = after[1..].split_once('}').filter(|(name, _)| is_name(name));
            let placeholder = name.and_then(|(name, _)| self.placeholder(name));
            match (placeholder, name) {
                (Some(part), Some((_, after))) => {
                    if !literal.is_empty() {
                        parts.push(PatternPart::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                    rest = after;
                }
                _ => {
                    push_encoded(&mut literal, "{");
                    rest = &after[1..];
                }
            }
        }
        push_encoded(&mut literal, rest);
        if !literal.is_empty() {
            parts.push(PatternPart::Literal(literal));
        }
        parts
    }

    fn placeholder(&mut self, name: &str) -> Option<PatternPart> {
        // A parameter of the path comes first: it may have any name.
        if self.scope.params.is_some_and(|params| params.iter().any(|param| param == name)) {
            return Some(PatternPart::Param(name.to_owned()));
        }
        if name.starts_with("input_headers.") || name.starts_with("input_query_strings.") {
            self.out.push(dynamic_routing(&format!("{{{name}}}"), self.at));
            return None;
        }
        if let Some(claim) = name.strip_prefix("JWT.") {
            return self.claim(claim);
        }
        match response(name) {
            Some((backend, Some(path))) => self.response(backend, path, name),
            Some((_, None)) => {
                self.whole_response(name);
                None
            }
            None if self.scope.params.is_none() => Some(PatternPart::Param(name.to_owned())),
            None => {
                self.undefined(name);
                None
            }
        }
    }

    fn claim(&mut self, claim: &str) -> Option<PatternPart> {
        if !self.scope.claims {
            let message =
                format!("`{{JWT.{claim}}}` has no value: the endpoint validates no token");
            self.out.push(
                Diagnostic::warning("claim-without-validator", self.at.pointer(), message)
                    .help("add `auth/validator` to the endpoint"),
            );
        }
        (!claim.is_empty()).then(|| PatternPart::Claim(claim.to_owned()))
    }

    fn response(&mut self, backend: usize, path: &str, name: &str) -> Option<PatternPart> {
        let (message, help) = match self.scope.position {
            Some(position) if backend < position => {
                return Some(PatternPart::Response {
                    backend,
                    path: path.to_owned(),
                    name: name.to_owned(),
                });
            }
            Some(position) => (
                format!(
                    "`{{{name}}}` is not there yet: this is backend {position} of the sequence"
                ),
                "backends are counted from 0, and only earlier answers can be used",
            ),
            None => (
                format!("`{{{name}}}` needs a sequence: these backends are called at once"),
                "set \"sequential\": true in the endpoint's `proxy`",
            ),
        };
        let finding = Diagnostic::error("response-out-of-reach", self.at.pointer(), message);
        self.out.push(finding.help(help));
        None
    }

    fn whole_response(&mut self, name: &str) {
        let message = format!("`{{{name}}}` stands for a whole body, which no URL can take");
        let help = format!("name a field, as in `{{{name}_id}}`");
        self.out.push(
            Diagnostic::error("whole-response-in-url", self.at.pointer(), message).help(help),
        );
    }

    fn undefined(&mut self, name: &str) {
        let params = self.scope.params.unwrap_or_default();
        let message =
            format!("undefined parameter `{{{name}}}`: the endpoint's path does not have it");
        let mut finding = Diagnostic::error("undefined-parameter", self.at.pointer(), message);
        finding.help = did_you_mean(name, params.iter().map(String::as_str)).or_else(|| {
            Some(if params.is_empty() {
                "the endpoint's path has no parameters".to_owned()
            } else {
                format!("the endpoint's path has {}", params.join(", "))
            })
        });
        self.out.push(finding);
    }
}

/// `{[\w\-.:/]+}` (reference 2.5).
fn is_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
    !name.is_empty() && name.bytes().all(allowed)
}

/// `respN` and `respN_path`.
fn response(name: &str) -> Option<(usize, Option<&str>)> {
    let rest = name.strip_prefix("resp")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(digits);
    let number = number.parse().ok()?;
    match rest.strip_prefix('_') {
        Some(path) if !path.is_empty() => Some((number, Some(path))),
        None if rest.is_empty() => Some((number, None)),
        _ => None,
    }
}

/// Literal text goes on the wire: what RFC 3986 does not allow there is percent-encoded, as Go's URL writer does.
fn push_encoded(target: &mut String, text: &str) {
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let escape = *byte == b'%'
            && bytes
                .get(index + 1..index + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?[]".contains(byte);
        if escape || plain {
            target.push(char::from(*byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params() -> Vec<String> {
        vec!["id".to_owned(), "user".to_owned()]
    }

    fn parsed(text: &str) -> UrlPattern {
        UrlPattern::parse(text, &params(), Some(1)).unwrap()
    }

    fn codes(text: &str, position: Option<usize>) -> Vec<&'static str> {
        let mut out = Diagnostics::default();
        let (params, root) = (params(), Pointer::root());
        let scope = Scope { params: Some(&params), position, claims: false };
        parse(text, scope, At::Root(&root), &mut out);
        out.iter().map(|finding| finding.code).collect()
    }

    fn literal(text: &str) -> PatternPart {
        PatternPart::Literal(text.to_owned())
    }

    #[test]
    fn pieces() {
        let pattern = parsed("users/{id}/x?u={user}&c={JWT.sub}&r={resp0_a.b}");
        assert_eq!(pattern.source, "/users/{id}/x?u={user}&c={JWT.sub}&r={resp0_a.b}");
        let id = PatternPart::Param("id".to_owned());
        assert_eq!(pattern.path, [literal("/users/"), id, literal("/x")]);
        let expected = [
            literal("u="),
            PatternPart::Param("user".to_owned()),
            literal("&c="),
            PatternPart::Claim("sub".to_owned()),
            literal("&r="),
            PatternPart::Response {
                backend: 0,
                path: "a.b".to_owned(),
                name: "resp0_a.b".to_owned(),
            },
        ];
        assert_eq!(pattern.query, expected);
        assert_eq!(parsed("").path, [literal("/")]);
        assert_eq!(parsed("/").query, []);
    }

    #[test]
    fn text_is_encoded_for_the_wire() {
        assert_eq!(parsed("/a b/%20/ü?x=\"{}\"&50%").path, [literal("/a%20b/%20/%C3%BC")]);
        assert_eq!(parsed("/?x=\"{}\"&50%").query, [literal("x=%22%7B%7D%22&50%25")]);
        assert_eq!(parsed("/\r\nHost: x").path, [literal("/%0D%0AHost:%20x")]);
    }

    #[test]
    fn wrong_placeholders() {
        for (text, position, code) in [
            ("/{uesr}", None, "undefined-parameter"),
            ("/{resp0_x}", None, "response-out-of-reach"),
            ("/{resp1_x}", Some(1), "response-out-of-reach"),
            ("/{resp0}", Some(1), "whole-response-in-url"),
            ("/{input_headers.X-Tenant}", None, "dynamic-routing-not-built"),
            ("/{input_query_strings.t}", None, "dynamic-routing-not-built"),
            ("/{JWT.sub}", None, "claim-without-validator"),
            ("/a#b", None, "url-fragment"),
        ] {
            assert_eq!(codes(text, position), [code], "{text}");
        }
        assert_eq!(codes("/{a b}", None), [""; 0]);
        assert_eq!(codes("/{resp0_x}", Some(1)), [""; 0]);
    }

    #[test]
    fn a_misspelt_parameter_gets_a_hint() {
        let mut out = Diagnostics::default();
        let (params, root) = (params(), Pointer::root());
        let scope = Scope { params: Some(&params), position: None, claims: false };
        parse("/{uesr}", scope, At::Root(&root), &mut out);
        let help = out.iter().next().unwrap().help.clone();
        assert_eq!(help.as_deref(), Some("did you mean `user`?"));
    }

    proptest! {
        #[test]
        fn pieces_give_the_pattern_back(text in "[a-z/?&={}._:-]{0,40}") {
            let mut out = Diagnostics::default();
            let root = Pointer::root();
            let scope = Scope { params: None, position: None, claims: true };
            let pattern = parse(&text, scope, At::Root(&root), &mut out);
            let write = |parts: &[PatternPart]| parts.iter().map(|part| match part {
                PatternPart::Literal(text) => text.replace("%7B", "{").replace("%7D", "}"),
                PatternPart::Param(name) | PatternPart::Response { name, .. } => format!("{{{name}}}"),
                PatternPart::Claim(claim) => format!("{{JWT.{claim}}}"),
            }).collect::<String>();
            let (path, query) = pattern.source.split_once('?').unwrap_or((&pattern.source, ""));
            prop_assert_eq!(write(&pattern.path), path);
            prop_assert_eq!(write(&pattern.query), query);
        }

        #[test]
        fn only_url_characters_reach_the_wire(text in any::<String>()) {
            let mut out = Diagnostics::default();
            let root = Pointer::root();
            let scope = Scope { params: Some(&[]), position: None, claims: true };
            let pattern = parse(&text, scope, At::Root(&root), &mut out);
            for part in pattern.path.iter().chain(&pattern.query) {
                if let PatternPart::Literal(text) = part {
                    prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
                }
            }
        }
    }
}
