//! Plugins in Go, built as an author builds them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use torana_config::{Pointer, valid::Component};
use torana_core::{Body, Data, Request, Resources, Response, entity::Object};

use super::{
    At, Scene, block_on, context, get, ok, refusal,
    shared::{logged, stream},
    start, values, with_context,
};
use crate::{factory, instance::Instance, invocation::OnRequest, pool::Lease};

/// The configuration of a plugin in Go, with more keys; `None` where there is no Go.
fn go(name: &'static str, more: Value) -> Option<Value> {
    static EXAMPLE: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    static PROBE: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    let once = if name == "example-go" { &EXAMPLE } else { &PROBE };
    let source = once.get_or_init(|| torana_plugins_build::project(name)).clone()?;
    // Time for a machine that is busy with other tests.
    let limits = json!({"timeout": "1s"});
    let mut value = json!({"name": name, "source": source, "limits": limits});
    for (key, more) in more.as_object().expect("an object") {
        value[key] = more.clone();
    }
    Some(value)
}

/// The plugin that does what it is told, with all that it asks for.
fn probe(hooks: &[&str], more: Value) -> Option<Value> {
    let grants = json!({"log": true, "http": ["http://127.0.0.1:1"]});
    let mut value = go("probe-go", json!({"hooks": hooks, "grants": grants}))?;
    for (key, more) in more.as_object().expect("an object") {
        value[key] = more.clone();
    }
    Some(value)
}

fn asking(scene: &Scene, what: &str) -> Result<String, String> {
    scene
        .run(get(&[("x-do", what), ("x-many", "1"), ("x-many", "2")]))
        .map_err(|e| e.to_string())?;
    Ok(values(&scene.seen().headers, "x-out").concat())
}

#[test]
fn a_header_is_got_and_set() {
    let config = json!({"config": {"from": "X-User", "to": "x-owner"}});
    let Some(plugin) = go("example-go", config) else { return };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    for user in ["ann", "bob", "ünal"] {
        scene.run(get(&[("x-user", user)])).unwrap();
        assert_eq!(scene.seen().headers["x-owner"], user.as_bytes());
    }
    scene.run(get(&[])).unwrap();
    assert!(!scene.seen().headers.contains_key("x-owner"));
}

#[test]
fn a_small_plugin_asks_for_nothing_that_must_be_granted_and_needs_little_memory() {
    let more = json!({"config": {"from": "a", "to": "b"}, "limits": {"memory": "8MiB"}});
    let Some(plugin) = go("example-go", more) else { return };
    Scene::new(At::Service, json!([plugin])).run(get(&[("a", "1")])).unwrap();
}

#[test]
fn its_configuration_is_checked() {
    for (config, reason) in
        [(json!({"from": "a"}), "to"), (json!({"from": "a", "to": "b", "form": "c"}), "form")]
    {
        let Some(plugin) = go("example-go", json!({"config": config})) else { return };
        let finding = refusal(At::Endpoint, json!([plugin]));
        assert!(finding.message.contains(reason), "{finding:?}");
    }
    let Some(plugin) = probe(&["on-request"], json!({"config": {"refuse": "not today"}})) else {
        return;
    };
    let finding = refusal(At::Endpoint, json!([plugin]));
    assert!(finding.message.contains("not today"), "{finding:?}");
}

#[test]
fn requests_are_read_and_edited() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    let scene = Scene::new(At::Service, json!([plugin]));
    let request = |what: &'static str| {
        let mut request = get(&[("x-do", what), ("x-many", "1"), ("x-many", "2")]);
        request.params.set("id".into(), "7".into());
        request.body = Body::Full(Bytes::from_static(b"dcba"));
        request
    };
    scene.run(request("read")).unwrap();
    let out = values(&scene.seen().headers, "x-out").concat();
    let expected =
        "42|192.0.2.7|/users/{id} true|GET /users/7?a=1|7 true false|[1 2] [x-do x-many]|abcd true";
    let sorted = out.replace("[x-many x-do]", "[x-do x-many]").replace("}true", "} true");
    assert_eq!(sorted.replace("7true", "7 true").replace("abcdtrue", "abcd true"), expected);

    scene.run(request("edit")).unwrap();
    let seen = scene.seen();
    assert_eq!((seen.method.as_str(), &*seen.path, &*seen.query), ("PUT", "/other/%20", "b=2"));
    let set: Vec<_> = seen.headers.get_all("x-set").iter().map(|v| v.as_bytes()).collect();
    assert_eq!(set, [b"1", "ü".as_bytes()]);
    assert!(!seen.headers.contains_key("x-many"));
    assert!(matches!(&seen.body, Body::Full(body) if body == "edited"));

    let refused = asking(&scene, "refused").unwrap();
    assert!(refused.starts_with("6 ") && refused.contains("content-length"), "{refused}");
}

