//! `torana:plugin/metrics`.

use crate::{bindings::torana::plugin::metrics::Host, state::State};

type Labels = Vec<(String, String)>;

// A component that imports `metrics` without the grant is not loaded, so there is a registry.
impl Host for State {
    fn count(&mut self, name: String, by: u64, labels: Labels) -> wasmtime::Result<()> {
        if let Some(registry) = &self.facts.metrics {
            registry.count(&name, by, labels);
        }
        Ok(())
    }

    fn gauge(&mut self, name: String, value: f64, labels: Labels) -> wasmtime::Result<()> {
        if let Some(registry) = &self.facts.metrics {
            registry.gauge(&name, value, labels);
        }
        Ok(())
    }

    fn observe(&mut self, name: String, value: f64, labels: Labels) -> wasmtime::Result<()> {
        if let Some(registry) = &self.facts.metrics {
            registry.observe(&name, value, labels);
        }
        Ok(())
    }
}
