//! Plugins that misbehave cost one request each.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use serde_json::{Value, json};
use torana_core::{ErrorKind, Resources, pipeline::Outcome};

use super::{At, Scene, get, plugin, shared::logged, values};
use crate::{
    figures::Failure,
    plugin::Plugin,
    pool::{Lease, Use},
    trip::FAILURES,
};

fn scene(name: &str, more: Value) -> Scene {
    Scene::new(At::Endpoint, json!([plugin(name, more)]))
}

fn plugin_error(outcome: Outcome) -> String {
    let error = outcome.expect_err("the plugin failed");
    assert_eq!(error.kind(), ErrorKind::Plugin);
    error.in_full()
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
    let backtrace = "backtrace=\"test_trap::check <- ";
    assert!(log[0].contains(backtrace), "{log:?}");
    assert!(log[0].contains("plugin=\"test-trap\" hook=\"on-request\""), "{log:?}");
    assert!(!error.contains("test_trap::"), "names are for the log only: {error}");
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
    let mut error = String::new();
    let log = logged(|| error = plugin_error(scene.run(get(&[("x-loop", "1")]))));
    let took = start.elapsed();
    assert!(log[0].contains("backtrace=\"") && log[0].contains("on-request"), "{log:?}");
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
fn memory_that_an_earlier_call_did_without_is_no_reason_for_a_trap() {
    let scene = scene("test-hungry", json!({"limits": {"memory": "8MiB", "timeout": "1s"}}));
    scene.run(get(&[("x-taste", "60")])).unwrap();
    assert_eq!(values(&scene.seen().headers, "x-refused"), ["true"]);
    let error = plugin_error(scene.run(get(&[("x-trap", "1")])));
    assert!(error.contains("the request asked for it"), "{error}");
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

/// A scene with one plugin, and the plugin.
fn with_plugin(name: &str, more: Value) -> (Scene, Arc<Plugin>) {
    let resources = Resources::default();
    let value = plugin(name, more);
    let running = super::start(value.clone(), &resources);
    let built = super::build(At::Endpoint, json!([value]), &resources).expect("valid");
    (Scene::from_steps(built, || super::ok("")), running)
}

#[test]
fn a_worker_whose_instances_are_all_busy_says_so() {
    let limits = json!({"limits": {"instances": 2, "queue": 0}});
    let (scene, running) = with_plugin("test-trap", limits);
    let held: Vec<_> = std::iter::from_fn(|| Lease::take(&*running).unwrap()).collect();
    assert_eq!(held.len(), 2);
    let error = scene.run(get(&[])).expect_err("nothing is free");
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(error.retry_after(), Some(1));
    drop(held);
    scene.run(get(&[])).unwrap();
}

#[test]
fn a_request_waits_for_an_instance_to_become_free() {
    let limits = json!({"limits": {"instances": 1, "queue": 1}});
    let (scene, running) = with_plugin("test-trap", limits);
    let held = Lease::take(&*running).unwrap().expect("an instance");
    let mut order = Vec::new();
    super::block_on(async {
        let cx = super::context();
        let first = scene.pipeline.run(&cx, get(&[]));
        let second = scene.pipeline.run(&cx, get(&[]));
        // The first one queues, the second one finds the queue full, and then the instance becomes free.
        let release = async {
            assert_eq!(running.pool.used(), Use { idle: 0, in_use: 1, waiting: 1 });
            drop(held);
        };
        let (first, second, ()) = tokio::join!(first, second, release);
        order.extend([first.is_ok(), second.is_ok()]);
    });
    assert_eq!(order, [true, false]);
    assert_eq!(running.pool.figures().queued, 1);
}

#[test]
fn a_plugin_that_keeps_failing_is_switched_off() {
    let (scene, running) = with_plugin("test-trap", json!({}));
    for _ in 0..FAILURES {
        plugin_error(scene.run(get(&[("x-trap", "1")])));
    }
    let error = scene.run(get(&[])).expect_err("it is switched off");
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let figures = *running.pool.figures().hook(crate::Hook::OnRequest);
    assert_eq!(figures.calls, u64::from(FAILURES));
    assert_eq!(figures.failures[Failure::Trap as usize], u64::from(FAILURES));
    assert_eq!(figures.failures[Failure::Tripped as usize], 1);
}

#[test]
fn a_plugin_that_fails_now_and_then_is_not_switched_off() {
    let (scene, _) = with_plugin("test-trap", json!({}));
    for _ in 0..FAILURES * 2 {
        plugin_error(scene.run(get(&[("x-trap", "1")])));
        scene.run(get(&[])).unwrap();
    }
}

#[test]
fn a_long_call_holds_up_nobody_once_the_plugin_is_known_for_it() {
    let limits = json!({"limits": {"timeout": "100ms"}});
    let (scene, running) = with_plugin("test-loop", limits);
    plugin_error(scene.run(get(&[("x-loop", "1")])));
    assert!(running.facts.pace.is_slow());
    let order = std::sync::Mutex::new(Vec::new());
    super::block_on(async {
        let cx = super::context();
        let long = async {
            plugin_error(scene.pipeline.run(&cx, get(&[("x-loop", "1")])).await);
            order.lock().unwrap().push("long");
        };
        let short = async {
            scene.pipeline.run(&cx, get(&[])).await.unwrap();
            order.lock().unwrap().push("short");
        };
        tokio::join!(long, short);
    });
    assert_eq!(*order.lock().unwrap(), ["short", "long"]);
    let figures = *running.pool.figures().hook(crate::Hook::OnRequest);
    assert_eq!((figures.calls, figures.failures[Failure::Time as usize]), (3, 2));
    // Two calls of at least 100 ms; whatever else the short one took.
    assert!(figures.cpu >= Duration::from_millis(200), "{figures:?}");
}
