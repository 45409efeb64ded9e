//! The dashboard for Grafana asks for what a gateway shows, and for all of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use torana_tests::gateway::Gateway;

const DASHBOARD: &str = include_str!("../../docs/plugins/grafana.json");
const PREFIX: &str = "torana_wasm_";

/// The metrics of a gateway whose plugin has failed once: each with its labels.
fn shown() -> BTreeMap<String, BTreeSet<String>> {
    let config = json!({
        "version": 3,
        "endpoints": [{
            "endpoint": "/a",
            "output_encoding": "no-op",
            // Never asked.
            "backend": [{"host": ["http://127.0.0.1:1"], "url_pattern": "/"}],
            "extra_config": {"plugin/wasm": [{
                "name": "fails",
                "source": torana_plugins_build::plugin("test-hungry"),
            }]}
        }]
    });
    let gateway = Gateway::start(config);
    assert_eq!(gateway.connect().request("GET", "/a", &[("x-trap", "1")], "").status, 500);
    let text = gateway.metrics();
    let mut metrics = BTreeMap::<String, BTreeSet<String>>::new();
    for sample in text.lines().filter(|line| line.starts_with(PREFIX)) {
        let (name, rest) = sample.split_once('{').expect("labels");
        let (labels, _) = rest.rsplit_once('}').expect("their end");
        let labels = labels.split(',').filter_map(|label| label.split_once('='));
        metrics.entry(name.to_owned()).or_default().extend(labels.map(|(name, _)| name.to_owned()));
    }
    metrics
}

/// All queries of the dashboard.
fn queries(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().flat_map(queries).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(text) if key == "expr" || key == "query" => vec![text.as_str()],
                other => queries(other),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn words(query: &str) -> impl Iterator<Item = &str> {
    query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The labels by which a query sums up.
fn grouped(query: &str) -> BTreeSet<&str> {
    let groups = query.split(" by (").skip(1);
    groups.flat_map(|rest| words(rest.split_once(')').expect("the end of a list").0)).collect()
}

#[test]
fn every_metric_is_on_the_dashboard_and_every_query_finds_one() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let shown = shown();
    let mut asked = BTreeSet::new();
    for query in queries(&dashboard) {
        for metric in words(query).filter(|word| word.starts_with(PREFIX)) {
            let labels = shown.get(metric).unwrap_or_else(|| panic!("nobody shows `{metric}`"));
            for label in grouped(query) {
                assert!(labels.contains(label), "`{metric}` has no label `{label}`: {query}");
            }
            assert!(labels.contains("plugin"), "{metric}");
            asked.insert(metric);
        }
    }
    assert_eq!(asked, shown.keys().map(String::as_str).collect::<BTreeSet<_>>());
}
