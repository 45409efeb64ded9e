//! What `check -d` prints: the configuration as it was understood, with defaults and inheritance applied.

use std::fmt::{Display, Write};

use torana_config::valid::{Backend, Endpoint, Extra, Gateway, Names};

/// How much is printed: 1 for settings and endpoints, 2 for backends too, 3 for components too.
pub(super) fn dump(gateway: &Gateway, detail: u8, indent: &str) -> String {
    let mut page = Page { text: String::new(), indent, detail };
    page.line(0, "Global settings");
    page.setting(1, "Name", &gateway.name);
    page.setting(1, "Listen", format_args!("{} port {}", gateway.listen_ip, gateway.port));
    page.setting(1, "TLS", if gateway.tls.is_some() { "yes" } else { "no" });
    page.components(1, &gateway.extra);
    page.line(0, format_args!("{} API endpoints", gateway.endpoints.len()));
    for endpoint in &gateway.endpoints {
        page.endpoint(1, endpoint);
    }
    page.text
}

struct Page<'a> {
    text: String,
    indent: &'a str,
    detail: u8,
}

impl Page<'_> {
    fn line(&mut self, depth: usize, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{}{text}", self.indent.repeat(depth));
    }

    fn setting(&mut self, depth: usize, name: &str, value: impl Display) {
        self.line(depth, format_args!("{name}: {value}"));
    }

    fn endpoint(&mut self, depth: usize, endpoint: &Endpoint) {
        self.line(depth, format_args!("- {} {}", endpoint.method.name(), endpoint.path));
        let inside = depth + 1;
        self.setting(inside, "Timeout", format_args!("{:?}", endpoint.timeout));
        self.setting(inside, "Cache time", format_args!("{:?}", endpoint.cache_ttl));
        self.setting(inside, "Concurrent calls", endpoint.concurrent_calls);
        self.setting(inside, "Output", endpoint.output_encoding.word());
        self.setting(inside, "Headers", names(&endpoint.input_headers));
        self.setting(inside, "Query strings", names(&endpoint.input_query_strings));
        self.components(inside, &endpoint.extra);
        self.setting(inside, "Backends", endpoint.backends.len());
        if self.detail >= 2 {
            for backend in &endpoint.backends {
                self.backend(inside + 1, backend);
            }
        }
    }

    fn backend(&mut self, depth: usize, backend: &Backend) {
        let (method, pattern) = (backend.method.name(), &backend.url_pattern.source);
        self.line(depth, format_args!("+ {method} {pattern}"));
        let inside = depth + 1;
        let hosts: Vec<&str> = backend.hosts.iter().map(|host| host.url.as_str()).collect();
        self.setting(inside, "Hosts", hosts.join(", "));
        self.setting(inside, "Decoder", backend.encoding.word());
        for (name, list) in [("Allow", &backend.allow), ("Deny", &backend.deny)] {
            if !list.is_empty() {
                self.setting(inside, name, list.join(", "));
            }
        }
        for (name, value) in [("Target", &backend.target), ("Group", &backend.group)] {
            if let Some(value) = value {
                self.setting(inside, name, value);
            }
        }
        for (from, to) in &backend.mapping {
            self.setting(inside, "Mapping", format_args!("{from} -> {to}"));
        }
        self.components(inside, &backend.extra);
        if let Some(workflow) = &backend.workflow {
            self.endpoint(inside, &workflow.endpoint);
        }
    }

    fn components(&mut self, depth: usize, extra: &Extra) {
        let names: Vec<&str> = extra.0.iter().map(|component| &*component.namespace).collect();
        self.setting(
            depth,
            "Components",
            if names.is_empty() { "none".into() } else { names.join(", ") },
        );
        if self.detail >= 3 {
            for component in &extra.0 {
                self.setting(depth + 1, &component.namespace, &component.value);
            }
        }
    }
}

fn names(names: &Names) -> String {
    match names {
        Names::Default => "default".to_owned(),
        Names::All => "all".to_owned(),
        Names::Listed(list) => list.join(", "),
    }
}
