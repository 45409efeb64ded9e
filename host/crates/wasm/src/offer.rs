//! What this gateway offers to components, by the text of `wit/`: to say by name what one misses.

use std::fmt;

use wasmtime::component::{Component, types::ComponentItem};

use crate::linker::{self, PACKAGE, VERSION};

/// The interfaces that components may import, with their text.
const INTERFACES: &[(&str, &str)] = &[
    ("cache", include_str!("../../../../wit/cache.wit")),
    ("clock", include_str!("../../../../wit/clock.wit")),
    ("config", include_str!("../../../../wit/config.wit")),
    ("context", include_str!("../../../../wit/context.wit")),
    ("data", include_str!("../../../../wit/data.wit")),
    ("exchange", include_str!("../../../../wit/exchange.wit")),
    ("http", include_str!("../../../../wit/http.wit")),
    ("kv", include_str!("../../../../wit/kv.wit")),
    ("log", include_str!("../../../../wit/log.wit")),
    ("metrics", include_str!("../../../../wit/metrics.wit")),
    ("random", include_str!("../../../../wit/random.wit")),
    ("types", include_str!("../../../../wit/types.wit")),
];

/// An import that is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The interface with its version: `torana:plugin/exchange@0.1.9`.
    pub(crate) interface: String,
    /// Its function, if the interface is there.
    pub(crate) function: Option<String>,
}

impl Missing {
    /// Whether a newer gateway of the same kind may have it.
    pub(crate) fn is_newer(&self) -> bool {
        version_of(&self.interface)
            .is_some_and(|version| linker::fits(version) && numbers(version) > numbers(VERSION))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.interface)?;
        self.function.as_ref().map_or(Ok(()), |function| write!(f, " function `{function}`"))
    }
}

/// The imports of a component that are not offered: whole interfaces, or functions of one that is there.
pub(crate) fn missing(engine: &wasmtime::Engine, component: &Component) -> Vec<Missing> {
    let mut found = Vec::new();
    for (name, item) in component.component_type().imports(engine) {
        if !linker::offers(name) {
            found.push(Missing { interface: name.to_owned(), function: None });
            continue;
        }
        let (Some(interface), ComponentItem::ComponentInstance(instance)) = (own(name), item.ty)
        else {
            continue;
        };
        let functions = instance
            .exports(engine)
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
        let unknown = functions.filter(|(function, _)| !has_function(interface, function));
        found.extend(unknown.map(|(function, _)| Missing {
            interface: name.to_owned(),
            function: Some(function.to_owned()),
        }));
    }
    found
}

/// The interface's name in the gateway's package: `log` of `torana:plugin/log@0.1.0`.
pub(crate) fn own(name: &str) -> Option<&str> {
    let path = name.split('@').next().unwrap_or(name);
    path.strip_prefix(PACKAGE)?.strip_prefix('/')
}

/// The version of a name in the gateway's package.
pub(crate) fn version_of(name: &str) -> Option<&str> {
    own(name)?;
    name.split_once('@').map(|(_, version)| version)
}

fn has_function(interface: &str, function: &str) -> bool {
    // Each function of `wit/` has a line of its own.
    let declares = |line: &str| {
        line.trim_start().strip_prefix(function).is_some_and(|rest| rest.starts_with(": func("))
    };
    INTERFACES
        .iter()
        .find(|(name, _)| *name == interface)
        .is_some_and(|(_, text)| text.lines().any(declares))
}

/// A version for comparing.
pub(crate) fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_in_the_text() {
        for (interface, function) in [
            ("exchange", "get-header"),
            ("log", "write"),
            ("kv", "set"),
            ("cache", "claim"),
            ("http", "send-all"),
        ] {
            assert!(has_function(interface, function), "{interface} {function}");
        }
        for (interface, function) in
            [("exchange", "get"), ("exchange", "teleport"), ("http", "request"), ("tcp", "get")]
        {
            assert!(!has_function(interface, function), "{interface} {function}");
        }
        let declared = |text: &str| text.matches(": func(").count();
        assert!(INTERFACES.iter().all(|(name, text)| *name == "types" || declared(text) > 0));
    }

    #[test]
    fn only_versions_above_this_one_need_a_newer_gateway() {
        let of = |interface: &str| Missing { interface: interface.to_owned(), function: None };
        assert!(of("torana:plugin/exchange@0.1.9").is_newer());
        assert!(of("torana:plugin/exchange@0.1.10").is_newer());
        for name in ["torana:plugin/exchange@0.1.0", "torana:plugin/x@0.2.0", "wasi:http/x@0.9.9"] {
            assert!(!of(name).is_newer(), "{name}");
        }
    }
}
