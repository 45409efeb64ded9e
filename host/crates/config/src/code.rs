//! The codes of all findings this crate makes. Components have codes of their own.

/// Each code with what it means, in alphabetical order.
#[must_use]
pub fn codes() -> &'static [(&'static str, &'static str)] {
    CODES
}

const CODES: &[(&str, &str)] = &[
    (
        "claim-without-validator",
        "a URL pattern uses a token's claim, but the endpoint validates no token",
    ),
    (
        "component-ignored",
        "a component that KrakenD has and this version does not; it has no effect",
    ),
    (
        "component-not-built",
        "a component that protects something and that this version does not have",
    ),
    ("deny-beside-allow", "a backend has both filters; `deny` has no effect then"),
    ("duplicate-key", "an object has a key twice; the last one counts"),
    ("duplicate-parameter", "a path has two parameters of one name"),
    ("duplicate-route", "two endpoints match the same requests"),
    ("duration-without-unit", "a duration is a bare number, which counts nanoseconds"),
    (
        "dynamic-routing-not-built",
        "a URL pattern or host uses a header or query string of the request",
    ),
    ("environment-ignored", "an environment variable is a Kubernetes service link and no setting"),
    ("host-beside-plugin", "a backend that is a plugin has hosts, which are not called"),
    ("invalid-address", "`listen_ip` is no IPv4 or IPv6 address"),
    ("invalid-duration", "a text is no duration in Go's syntax"),
    ("invalid-host", "a host is not scheme, name and port"),
    ("invalid-network", "a trusted proxy is neither an address nor a network"),
    ("invalid-proxy", "a forward proxy's address is not scheme, name and port"),
    ("invalid-wildcard", "`*` stands where a path cannot have it"),
    (
        "method-not-routed",
        "an endpoint's method never reaches an application; the endpoint is left out",
    ),
    ("misplaced-namespace", "a component stands at a level where it has no effect"),
    ("missing-key", "a required key is missing"),
    ("missing-tls-key", "a certificate or its key is missing"),
    ("no-backend", "an endpoint or workflow has no backend"),
    ("no-host", "neither the backend nor the root names a host"),
    ("no-op-needs-one-backend", "`no-op` passes one answer on, but there are several backends"),
    ("only-shadows", "all backends of an endpoint are shadows, so nobody answers"),
    ("partial-parameter", "a placeholder is only a part of a segment, without `disable_rest`"),
    ("reserved-path", "an endpoint uses the path of a built-in one"),
    ("response-out-of-reach", "a URL pattern uses an answer that is not there yet"),
    ("service-discovery-not-built", "hosts are to come from DNS SRV records"),
    ("shadowed-namespace", "a component stands under its old and its new name; the new one counts"),
    ("stray-brace", "a brace in a path belongs to no placeholder"),
    ("syntax", "the file is not valid JSON, YAML or TOML"),
    ("tls-number", "a cipher suite or key exchange group is not supported"),
    ("tls-version", "a TLS version is unknown, too old or above the highest"),
    ("touching-parameters", "two placeholders touch, so nobody could tell where one ends"),
    (
        "undefined-parameter",
        "a URL pattern uses a parameter that the endpoint's path does not have",
    ),
    ("unknown-encoding", "an encoding is unknown and means JSON"),
    ("unknown-key", "a key has no meaning there"),
    ("unknown-method", "a method is unknown"),
    ("unknown-namespace", "a component is unknown"),
    ("unknown-service-discovery", "`sd` is unknown and means `static`"),
    ("unknown-word", "a text is none of the allowed words"),
    ("unreachable-path", "no request can have the path of an endpoint"),
    ("unsupported-version", "the version of the file is not 3"),
    ("url-fragment", "a URL pattern has a fragment, which is never sent"),
    ("virtual-path-without-hosts", "a path under `/__virtual/` without `server/virtualhost`"),
    ("whole-response-in-url", "a URL pattern uses a whole body"),
    ("wildcard-in-filter", "`*` in the filter of a backend lets nothing pass"),
    ("workflow-timeout", "a workflow may take longer than the endpoint around it"),
    ("wrong-type", "a value is of another type than expected"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_kebab_case() {
        assert!(codes().is_sorted_by(|(a, _), (b, _)| a < b));
        for (code, meaning) in codes() {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert!(!meaning.ends_with('.'), "{code}");
        }
    }

    /// The sources are the only list of what is reported.
    #[test]
    fn every_reported_code_is_listed_and_every_listed_one_reported() {
        let sources = [
            include_str!("document/mod.rs"),
            include_str!("document/node.rs"),
            include_str!("read.rs"),
            include_str!("resolve/backend.rs"),
            include_str!("resolve/conflict.rs"),
            include_str!("resolve/endpoint.rs"),
            include_str!("resolve/environment.rs"),
            include_str!("resolve/extra.rs"),
            include_str!("resolve/forward_proxy.rs"),
            include_str!("resolve/host.rs"),
            include_str!("resolve/path.rs"),
            include_str!("resolve/router.rs"),
            include_str!("resolve/service.rs"),
            include_str!("resolve/tls.rs"),
            include_str!("resolve/url_pattern.rs"),
            include_str!("resolve/word.rs"),
            include_str!("resolve/workflow.rs"),
        ];
        let all = sources.concat();
        for (code, _) in codes() {
            assert!(all.contains(&format!("\"{code}\"")), "{code} is never reported");
        }
        for call in ["Diagnostic::error(", "Diagnostic::warning(", "self.error(", "self.warning("] {
            for after in all.split(call).skip(1) {
                let Some(code) = after.trim_start().strip_prefix('"') else { continue };
                let code = code.split('"').next().unwrap();
                assert!(codes().iter().any(|(known, _)| *known == code), "{code} is not listed");
            }
        }
    }
}
