//! `backend/conditional`: backends that take part only in some requests (reference 4.5, 11.5). Paid elsewhere.

use http::HeaderName;
use torana_config::{Diagnostic, Pointer, config, config_enum, read};
use torana_core::{Request, RequestContext, merge::Condition, pipeline::BuildContext};

/// Namespace of [`ConditionalConfig`].
pub const NAMESPACE: &str = "backend/conditional";

config_enum! {
    /// What decides.
    pub enum Strategy {
        /// A request header has a value.
        Header = "header",
        /// A CEL expression holds.
        Policy = "policy",
        /// No other condition held.
        Fallback = "fallback",
    }
}

config! {
    /// `backend/conditional`: when this backend is called.
    pub struct ConditionalConfig {
        /// What decides: `header` or `fallback`.
        "strategy" strategy: Strategy,
        /// Name of the header; it must be in the endpoint's `input_headers`.
        "name" name: Option<String> = None,
        /// Value that the header must have.
        "value" value: Option<String> = None,
    }
}

/// A condition, and what plans say of it.
pub struct Conditional {
    /// Decides.
    pub condition: Box<dyn Condition>,
    /// When the backend is called.
    pub detail: String,
    /// Where that is configured.
    pub at: Pointer,
}

/// The condition of a backend. A condition that cannot be built is reported as an error: the backend would be called
/// when it must not.
pub fn build(cx: &mut BuildContext<'_>) -> Option<Conditional> {
    let component = cx.component(NAMESPACE)?.clone();
    let config: ConditionalConfig = read(&component.value, &component.at, cx.diagnostics)?;
    match config.strategy {
        Strategy::Fallback => Some(Conditional {
            condition: Box::new(Fallback),
            detail: "if no other condition holds".to_owned(),
            at: component.at,
        }),
        Strategy::Policy => {
            cx.report(Diagnostic::error(
                "component-not-built",
                component.at.key("strategy"),
                "conditions by CEL policy are not there yet",
            ));
            None
        }
        Strategy::Header => {
            let name = config.name.as_deref().unwrap_or_default();
            let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), config.value)
            else {
                cx.report(Diagnostic::error(
                    "missing-key",
                    component.at,
                    "a condition by header needs `name`, a valid header name, and `value`",
                ));
                return None;
            };
            let detail = format!("if the header {name} is {value:?}");
            Some(Conditional {
                condition: Box::new(Header { name, value }),
                detail,
                at: component.at,
            })
        }
    }
}

struct Header {
    name: HeaderName,
    value: String,
}

impl Condition for Header {
    fn applies(&self, _: &RequestContext, request: &Request, _: bool) -> bool {
        request
            .headers
            .get_all(&self.name)
            .iter()
            .any(|value| value.as_bytes() == self.value.as_bytes())
    }
}

struct Fallback;

impl Condition for Fallback {
    fn applies(&self, _: &RequestContext, _: &Request, any_other: bool) -> bool {
        !any_other
    }

    fn is_fallback(&self) -> bool {
        true
    }
}
