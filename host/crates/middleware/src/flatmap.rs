//! `proxy.flatmap_filter` of an endpoint: changes the merged data (reference 4.2 and 5.4).

use torana_core::{
    RequestContext, Response, format,
    pipeline::{BuildContext, Built, Filter, Level, Outcome, Step, StepFactory},
};

/// Makes the step that changes merged data. With one backend nothing is merged, and there is no step: such a backend
/// has a `flatmap_filter` of its own.
pub struct Flatmap;

impl StepFactory for Flatmap {
    fn name(&self) -> &'static str {
        "flatmap"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &["proxy"]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Endpoint(endpoint) = cx.level else { return None };
        let flatmap = format::Flatmap::of(&endpoint.extra, cx.diagnostics)?;
        if endpoint.backends.len() < 2 {
            return None;
        }
        Some(Built {
            detail: flatmap.describe(),
            step: Step::Filter(Box::new(Flatten(flatmap))),
            at: endpoint.extra.get("proxy").map(|component| component.at.key("flatmap_filter")),
        })
    }
}

struct Flatten(format::Flatmap);

impl Filter for Flatten {
    fn sees_response(&self) -> bool {
        true
    }

    fn on_response(&self, _: &RequestContext, outcome: Outcome) -> Outcome {
        self.apply(outcome?)
    }
}

impl Flatten {
    fn apply(&self, mut response: Response) -> Outcome {
        // A partial answer stays as it is (reference 4.2).
        if response.failure.is_none()
            && let Some(object) = response.object_mut()
        {
            self.0.apply(object)?;
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests;
