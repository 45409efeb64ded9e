//! From a checked configuration to a service that runs: `check`, `run`, `reload` and `explain` all come through here,
//! so that what one refuses, all refuse. Nothing is spawned: a build may be thrown away.

use std::{sync::Arc, time::Duration};

use torana_config::{
    Diagnostics,
    valid::{Backend, Encoding, Endpoint, Gateway, PatternPart},
};
use torana_core::{
    EndpointInfo, Resources,
    merge::{Branch, Parallel, Propagated, Sequential},
    pipeline::{self, BuildContext, Built, Level, Pipeline, Plan, PlanStep},
    step,
};
use torana_http::{
    backend, endpoint, respond::Rendering, server::Listening, service::Service, tls,
};
use torana_middleware::{
    conditional::{self, Conditional},
    proxy, shadow,
};

use crate::wiring::{self, Row};

/// What a configuration was built to.
pub struct Snapshot {
    /// Serves requests.
    pub service: Service,
    /// What the listener does with connections.
    pub listening: Listening,
}

/// Builds everything; `None` when a finding in `diagnostics` is an error.
pub fn build(
    gateway: &Gateway,
    resources: &Resources,
    diagnostics: &mut Diagnostics,
) -> Option<Snapshot> {
    let mut builder = Builder { gateway, resources, diagnostics };
    let mut endpoints = Vec::with_capacity(gateway.endpoints.len());
    let mut plans = Vec::with_capacity(gateway.endpoints.len());
    let mut whole = true;
    for config in &gateway.endpoints {
        match builder.endpoint(config) {
            Some((endpoint, plan)) => {
                endpoints.push(endpoint);
                plans.push(plan);
            }
            None => whole = false,
        }
    }
    let service_steps = builder.steps(Level::Service, wiring::SERVICE, &mut |_| None);
    let listening = builder.listening();
    // Read again where it is used; here for its problems.
    torana_telemetry::read(gateway, diagnostics);
    if diagnostics.has_errors() || !whole {
        return None;
    }
    let (steps, service_plan) = split(service_steps);
    for plan in &mut plans {
        plan.steps.splice(0..0, service_plan.iter().cloned());
    }
    let service = Service::new(gateway, steps, endpoints, plans);
    Some(Snapshot { service, listening: listening? })
}

struct Builder<'a> {
    gateway: &'a Gateway,
    resources: &'a Resources,
    diagnostics: &'a mut Diagnostics,
}

/// A backend's leaf, its balancing step, what plans say of it, and the plan inside a workflow.
type BackendLeaf = (Box<dyn pipeline::Backend>, Option<Built>, PlanStep, Option<Plan>);

/// A step and the name it has in plans.
struct Named {
    name: &'static str,
    built: Built,
}

fn split(named: Vec<Named>) -> (Vec<pipeline::Step>, Vec<PlanStep>) {
    named
        .into_iter()
        .map(|Named { name, built }| {
            (built.step, PlanStep { name, detail: built.detail, at: built.at })
        })
        .unzip()
}

impl<'a> Builder<'a> {
    fn context<'s>(&'s mut self, level: Level<'s>) -> BuildContext<'s> {
        BuildContext {
            gateway: self.gateway,
            level,
            resources: self.resources,
            upstream: backend::upstream,
            diagnostics: self.diagnostics,
        }
    }

    /// The steps of a table; `place` makes those that are not a factory's.
    fn steps(
        &mut self,
        level: Level<'_>,
        table: &[Row],
        place: &mut dyn FnMut(&Row) -> Option<Named>,
    ) -> Vec<Named> {
        let mut steps = Vec::new();
        for row in table {
            match row {
                Row::Step(factory) => {
                    let built = factory.build_all(&mut self.context(level));
                    steps.extend(
                        built.into_iter().map(|built| Named { name: factory.name(), built }),
                    );
                }
                row => steps.extend(place(row)),
            }
        }
        steps
    }

