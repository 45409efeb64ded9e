//! Public paths of endpoints (reference 2.3, 13).

use crate::{
    At, Diagnostic, Diagnostics, Pointer,
    valid::{Route, RouteSegment, SegmentPart},
};

/// A checked path.
pub(super) struct Parsed {
    /// The path with one leading slash.
    pub(super) path: String,
    /// The path in segments.
    pub(super) route: Route,
    /// Names of its parameters.
    pub(super) params: Vec<String>,
}

impl Route {
    /// Parses a path. `loose` is `disable_rest`: placeholders may stand anywhere in a segment.
    ///
    /// # Errors
    /// The path cannot be served; the text says why.
    pub fn parse(path: &str, loose: bool) -> Result<Self, String> {
        let mut out = Diagnostics::default();
        let root = Pointer::root();
        let parsed = parse(path, loose, At::Root(&root), &mut out);
        match out.iter().find(|finding| finding.severity == crate::Severity::Error) {
            Some(error) => Err(error.message.clone()),
            None => Ok(parsed.route),
        }
    }
}

/// Parses a path and reports what is wrong with it.
pub(super) fn parse(text: &str, loose: bool, at: At<'_>, out: &mut Diagnostics) -> Parsed {
    let path = format!("/{}", text.strip_prefix('/').unwrap_or(text));
    let mut reader = Reader { path: &path, loose, at, out, params: Vec::new() };
    reader.check_reserved();
    reader.check_characters();
    let route = reader.route();
    let params = reader.params;
    Parsed { path, route, params }
}

struct Reader<'a> {
    path: &'a str,
    loose: bool,
    at: At<'a>,
    out: &'a mut Diagnostics,
    params: Vec<String>,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, message: String, help: &str) {
        self.out.push(Diagnostic::error(code, self.at.pointer(), message).help(help));
    }

    fn warning(&mut self, code: &'static str, message: String, help: &str) {
        self.out.push(Diagnostic::warning(code, self.at.pointer(), message).help(help));
    }

    fn check_reserved(&mut self) {
        let mut segments = self.path.split('/');
        let reserved = |segment: &&str| matches!(*segment, "__debug" | "__echo" | "__health");
        if let Some(segment) = segments.find(reserved) {
            let message = format!("the path `{}` is reserved: it contains `/{segment}`", self.path);
            self.error("reserved-path", message, "choose another path");
        }
    }

    fn check_characters(&mut self) {
        if self.path.contains(['?', '#']) || self.path.chars().any(char::is_control) {
            let message = format!("no request has the path \"{}\"", self.path.escape_debug());
            let help = "a path has no query or fragment: list the names of query strings in \
                        `input_query_strings`";
            self.warning("unreachable-path", message, help);
        }
    }

    fn route(&mut self) -> Route {
        let mut segments: Vec<&str> = self.path.split('/').skip(1).collect();
        let wildcard = segments.last() == Some(&"*");
        if wildcard {
            segments.pop();
        }
        let nested = segments.iter().any(|segment| segment.contains('*'));
        if nested || (wildcard && segments.is_empty()) {
            let message = format!("`*` cannot stand there in `{}`", self.path);
            let help = "a wildcard is the whole last segment below another, as in `/files/*`; \
                        `/__catchall` matches everything";
            self.error("invalid-wildcard", message, help);
        }
        Route {
            catch_all: self.path == "/__catchall",
            wildcard,
            segments: segments.into_iter().map(|segment| self.segment(segment)).collect(),
        }
    }

    fn segment(&mut self, segment: &str) -> RouteSegment {
        if !segment.contains(['{', '}']) {
            return RouteSegment::Literal(segment.to_owned());
        }
        let parts = split(segment);
        let has_params = parts.iter().any(|part| matches!(part, SegmentPart::Param(_)));
        self.check_braces(segment, &parts);
        if !has_params {
            return RouteSegment::Literal(segment.to_owned());
        }
        if let [SegmentPart::Param(name)] = parts.as_slice() {
            self.add_param(name);
            return RouteSegment::Param(name.clone());
        }
        let help = "set \"disable_rest\": true at the root to use placeholders inside of a segment";
        if !self.loose && !segment.starts_with('{') {
            let message = format!("the placeholder in `{segment}` counts as text");
            self.warning("partial-parameter", message, help);
            return RouteSegment::Literal(segment.to_owned());
        }
        if !self.loose {
            let message = format!("the segment `{segment}` has more than a placeholder");
            self.warning("partial-parameter", message, help);
        }
        self.check_touching(segment, &parts);
        for part in &parts {
            if let SegmentPart::Param(name) = part {
                self.add_param(name);
            }
        }
        RouteSegment::Mixed(parts)
    }

    fn check_braces(&mut self, segment: &str, parts: &[SegmentPart]) {
        let braced = |part: &SegmentPart| match part {
            SegmentPart::Literal(text) => text.contains(['{', '}']),
            SegmentPart::Param(_) => false,
        };
        if parts.iter().any(braced) {
            let message = format!("braces in `{segment}` count as text");
            let help = "a placeholder is `{name}`, with letters, digits, `_` and `-` in its name";
            self.warning("stray-brace", message, help);
        }
    }

    fn check_touching(&mut self, segment: &str, parts: &[SegmentPart]) {
        let touching =
            |pair: &[SegmentPart]| matches!(pair, [SegmentPart::Param(_), SegmentPart::Param(_)]);
        if parts.windows(2).any(touching) {
            let message = format!("two placeholders touch in `{segment}`");
            self.error("touching-parameters", message, "put some text between them");
        }
    }

    fn add_param(&mut self, name: &str) {
        if self.params.iter().any(|known| known == name) {
            let message = format!("the parameter `{name}` is in `{}` twice", self.path);
            self.warning("duplicate-parameter", message, "give each parameter a name of its own");
            return;
        }
        self.params.push(name.to_owned());
    }
}

