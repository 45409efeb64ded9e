//! `modifier/jsonpath`: deletes, masks, extracts and selects data by JSONPath (RFC 9535), at a backend or an endpoint.
//!
//! Everything is applied to whatever data there is, also to a partial answer: what a file says to hide never gets out
//! because another backend failed.

mod location;
mod mask;
mod query;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use torana_config::{Diagnostic, config, read, valid};
use torana_core::{
    Error, RequestContext, Response,
    encoding::COLLECTION,
    entity::Object,
    pipeline::{BuildContext, Built, Filter, Level, Outcome, Step, StepFactory},
};

pub use self::{mask::MaskConfig, query::Query};

/// The namespace.
pub const NAMESPACE: &str = "modifier/jsonpath";

config! {
    /// Deletes, masks, extracts and selects data of an answer by JSONPath (RFC 9535), in this order.
    pub struct JsonPathConfig {
        /// Paths of what is removed: `$..password`.
        "delete" delete: Vec<Query> = Vec::new(),
        /// What is made unreadable.
        "mask" mask: Vec<MaskConfig> = Vec::new(),
        /// New top-level keys and the paths of their values. A path that can name one value at most gives that value,
        /// or no key if there is none; any other path gives a list.
        "extract" extract: BTreeMap<String, Query> = BTreeMap::new(),
        /// Path of what replaces the data. An object is taken as it is; anything else is a list under `collection`.
        "select" select: Option<Query> = None,
    }
}

/// Makes the step that works on data by JSONPath.
pub struct JsonPath;

impl StepFactory for JsonPath {
    fn name(&self) -> &'static str {
        "jsonpath"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &[NAMESPACE]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let component = cx.component(NAMESPACE)?.clone();
        let config: JsonPathConfig = read(&component.value, &component.at, cx.diagnostics)?;
        let undecoded = match cx.level {
            Level::Service => return None,
            Level::Endpoint(endpoint) => endpoint.output_encoding == valid::OutputEncoding::NoOp,
            Level::Backend(_, backend) => backend.encoding == valid::Encoding::NoOp,
        };
        if undecoded {
            // Going on would let out what the file says to hide.
            cx.report(
                Diagnostic::error(
                    "jsonpath-no-op",
                    component.at,
                    "`modifier/jsonpath` cannot work on the undecoded body of `no-op`",
                )
                .on_key()
                .help("use another encoding, such as json"),
            );
            return None;
        }
        Some(Built {
            detail: config.describe(),
            step: Step::Filter(Box::new(Modifier(config))),
            at: Some(component.at),
        })
    }
}

struct Modifier(JsonPathConfig);

impl Filter for Modifier {
    fn sees_response(&self) -> bool {
        true
    }

    fn on_response(&self, _: &RequestContext, outcome: Outcome) -> Outcome {
        self.0.modify(outcome?)
    }
}

impl JsonPathConfig {
    fn modify(&self, mut response: Response) -> Outcome {
        if let Some(object) = response.object_mut() {
            self.apply(object)?;
        }
        Ok(response)
    }

    /// Applies everything to the data.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](torana_core::ErrorKind::Internal) if a query fails or gives something other than
    /// places in the data: then the data must not go on.
    pub fn apply(&self, object: &mut Object) -> Result<(), Error> {
        for query in &self.delete {
            query.edit(object, location::delete)?;
        }
        for mask in &self.mask {
            mask.path.edit(object, |map, places| mask.apply(map, &places))?;
        }
        // All are read before any is added, so that none sees another's.
        let mut extracted = Map::new();
        for (key, query) in &self.extract {
            let mut found = query.find(object)?;
            let value = if query.is_singular() { found.pop() } else { Some(Value::Array(found)) };
            if let Some(value) = value {
                extracted.insert(key.clone(), value);
            }
        }
        if !extracted.is_empty() {
            object.merge(Object::from_tree(extracted));
        }
        if let Some(query) = &self.select {
            *object = selected(query, object)?;
        }
        Ok(())
    }

    /// What it does, for `explain`: `delete $..password; select $.items`.
    fn describe(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.delete.iter().map(|query| format!("delete {}", query.text())));
        parts.extend(self.mask.iter().map(|mask| format!("mask {}", mask.path.text())));
        parts.extend(self.extract.iter().map(|(key, query)| format!("{key} = {}", query.text())));
        parts.extend(self.select.iter().map(|query| format!("select {}", query.text())));
        parts.join("; ")
    }
}

/// The data that `query` chooses. Nothing found is an empty object where one value was asked for, else an empty list.
fn selected(query: &Query, object: &Object) -> Result<Object, Error> {
    let mut found = query.find(object)?;
    let list = if query.is_singular() {
        match found.pop() {
            None => return Ok(Object::new()),
            Some(Value::Object(map)) => return Ok(Object::from_tree(map)),
            Some(Value::Array(items)) => items,
            Some(scalar) => vec![scalar],
        }
    } else {
        found
    };
    let mut data = Object::new();
    data.insert(COLLECTION, Value::Array(list));
    Ok(data)
}

#[cfg(test)]
mod tests;