    fn listening(&mut self) -> Option<Listening> {
        let tls = match &self.gateway.tls {
            Some(config) => Some(tls::server(config, true, self.diagnostics)?),
            None => None,
        };
        let proxy_protocol = self.gateway.router.proxy_protocol;
        Some(Listening { tls, h2c: self.gateway.use_h2c, proxy_protocol })
    }

    fn endpoint(&mut self, config: &'a Endpoint) -> Option<(endpoint::Endpoint, Plan)> {
        let (pipeline, plan) = self.endpoint_pipeline(config, wiring::ENDPOINT)?;
        let info = Arc::new(EndpointInfo {
            path: config.path.clone(),
            method: step::method(config.method),
            timeout: config.timeout,
        });
        let rendering = Rendering::new(config.output_encoding, config.cache_ttl);
        Some((endpoint::Endpoint { info, pipeline, rendering }, plan))
    }

    /// The pipeline of an endpoint, or of a workflow with a shorter table.
    fn endpoint_pipeline(
        &mut self,
        config: &'a Endpoint,
        table: &[Row],
    ) -> Option<(Pipeline, Plan)> {
        let level = Level::Endpoint(config);
        let settings = proxy::endpoint(&mut self.context(level));
        let propagated = match &settings {
            Some(settings) => settings.propagated(
                &config.extra.get(proxy::NAMESPACE)?.at.clone(),
                &mut self.context(level),
            ),
            None => Vec::new(),
        };
        let mut branches = Vec::new();
        let mut shadows = Vec::new();
        let mut plans = Vec::new();
        let mut shadow_timeout = None;
        let mut whole = true;
        for backend in &config.backends {
            let Some((branch, plan, shadow)) = self.branch(config, backend) else {
                whole = false;
                continue;
            };
            plans.push(plan);
            match shadow {
                Some(timeout) => {
                    shadow_timeout = shadow_timeout.max(Some(timeout));
                    shadows.push(branch);
                }
                None => branches.push(branch),
            }
        }
        if !whole {
            // The other problems of this endpoint are worth knowing all the same.
            self.steps(level, table, &mut |_| None);
            return None;
        }
        let mut shadows = (!shadows.is_empty()).then(|| {
            let timeout = shadow_timeout.unwrap_or(config.timeout);
            let count = shadows.len();
            Named {
                name: "shadow",
                built: Built {
                    step: shadow::step(
                        Arc::new(Parallel::new(std::mem::take(&mut shadows), timeout)),
                        timeout,
                    ),
                    detail: format!("{count} in the background"),
                    at: Some(config.at.key("backend")),
                },
            }
        });
        let steps = self.steps(level, table, &mut |row| {
            matches!(row, Row::Shadow).then(|| shadows.take()).flatten()
        });
        let (steps, mut plan_steps) = split(steps);
        let sequential = settings.as_ref().is_some_and(proxy::ProxyConfig::is_sequential);
        let (leaf, leaf_name) = self.leaf(config, branches, sequential, propagated);
        plan_steps.push(PlanStep {
            name: leaf_name,
            detail: format!("{} within {:?}", count(config.backends.len()), config.timeout),
            at: Some(config.at.key("backend")),
        });
        let name = format!("{} {}", config.method.name(), config.path);
        let plan = Plan { name, steps: plan_steps, backends: plans, at: config.at.clone() };
        Some((Pipeline::new(steps, leaf), plan))
    }

    fn leaf(
        &mut self,
        config: &Endpoint,
        mut branches: Vec<Branch>,
        sequential: bool,
        mut propagated: Vec<Propagated>,
    ) -> (Box<dyn pipeline::Backend>, &'static str) {
        // One backend needs no merger, and conditions live in mergers (reference 4.5).
        if branches.len() == 1
            && let Some(branch) = branches.pop()
        {
            return (Box::new(Single(branch.pipeline)), "single backend");
        }
        if !sequential {
            return (Box::new(Parallel::new(branches, config.timeout)), "merge in parallel");
        }
        for backend in &config.backends {
            let parts = backend.url_pattern.path.iter().chain(&backend.url_pattern.query);
            for part in parts {
                if let PatternPart::Response { backend, path, name } = part {
                    let wanted = Propagated {
                        backend: *backend,
                        path: path.clone(),
                        name: name.as_str().into(),
                    };
                    if !propagated.contains(&wanted) {
                        propagated.push(wanted);
                    }
                }
            }
        }
        let leaf = Sequential::new(branches, propagated, config.timeout);
        (Box::new(leaf), "merge in sequence")
    }