#[test]
fn it_answers_itself() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    let response = scene.run(get(&[("x-do", "answer")])).unwrap();
    assert_eq!(response.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(values(&response.headers, "x-a"), ["1", "2"]);
    assert!(matches!(&response.data, Data::Body(Body::Full(body)) if body == "pay"));
    let error = asking(&scene, "answer-badly").unwrap_err();
    assert!(error.contains("not a status"), "{error}");
    assert_eq!(scene.reached_backend(), 0);
}

#[test]
fn a_panic_costs_one_request_and_says_why() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    for (what, why) in
        [("panic", "index out of range"), ("exit", "unreachable"), ("fail", "on-request: as asked")]
    {
        assert_eq!(asking(&scene, "files").unwrap(), "true 0 0", "before {what}");
        let mut error = String::new();
        let log = logged(|| error = asking(&scene, what).unwrap_err());
        let told = log.join("\n") + &error;
        assert!(told.contains(why), "{what}: {told}");
        if what == "panic" {
            assert!(told.contains("probe).OnRequest"), "no trace: {told}");
        }
    }
    assert_eq!(asking(&scene, "files").unwrap(), "true 0 0");
}

#[test]
fn a_loop_is_interrupted() {
    let Some(plugin) = probe(&["on-request"], json!({"limits": {"timeout": "20ms"}})) else {
        return;
    };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    let mut error = String::new();
    let log = logged(|| error = asking(&scene, "loop").unwrap_err());
    assert!(error.contains("time limit of 20ms exceeded"), "{error}");
    assert!(log.join("").contains("OnRequest"), "no names in the report: {log:?}");
}

#[test]
fn what_go_programs_expect_works() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    for (what, expected) in [("sleep", "true true"), ("goroutines", "45"), ("random", "false true")]
    {
        assert_eq!(asking(&scene, what).unwrap(), expected, "{what}");
    }
}

#[test]
fn what_it_says_is_logged() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    let log = logged(|| {
        asking(&scene, "log hello").unwrap();
        asking(&scene, "print something").unwrap();
    });
    let levels = log.iter().filter(|line| line.contains("message=hello"));
    let levels: Vec<_> = levels.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], "{log:?}");
    assert!(log.iter().any(|line| line.contains("message=printed something")), "{log:?}");
}

#[test]
fn state_goes_from_request_to_response_by_the_context() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    let scene = Scene::new(At::Endpoint, json!([plugin]));
    for _ in 0..2 {
        assert_eq!(asking(&scene, "context v").unwrap(), "false <nil>vtrue");
    }
}

#[test]
fn data_is_read_and_edited() {
    let Some(plugin) = probe(&["on-response"], json!({})) else { return };
    let text = r#"{"user":{"name":"Ada"},"gone":1,"list":[{"id":1},{"id":2}]}"#;
    let scene = Scene::answering(At::Endpoint, json!([plugin]), move || {
        Response::from_object(Object::parse(&Bytes::from_static(text.as_bytes())).unwrap())
    });
    let response = scene.run(get(&[])).unwrap();
    let data = response.object().expect("data").to_bytes();
    let data: Value = serde_json::from_slice(&data).unwrap();
    let out = "Adafalse [{/list/0/id 1} {/list/1/id 2}] true 2 true true";
    let expected = json!({"user": {"name": "Ada"}, "list": [{"id": 0}, {"id": 0}], "out": out});
    assert_eq!(data, expected);
}