/// Text and `{name}` placeholders, in order; no empty pieces.
fn split(segment: &str) -> Vec<SegmentPart> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = segment;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        literal.push_str(before);
        let name = after[1..].split_once('}').filter(|(name, _)| is_name(name));
        match name {
            Some((name, after)) => {
                if !literal.is_empty() {
                    parts.push(SegmentPart::Literal(std::mem::take(&mut literal)));
                }
                parts.push(SegmentPart::Param(name.to_owned()));
                rest = after;
            }
            None => {
                literal.push('{');
                rest = &after[1..];
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(SegmentPart::Literal(literal));
    }
    parts
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(path: &str, loose: bool) -> Vec<&'static str> {
        let mut out = Diagnostics::default();
        let root = Pointer::root();
        parse(path, loose, At::Root(&root), &mut out);
        out.iter().map(|finding| finding.code).collect()
    }

    fn literal(text: &str) -> SegmentPart {
        SegmentPart::Literal(text.to_owned())
    }

    #[test]
    fn segments() {
        let route = Route::parse("users/{id}/", false).unwrap();
        let expected = [
            RouteSegment::Literal("users".to_owned()),
            RouteSegment::Param("id".to_owned()),
            RouteSegment::Literal(String::new()),
        ];
        assert_eq!(route.segments, expected);
        assert_eq!(Route::parse("/", false).unwrap().segments.len(), 1);
        let route = Route::parse("/files/*", false).unwrap();
        assert!(route.wildcard && route.segments.len() == 1);
        assert!(Route::parse("/__catchall", false).unwrap().catch_all);
    }

    #[test]
    fn placeholders_inside_of_a_segment() {
        let mixed =
            RouteSegment::Mixed(vec![literal("file."), SegmentPart::Param("ext".to_owned())]);
        assert_eq!(Route::parse("/file.{ext}", true).unwrap().segments, [mixed]);
        let text = RouteSegment::Literal("file.{ext}".to_owned());
        assert_eq!(Route::parse("/file.{ext}", false).unwrap().segments, [text]);
        assert_eq!(codes("/file.{ext}", false), ["partial-parameter"]);
        assert_eq!(codes("/{name}.json", false), ["partial-parameter"]);
        assert_eq!(codes("/{name}.json", true), [""; 0]);
        assert_eq!(codes("/{a}{b}", true), ["touching-parameters"]);
        assert_eq!(codes("/{a}-{b}", true), [""; 0]);
    }

    #[test]
    fn refused_paths() {
        for path in ["/__health", "/a/__debug", "/__echo/x", "/a/__health/b"] {
            assert_eq!(codes(path, false), ["reserved-path"], "{path}");
        }
        for path in ["/*", "/a*", "/*/b", "/a/*/b", "/a/**"] {
            assert_eq!(codes(path, false), ["invalid-wildcard"], "{path}");
        }
        assert_eq!(codes("/__healthy", false), [""; 0]);
        assert_eq!(codes("/a?b={c}", false), ["unreachable-path", "partial-parameter"]);
        assert_eq!(codes("/{a b}", false), ["stray-brace"]);
        assert_eq!(codes("/{a}/{a}", false), ["duplicate-parameter"]);
    }

    proptest! {
        #[test]
        fn segments_give_the_path_back(path in "[a-z{}/.*_?-]{0,24}", loose: bool) {
            let mut out = Diagnostics::default();
            let root = Pointer::root();
            let parsed = parse(&path, loose, At::Root(&root), &mut out);
            let mut text = String::new();
            for segment in &parsed.route.segments {
                text.push('/');
                match segment {
                    RouteSegment::Literal(literal) => text.push_str(literal),
                    RouteSegment::Param(name) => text.push_str(&format!("{{{name}}}")),
                    RouteSegment::Mixed(parts) => for part in parts {
                        match part {
                            SegmentPart::Literal(literal) => text.push_str(literal),
                            SegmentPart::Param(name) => text.push_str(&format!("{{{name}}}")),
                        }
                    },
                }
            }
            if parsed.route.wildcard {
                text.push_str("/*");
            }
            prop_assert_eq!(text, parsed.path);
        }
    }
}