    /// One backend; with the time limit of its copies when it is a shadow.
    fn branch(
        &mut self,
        endpoint: &'a Endpoint,
        backend: &'a Backend,
    ) -> Option<(Branch, Plan, Option<Duration>)> {
        let level = Level::Backend(endpoint, backend);
        let settings = proxy::backend(&mut self.context(level));
        let condition = conditional::build(&mut self.context(level));
        let (leaf, mut balancing, leaf_step, inner) = self.backend_leaf(endpoint, backend)?;
        let steps = self.steps(level, wiring::BACKEND, &mut |row| {
            let built = matches!(row, Row::Balance).then(|| balancing.take()).flatten()?;
            Some(Named { name: "balance", built })
        });
        let (steps, mut plan_steps) = split(steps);
        plan_steps.push(leaf_step);
        let condition = condition.map(|Conditional { condition, detail, at }| {
            plan_steps.insert(0, PlanStep { name: "condition", detail, at: Some(at) });
            condition
        });
        let shadow = settings.filter(|settings| settings.shadow);
        let kind = if shadow.is_some() { "shadow " } else { "" };
        let plan = Plan {
            name: format!("{kind}{} {}", backend.method.name(), backend.url_pattern.source),
            steps: plan_steps,
            backends: inner.into_iter().collect(),
            at: backend.at.clone(),
        };
        let branch = Branch { pipeline: Arc::new(Pipeline::new(steps, leaf)), condition };
        let timeout = shadow.map(|shadow| shadow.shadow_timeout.unwrap_or(endpoint.timeout));
        Some((branch, plan, timeout))
    }

    fn backend_leaf(
        &mut self,
        endpoint: &'a Endpoint,
        backend: &'a Backend,
    ) -> Option<BackendLeaf> {
        if let Some(workflow) = &backend.workflow {
            let (pipeline, plan) = self.endpoint_pipeline(&workflow.endpoint, wiring::WORKFLOW)?;
            let leaf = torana_backends::workflow::Workflow::new(
                backend,
                workflow,
                pipeline,
                self.diagnostics,
            );
            let step = PlanStep {
                name: "workflow",
                detail: workflow.endpoint.path.clone(),
                at: Some(workflow.endpoint.at.clone()),
            };
            return Some((Box::new(leaf), None, step, Some(plan)));
        }
        if let Some(plugin) = &backend.plugin {
            let level = Level::Backend(endpoint, backend);
            let (leaf, detail) = torana_wasm::backend(plugin, &mut self.context(level))?;
            let at = Some(plugin.at.clone());
            return Some((leaf, None, PlanStep { name: torana_wasm::NAMESPACE, detail, at }, None));
        }
        let http = backend::build(&mut self.context(Level::Backend(endpoint, backend)))?;
        let streamed = if backend.encoding == Encoding::NoOp { ", streamed" } else { "" };
        let step = PlanStep {
            name: "http",
            detail: format!("{}{streamed}", http.detail),
            at: backend.hosts.first().map(|host| host.at.clone()),
        };
        Some((http.leaf, http.balancing, step, None))
    }
}

fn count(backends: usize) -> String {
    if backends == 1 { "1 backend".to_owned() } else { format!("{backends} backends") }
}

/// The only backend of an endpoint.
struct Single(Arc<Pipeline>);

impl pipeline::Backend for Single {
    fn call<'a>(
        &'a self,
        cx: &'a torana_core::RequestContext,
        request: torana_core::Request,
    ) -> pipeline::BoxFuture<'a, pipeline::Outcome> {
        self.0.run(cx, request)
    }
}