/// Chunks of a body that passed, joined.
fn passed(body: Body) -> Result<Bytes, torana_core::Error> {
    block_on(body.collect(1 << 20))
}

#[test]
fn bodies_stream_past_in_chunks() {
    let hooks = ["on-request-body", "on-response-body"];
    let Some(plugin) = probe(&hooks, json!({})) else { return };
    let scene = Scene::answering(At::NoOpBackend, json!([plugin]), || {
        let mut response = ok("");
        response.data = Data::Body(stream(&["three ", "four"]));
        response
    });
    let request = |pieces: &[&'static str]| {
        let mut request = get(&[]);
        request.body = stream(pieces);
        request
    };
    let response = scene.run(request(&["one ", "two"])).unwrap();
    assert_eq!(passed(std::mem::take(&mut scene.seen().body)).unwrap(), "ONE TWO.");
    let Data::Body(body) = response.into_parts().data else { panic!("a body") };
    assert_eq!(passed(body).unwrap(), "THREE FOUR.");
    scene.run(request(&["one ", "bad"])).unwrap();
    assert!(passed(std::mem::take(&mut scene.seen().body)).is_err(), "the hook failed");
}

/// Long enough that each call leaves garbage behind.
const USER: &str = "ann of the department of long names, which is on the third floor";

/// Calls one instance so often, with a request that says what to do.
fn calls(instance: &mut Instance, plugin: &crate::plugin::Plugin, what: &str, times: usize) {
    let cx = context();
    for _ in 0..times {
        let request: Request = get(&[("x-do", what), ("x-user", USER)]);
        instance.enter::<OnRequest>(&cx, request);
        let outcome = block_on(instance.invoke_on_fiber::<OnRequest>(plugin));
        outcome.expect("the hook succeeds");
        drop(instance.leave::<OnRequest>());
    }
}

/// Memory of an instance after each of some rounds of calls.
fn memory_after(plugin: Value, what: &str, rounds: usize, calls_per_round: usize) -> Vec<usize> {
    let plugin = start(plugin, &Resources::default());
    let mut lease = Lease::take(Arc::clone(&plugin)).unwrap().expect("an instance");
    let mut after = Vec::new();
    for _ in 0..rounds {
        calls(lease.instance(), &plugin, what, calls_per_round);
        after.push(lease.instance().served().memory);
    }
    after
}

#[test]
fn memory_stays_flat_over_200_000_calls() {
    let config = json!({"config": {"from": "x-user", "to": "x-owner"}});
    let Some(plugin) = go("example-go", config) else { return };
    let memory = memory_after(plugin, "", 10, 20_000);
    assert!(memory[9] < 8 << 20, "{memory:?}");
    assert_eq!(memory[1], memory[9], "{memory:?}");
}

#[test]
fn garbage_is_collected_within_the_default_memory() {
    let Some(plugin) = probe(&["on-request"], json!({})) else { return };
    // 512 KiB in each call, a gigabyte in all.
    let memory = memory_after(plugin, "garbage 512", 4, 500);
    assert_eq!(memory[1], memory[3], "{memory:?}");
}

#[test]
fn it_is_the_backend() {
    let Some(plugin) = probe(&[], json!({})) else { return };
    let component =
        Component { namespace: factory::NAMESPACE.to_owned(), value: plugin, at: Pointer::root() };
    let (leaf, _) = with_context(At::Backend, json!([]), &Resources::default(), |cx, _| {
        factory::backend(&component, cx)
    })
    .expect("a valid plugin")
    .expect("a backend");
    let ask = |path: &str| {
        let mut request = get(&[]);
        request.path = path.into();
        block_on(leaf.call(&context(), request))
    };
    let response = ask("/any").unwrap();
    assert_eq!(values(&response.headers, "x-handled"), ["GET"]);
    let Data::Body(Body::Full(body)) = &response.data else { panic!("a body: {response:?}") };
    assert_eq!(body, r#"{"path":"/any"}"#);
    let error = ask("/fail").expect_err("the plugin failed");
    assert!(error.to_string().contains("as asked"), "{error}");
}
