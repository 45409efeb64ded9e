//! The second query filter of a backend: `input_query_strings` (reference 3.4).

use super::filter_query;
use crate::{
    Error, Request, RequestContext,
    pipeline::{BuildContext, Built, Filter, Flow, Level, Step, StepFactory},
};

/// Makes the step where a backend narrows the query strings.
pub struct BackendQueryFilter;

impl StepFactory for BackendQueryFilter {
    fn name(&self) -> &'static str {
        "query filter"
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Backend(_, backend) = cx.level else { return None };
        if backend.input_query_strings.is_empty() {
            return None;
        }
        let names = backend.input_query_strings.clone();
        Some(Built {
            detail: names.join(", "),
            at: Some(backend.at.key("input_query_strings")),
            step: Step::Filter(Box::new(Query(names))),
        })
    }
}

/// A literal `*` matches nothing here, as in KrakenD.
struct Query(Vec<String>);

impl Filter for Query {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        if !request.query.is_empty() {
            request.query = filter_query(&request.query, |name| self.0.iter().any(|n| n == name));
        }
        Ok(Flow::Continue)
    }
}
