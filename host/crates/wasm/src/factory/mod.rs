//! From `plugin/wasm` in the configuration to steps of a pipeline.

mod check;
mod load;
mod make;
mod plan;

use torana_config::{Pointer, Value, read, valid::Component, wrong_type};
use torana_core::pipeline::{Backend, BuildContext, Built, StepFactory};

use self::plan::{Findings, Plan};
use crate::{cache::Cache, config::PluginConfig};

/// The namespace of plugins.
pub const NAMESPACE: &str = "plugin/wasm";

/// Plugins around the router: they see requests first and answers last.
pub struct ServiceHooks;
/// Plugins around an endpoint: in front of its header filter, and behind its merge.
pub struct EndpointHooks;
/// Plugins around one backend.
pub struct BackendHooks;

macro_rules! factories {
    ($($factory:ident),*) => {$(
        impl StepFactory for $factory {
            fn name(&self) -> &'static str {
                NAMESPACE
            }

            fn namespaces(&self) -> &'static [&'static str] {
                &[NAMESPACE]
            }

            /// The first plugin only: there may be several, see [`StepFactory::build_all`].
            fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
                self.build_all(cx).into_iter().next()
            }

            fn build_all(&self, cx: &mut BuildContext<'_>) -> Vec<Built> {
                build_all(cx, &Cache::from_environment())
            }
        }
    )*};
}
factories!(ServiceHooks, EndpointHooks, BackendHooks);

/// Builds the plugins of a level, with compiled code kept in `cache`.
pub(crate) fn build_all(cx: &mut BuildContext<'_>, cache: &Cache) -> Vec<Built> {
    let Some((value, at)) = cx.component(NAMESPACE).map(|c| (c.value.clone(), c.at.clone())) else {
        return Vec::new();
    };
    let Value::Array(plugins) = &value else {
        let expected = "an array of plugins";
        cx.report(wrong_type(expected, &value, torana_config::At::Root(&at)));
        return Vec::new();
    };
    let build = |(index, plugin)| build(plugin, at.index(index), cx, cache);
    plugins.iter().enumerate().filter_map(build).collect()
}
fn build(value: &Value, at: Pointer, cx: &mut BuildContext<'_>, cache: &Cache) -> Option<Built> {
    let config = read::<PluginConfig>(value, &at, cx.diagnostics)?;
    let plan = Plan::new(config, at, cx)?;
    match plan.build(cx, cache) {
        Ok(built) => built,
        Err(Findings(found)) => {
            found.into_iter().for_each(|diagnostic| cx.report(diagnostic));
            None
        }
    }
}

/// The leaf of a backend that is a plugin, and what plans say of it; problems go to the context.
pub fn backend(
    component: &Component,
    cx: &mut BuildContext<'_>,
) -> Option<(Box<dyn Backend>, String)> {
    let config = read::<PluginConfig>(&component.value, &component.at, cx.diagnostics)?;
    let plan = Plan::new(config, component.at.clone(), cx)?;
    plan.build_backend(cx, &Cache::from_environment())
        .map_err(|Findings(found)| found.into_iter().for_each(|diagnostic| cx.report(diagnostic)))
        .ok()
}

/// The plugin of one element of the array, for tests that look at what runs.
#[cfg(test)]
pub(crate) fn start(
    value: &Value,
    cx: &mut BuildContext<'_>,
    cache: &Cache,
) -> std::sync::Arc<crate::plugin::Plugin> {
    let at = Pointer::root();
    let config = read::<PluginConfig>(value, &at, cx.diagnostics).expect("a plugin");
    Plan::new(config, at, cx).expect("valid grants").start(cx, cache).expect("a valid plugin").0
}
