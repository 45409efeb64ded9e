//! From checked configuration to a pipeline: what step factories get and give, and the plan that `explain` prints.

use std::sync::Arc;

use torana_config::{
    Diagnostic, Diagnostics, Pointer,
    valid::{Backend, Component, Endpoint, Extra, Gateway, Host},
};

use crate::{
    pipeline::{self, Step},
    resources::Resources,
};

/// The level at which a pipeline is built.
#[derive(Debug, Clone, Copy)]
pub enum Level<'a> {
    /// In front of the router.
    Service,
    /// Around all backends of an endpoint.
    Endpoint(&'a Endpoint),
    /// Around one backend of an endpoint.
    Backend(&'a Endpoint, &'a Backend),
}

/// What a factory may use. Factories spawn nothing: a build may be thrown away (`check`, a rejected reload).
pub struct BuildContext<'a> {
    /// The whole configuration.
    pub gateway: &'a Gateway,
    /// Where the pipeline stands.
    pub level: Level<'a>,
    /// What outlives configurations: connection pools, counters, compiled plugins.
    pub resources: &'a Resources,
    /// How steps reach other services.
    pub upstream: Upstream,
    /// Findings; any error in it makes `check` fail and `run` refuse.
    pub diagnostics: &'a mut Diagnostics,
}

/// Makes the call to a host that is no backend's, such as one that a plugin may ask: through the gateway's own client,
/// without redirects. The same host with the same settings gives the same call. Problems go to the context.
pub type Upstream = fn(&mut BuildContext<'_>, &Host) -> Option<Arc<dyn pipeline::Backend>>;

impl BuildContext<'_> {
    /// The components of this level.
    #[must_use]
    pub fn extra(&self) -> &Extra {
        match self.level {
            Level::Service => &self.gateway.extra,
            Level::Endpoint(endpoint) => &endpoint.extra,
            Level::Backend(_, backend) => &backend.extra,
        }
    }

    /// The component of a namespace at this level.
    #[must_use]
    pub fn component(&self, namespace: &str) -> Option<&Component> {
        self.extra().get(namespace)
    }

    /// Reports a finding.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// Makes a step of a pipeline where the configuration asks for it. One per file, listed in the tables of `wiring`:
/// the tables' order is the pipeline's order.
pub trait StepFactory: Sync {
    /// The word for this step in `explain` and in logs: its namespace, or what it does.
    fn name(&self) -> &'static str;

    /// The namespaces under `extra_config` that this factory reads.
    fn namespaces(&self) -> &'static [&'static str] {
        &[]
    }

    /// Makes the step, or nothing if the configuration does not ask for it. Problems go to the context.
    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built>;

    /// Makes all steps of this factory, outermost first: more than one where the configuration lists several of a
    /// kind, as plugins. This is what a builder calls.
    fn build_all(&self, cx: &mut BuildContext<'_>) -> Vec<Built> {
        self.build(cx).into_iter().collect()
    }
}

/// A step with what `explain` says of it.
pub struct Built {
    /// The step.
    pub step: Step,
    /// What it does here, in a few words: `allow id, name; group user`.
    pub detail: String,
    /// The part of the configuration that asks for it; `None` when it is always there.
    pub at: Option<Pointer>,
}

/// The compiled pipeline of an endpoint as plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// `GET /users/{id}`, or the name of the backend: `GET http://users:8080 /v1/users/{id}`.
    pub name: String,
    /// Steps, outermost first; the last is the leaf.
    pub steps: Vec<PlanStep>,
    /// The plans of the backends that the leaf calls.
    pub backends: Vec<Plan>,
    /// Where it stands in the configuration.
    pub at: Pointer,
}

/// One step of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanStep {
    /// The factory's name.
    pub name: &'static str,
    /// See [`Built::detail`].
    pub detail: String,
    /// See [`Built::at`].
    pub at: Option<Pointer>,
}
