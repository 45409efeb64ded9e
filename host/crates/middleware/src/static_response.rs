//! `proxy.static`: fixed data merged over an endpoint's answer (reference 4.7).

use http::StatusCode;
use serde_json::{Map, Value};
use torana_config::{config, config_enum, read};
use torana_core::{
    RequestContext, Response,
    entity::Object,
    pipeline::{BuildContext, Built, Filter, Level, Outcome, Step, StepFactory},
};

config! {
    /// `proxy.static`: data that is added to the answer.
    pub struct StaticConfig {
        /// Keys that replace those of the answer.
        "data" data: Value,
        /// When: `always`, `success`, `errored`, `complete` or `incomplete`. Anything else means `always`.
        "strategy" strategy: String = "always".to_owned(),
    }
}

config_enum! {
    /// When the data is added.
    pub enum Strategy {
        /// Every time.
        Always = "always",
        /// No backend failed.
        Success = "success",
        /// A backend failed.
        Errored = "errored",
        /// No backend failed and every part is there.
        Complete = "complete",
        /// There is no answer, or a part is missing.
        Incomplete = "incomplete",
    }
}

/// Makes the step that adds fixed data.
pub struct StaticResponse;

impl StepFactory for StaticResponse {
    fn name(&self) -> &'static str {
        "static"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &["proxy"]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Endpoint(_) = cx.level else { return None };
        let component = cx.component("proxy")?.clone();
        let value = component.value.get("static").filter(|value| !value.is_null())?;
        let at = component.at.key("static");
        let config: StaticConfig = read(value, &at, cx.diagnostics)?;
        let Value::Object(data) = config.data else {
            cx.report(torana_config::Diagnostic::error(
                "wrong-type",
                at.key("data"),
                "expected an object with the data to add",
            ));
            return None;
        };
        let strategy = match config.strategy.as_str() {
            "success" => Strategy::Success,
            "errored" => Strategy::Errored,
            "complete" => Strategy::Complete,
            "incomplete" => Strategy::Incomplete,
            _ => Strategy::Always,
        };
        let keys: Vec<&str> = data.keys().map(String::as_str).collect();
        Some(Built {
            detail: format!("{} when {}", keys.join(", "), strategy.word()),
            step: Step::Filter(Box::new(Static { data, strategy })),
            at: Some(at),
        })
    }
}

struct Static {
    data: Map<String, Value>,
    strategy: Strategy,
}

impl Static {
    fn applies(&self, outcome: &Outcome) -> bool {
        let (failed, complete) = match outcome {
            Ok(response) => (response.failure.is_some(), response.complete),
            Err(_) => (true, false),
        };
        match self.strategy {
            Strategy::Always => true,
            Strategy::Success => !failed,
            Strategy::Errored => failed,
            Strategy::Complete => !failed && complete,
            Strategy::Incomplete => !complete,
        }
    }
}

impl Filter for Static {
    fn sees_response(&self) -> bool {
        true
    }

    fn on_response(&self, _: &RequestContext, outcome: Outcome) -> Outcome {
        if !self.applies(&outcome) {
            return outcome;
        }
        let data = Object::from_tree(self.data.clone());
        let mut response = match outcome {
            Ok(response) => response,
            // A failure becomes a partial answer with the static data (reference 4.7).
            Err(error) => {
                let mut response = Response::from_object(data);
                response.complete = false;
                response.status = StatusCode::OK;
                response.failure = Some(error);
                return Ok(response);
            }
        };
        match &mut response.data {
            torana_core::Data::Entity(Some(object)) => object.merge(data),
            torana_core::Data::Entity(none) => *none = Some(data),
            // A body that nobody decodes has no keys to replace.
            torana_core::Data::Body(_) => {}
        }
        Ok(response)
    }
}
