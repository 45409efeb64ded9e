//! Plugins that misbehave cost one request each.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use torana_core::{ErrorKind, pipeline::Outcome};

use super::{At, Scene, get, plugin, shared::logged, values};

fn scene(name: &str, more: Value) -> Scene {
    Scene::new(At::Endpoint, json!([plugin(name, more)]))
}

fn plugin_error(outcome: Outcome) -> String {
    let error = outcome.expect_err("the plugin failed");
    assert_eq!(error.kind(), ErrorKind::Plugin);
    error.to_string()
}

#[test]
fn a_trap_costs_one_request() {
    let scene = scene("test-trap", json!({}));
    scene.run(get(&[])).unwrap();
    scene.seen();
    let mut error = String::new();
    let log = logged(|| error = plugin_error(scene.run(get(&[("x-trap", "1")]))));
    assert!(error.contains("`test-trap`, on-request"), "{error}");
    assert!(log[0].contains("request_id=42") && log[0].contains("the request asked for it"));
    assert_eq!(scene.reached_backend(), 0);
    scene.run(get(&[])).unwrap();
    assert_eq!(values(&scene.seen().headers, "x-seen"), ["yes"]);
}

#[test]
fn on_error_pass_goes_on_without_the_plugin() {
    let scene = scene("test-trap", json!({"on_error": "pass"}));
    let log = logged(|| {
        scene.run(get(&[("x-trap", "1")])).unwrap();
    });
    assert!(log[0].starts_with("WARN") && log[0].contains("is skipped"), "{log:?}");
    assert_eq!(values(&scene.seen().headers, "x-trap"), ["1"], "the request came back whole");
}

#[test]
fn an_instance_that_trapped_serves_no_more() {
    let scene = scene("test-panic-once", json!({}));
    scene.run(get(&[])).unwrap();
    assert_eq!(values(&scene.seen().headers, "x-calls"), ["1"]);
    plugin_error(scene.run(get(&[])));
    scene.run(get(&[])).unwrap();
    assert_eq!(values(&scene.seen().headers, "x-calls"), ["1"], "a new instance");
}

#[test]
fn an_endless_loop_is_interrupted() {
    let scene = scene("test-loop", json!({"limits": {"timeout": "20ms"}}));
    let start = Instant::now();
    let error = plugin_error(scene.run(get(&[("x-loop", "1")])));
    let took = start.elapsed();
    assert!(error.contains("time limit of 20ms exceeded"), "{error}");
    assert!(took >= Duration::from_millis(20), "not before its time: {took:?}");
    // Generous, as other tests share the machine; without the limit it would never end.
    assert!(took < Duration::from_secs(5), "{took:?}");
    scene.run(get(&[])).unwrap();
}

#[test]
fn a_memory_bomb_is_refused() {
    let scene = scene("test-hungry", json!({"limits": {"memory": "8MiB", "timeout": "1s"}}));
    scene.run(get(&[("x-eat", "5")])).unwrap();
    assert_eq!(values(&scene.seen().headers, "x-eaten"), ["5"]);
    let error = plugin_error(scene.run(get(&[("x-eat", "60")])));
    assert!(error.contains("memory limit of 8388608 bytes exceeded"), "{error}");
    scene.run(get(&[("x-eat", "1")])).unwrap();
    assert_eq!(values(&scene.seen().headers, "x-eaten"), ["1"], "a new instance");
}

#[test]
fn a_hook_that_reports_an_error_keeps_its_instance() {
    let config = json!({"config": {"request": [["fail", "no tenant"]]}, "grants": {"log": true}});
    let error = plugin_error(scene("test-probe", config).run(get(&[])));
    assert!(error.ends_with("on-request: no tenant"), "{error}");
}

#[test]
fn answers_that_are_not_valid_http_fail_the_call() {
    for (status, name, expected) in [
        ("700", "x-a", "700 is not a status"),
        ("101", "x-a", "101 is not a status"),
        ("200", "content-length", "cannot be edited"),
        ("200", "a b", "not a header name"),
    ] {
        let config = json!({"config": {"request": [["answer", status, name, "1"]]},
                            "grants": {"log": true}});
        let error = plugin_error(scene("test-probe", config).run(get(&[])));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn asking_for_the_other_message_traps_and_says_why() {
    let config = json!({"config": {"request": [["status"]]}, "grants": {"log": true}});
    let error = plugin_error(scene("test-probe", config).run(get(&[])));
    assert!(error.contains("a request hook asked for the response"), "{error}");
}

#[test]
fn log_lines_carry_plugin_and_request() {
    let config = json!({"name": "p", "config": {"request": [["log", "hi"], ["print", "ho"]]},
                        "grants": {"log": true}});
    let scene = scene("test-probe", config);
    let log = logged(|| {
        scene.run(get(&[])).unwrap();
    });
    assert_eq!(log.len(), 2, "{log:?}");
    for (line, word) in log.iter().zip(["hi", "ho"]) {
        assert_eq!(*line, format!("WARN message={word} plugin=\"p\" request_id=42"));
    }
}

#[test]
fn a_worker_whose_instances_are_all_busy_says_so() {
    use std::sync::Arc;

    use torana_core::Resources;

    use crate::{config::OnError, step::PluginStep};

    let built = super::start(plugin("test-trap", json!({})), &Resources::default());
    let hooks = crate::step::LevelHooks { request: Some(crate::Hook::OnRequest), response: None };
    let step = PluginStep::new(Arc::clone(&built), OnError::Fail, hooks, false);
    let held: Vec<_> = std::iter::from_fn(|| built.pool.take().ok()).collect();
    assert_eq!(held.len(), 16);
    let scene = Scene::from_steps(
        vec![torana_core::pipeline::Built {
            step: torana_core::pipeline::Step::Filter(Box::new(step)),
            detail: String::new(),
            at: None,
        }],
        || super::ok(""),
    );
    let error = scene.run(get(&[])).expect_err("nothing is free");
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(error.retry_after(), Some(1));
    drop(held);
    scene.run(get(&[])).unwrap();
}
