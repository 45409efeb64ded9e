//! Plugins that go wild: exactly the requests that make them do so fail, and what happened is counted.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use torana_core::{ErrorKind, Resources};

use super::{At, Scene, get, plugin, shared::logged, start, values};
use crate::{
    component::Hook,
    figures::{Failure, HookFigures},
    plugin::Plugin,
    trip::FAILURES,
};

/// A scene with one plugin, and the plugin.
fn scene(value: Value) -> (Scene, Arc<Plugin>) {
    let resources = Resources::default();
    let running = start(value.clone(), &resources);
    let built = super::build(At::Endpoint, json!([value]), &resources).expect("valid");
    (Scene::from_steps(built, || super::ok("hello")), running)
}

/// With time enough on a busy machine.
fn patient(mut more: Value) -> Value {
    more["limits"]["timeout"] = "1s".into();
    more
}

fn figures(plugin: &Plugin) -> HookFigures {
    *plugin.pool.figures().hook(Hook::OnRequest)
}

#[test]
fn endless_recursion_ends_at_the_stack() {
    let (scene, running) = scene(plugin("test-recurse", patient(json!({}))));
    for _ in 0..3 {
        let error = scene.run(get(&[("x-recurse", "1")])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin);
        scene.run(get(&[])).unwrap();
    }
    assert_eq!(scene.reached_backend(), 3);
    assert_eq!(figures(&running).failures[Failure::Trap as usize], 3);
}

#[test]
fn a_flood_of_log_lines_is_dammed() {
    let more = patient(json!({"grants": {"log": true}}));
    let (scene, running) = scene(plugin("test-flood", more));
    let log = logged(|| {
        scene.run(get(&[("x-flood", "5000")])).unwrap();
    });
    assert_eq!(values(&scene.seen().headers, "x-flooded"), ["5000"]);
    assert_eq!(log.len(), 101, "the lines of a call, and the one that says that there are more");
    assert!(log[100].contains("too many log lines"), "{}", log[100]);
    assert!(log.iter().all(|line| line.len() < 5_000), "lines are cut");
    assert_eq!(figures(&running).failures, [0; Failure::ALL.len()]);
}

#[test]
fn a_panic_in_a_hundred_calls_costs_one_request_in_a_hundred() {
    let (scene, running) = scene(plugin("test-panic-sometimes", patient(json!({}))));
    let mut failed = Vec::new();
    let log = logged(|| {
        for number in 1..=1_000 {
            match scene.run(get(&[])) {
                Ok(_) => drop(scene.seen()),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Plugin);
                    failed.push(number);
                }
            }
        }
    });
    assert_eq!(failed, (1..=10).map(|hundred| hundred * 100).collect::<Vec<_>>());
    assert_eq!(log.len(), 10);
    assert!(log.iter().all(|line| line.contains("one of 100 calls")), "{log:?}");
    let figures = figures(&running);
    assert_eq!((figures.calls, figures.bypasses), (1_000, 0));
    assert_eq!(figures.failures[Failure::Trap as usize], 10);
    assert!(!running.trip.is_tripped());
    // One for each panic; nobody has asked for the successor of the last one yet.
    assert_eq!(running.pool.figures().made, 10);
}

#[test]
fn a_leak_costs_no_request_and_what_does_not_leak_stays() {
    let more = patient(json!({"limits": {"memory": "8MiB"}}));
    let (scene, running) = scene(plugin("test-hungry", more));
    let eaten = |headers: &[(&str, &str)]| {
        scene.run(get(headers)).unwrap();
        values(&scene.seen().headers, "x-eaten")[0].parse::<u32>().unwrap()
    };
    assert_eq!(eaten(&[("x-eat", "4")]), 4);
    for _ in 2..1_000 {
        assert_eq!(eaten(&[]), 4);
    }
    assert_eq!((eaten(&[]), eaten(&[])), (4, 0), "replaced after the thousandth call");
    for _ in 1..9_999 {
        eaten(&[]);
    }
    assert_eq!((eaten(&[("x-eat", "1")]), running.pool.figures().made), (1, 2));
    assert_eq!(
        (eaten(&[]), running.pool.figures().made),
        (0, 3),
        "its ten-thousandth call was over"
    );
}

#[test]
fn requests_that_pass_a_failed_plugin_are_counted() {
    let more = patient(json!({"on_error": "pass", "config": {"every": 2}}));
    let (scene, running) = scene(plugin("test-panic-sometimes", more));
    for _ in 0..8 {
        scene.run(get(&[])).unwrap();
    }
    assert_eq!(scene.reached_backend(), 8);
    let figures = figures(&running);
    assert_eq!((figures.bypasses, figures.failures[Failure::Trap as usize]), (4, 4));
}

#[test]
fn a_plugin_that_was_switched_off_comes_back() {
    for (name, header) in [("test-trap", "x-trap"), ("test-loop", "x-loop")] {
        let more = json!({"limits": {"timeout": "20ms"}});
        let (scene, running) = scene(plugin(name, more));
        for _ in 0..FAILURES {
            scene.run(get(&[(header, "1")])).unwrap_err();
        }
        assert_eq!(scene.run(get(&[])).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(scene.reached_backend(), 0);
        assert!(header != "x-loop" || running.facts.pace.is_slow(), "its calls run on fibers");
        // One request tries it, fails, and it is off again.
        running.trip.expire();
        assert_eq!(scene.run(get(&[(header, "1")])).unwrap_err().kind(), ErrorKind::Plugin);
        assert_eq!(scene.run(get(&[])).unwrap_err().kind(), ErrorKind::Unavailable);
        // One request tries it and all is well.
        running.trip.expire();
        for _ in 0..3 {
            scene.run(get(&[])).unwrap();
        }
        assert!(!running.trip.is_tripped());
        assert_eq!(figures(&running).failures[Failure::Tripped as usize], 2);
    }
}

#[test]
fn text_that_is_no_text_fails_its_call() {
    // `on-response` gives an error whose bytes are not UTF-8.
    let bytes = wat::parse_str(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (data (i32.const 0) "\01\00\00\00\10\00\00\00\04\00\00\00\00\00\00\00\ff\fe\fd\fc")
                (func (export "f") (result i32) (i32.const 0)))
            (core instance $c (instantiate $m))
            (func $f (result (result (error string)))
                (canon lift (core func $c "f") (memory (core memory $c "memory"))))
            (instance $i (export "handle" (func $f)))
            (export "torana:plugin/on-response@0.1.0" (instance $i)))"#,
    );
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plugin.wasm");
    std::fs::write(&path, bytes.unwrap()).unwrap();
    let scene = Scene::new(At::Endpoint, json!([{"name": "p", "source": path}]));
    for _ in 0..2 {
        let error = scene.run(get(&[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plugin);
        assert!(error.in_full().contains("utf-8"), "{error}");
    }
}

/// Instances that loop, one beside the other, each within its own time.
#[test]
fn loops_beside_each_other_are_each_cut() {
    let more = json!({"limits": {"timeout": "100ms"}});
    let (scene, running) = scene(plugin("test-loop", more));
    scene.run(get(&[("x-loop", "1")])).unwrap_err();
    super::block_on(async {
        let cx = super::context();
        let call = |looping: bool| {
            let header: &[_] = if looping { &[("x-loop", "1")] } else { &[] };
            scene.pipeline.run(&cx, get(header))
        };
        let (a, b, c, d) = tokio::join!(call(true), call(false), call(true), call(false));
        assert_eq!([a, b, c, d].map(|outcome| outcome.is_ok()), [false, true, false, true]);
    });
    assert_eq!(figures(&running).failures[Failure::Time as usize], 3);
}
