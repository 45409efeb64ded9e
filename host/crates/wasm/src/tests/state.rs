//! Values, metrics and variables of plugins, seen from outside.

use http::StatusCode;
use serde_json::{Value, json};
use torana_core::Resources;

use super::{At, Scene, build, get, ok, plugin, values};

/// The pipeline of one plugin with these commands.
fn scene(name: &str, commands: &[&[&str]], grants: &Value, resources: &Resources) -> Scene {
    let all = json!({"log": true, "kv": "s", "metrics": true, "env": ["REGION"]});
    let mut merged = all;
    for (key, value) in grants.as_object().expect("an object") {
        merged[key] = value.clone();
    }
    let more = json!({"name": name, "config": {"request": commands}, "grants": merged});
    let built = build(At::Endpoint, json!([plugin("test-state", more)]), resources).expect("valid");
    Scene::from_steps(built, || ok("hello"))
}

fn answers(scene: &Scene) -> Vec<String> {
    assert_eq!(scene.run(get(&[])).expect("it goes on").status, StatusCode::OK);
    let seen = scene.seen();
    values(&seen.headers, "x-state").into_iter().map(str::to_owned).collect()
}

#[test]
fn values_are_kept_between_requests() {
    let commands: &[&[&str]] = &[
        &["get", "k"],
        &["set", "k", "v"],
        &["get", "k"],
        &["if-absent", "k", "w"],
        &["add", "n", "2"],
        &["get", "n"],
        &["add", "k", "1"],
        &["delete", "k"],
        &["delete", "k"],
        &["briefly", "b", "v"],
        &["get", "b"],
        &["fill", "large", "65537"],
    ];
    let scene = scene("p", commands, &json!({}), &Resources::default());
    let too_large = "error: kv: the key has more than 256 bytes, or the value more than 64 KiB";
    let expected = |sum: &str| {
        let no_counter = "error: kv: the value is no counter";
        let all = ["-", "set", "v", "false", sum, sum, no_counter, "true", "false", "set", "-"];
        all.into_iter().chain([too_large]).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(answers(&scene), expected("2"));
    assert_eq!(answers(&scene), expected("4"));
}

#[test]
fn a_store_is_shared_by_name_and_survives_a_reload() {
    let resources = Resources::default();
    let one = scene("one", &[&["add", "n", "1"]], &json!({}), &resources);
    let two = scene("two", &[&["add", "n", "10"]], &json!({}), &resources);
    let other = scene("one", &[&["add", "n", "1"]], &json!({"kv": "t"}), &resources);
    assert_eq!([answers(&one), answers(&two), answers(&other)], [["1"], ["11"], ["1"]]);
    // Another configuration of the plugin takes the place of the first.
    let reloaded = scene("one", &[&["add", "n", "100"]], &json!({}), &resources);
    drop((one, two));
    resources.sweep();
    assert_eq!(answers(&reloaded), ["111"]);
    drop(reloaded);
    resources.sweep();
    assert_eq!(answers(&scene("one", &[&["add", "n", "1"]], &json!({}), &resources)), ["1"]);
}

#[test]
fn a_quota_is_an_error_for_the_guest() {
    let commands: &[&[&str]] = &[&["fill", "a", "99"], &["fill", "b", "1"], &["set", "a", ""]];
    let grants = json!({"kv": {"store": "s", "bytes": 100, "entries": 5}});
    let quota = "error: kv: the store's quota is used up";
    let small = scene("p", commands, &grants, &Resources::default());
    assert_eq!(answers(&small), ["set", quota, "set"]);
}

#[test]
fn two_quotas_for_one_store_are_refused() {
    let with = |kv: Value| {
        let config = json!({"request": []});
        plugin("test-state", json!({"config": config, "grants": {"kv": kv, "metrics": true}}))
    };
    let (small, large) = (json!({"store": "s", "bytes": 100}), json!({"store": "s"}));
    let plugins = json!([with(small.clone()), with(json!("s")), with(json!({"store": "t"}))]);
    let built = build(At::Endpoint, plugins, &Resources::default()).expect("one says it for all");
    assert_eq!(built.len(), 3);
    let plugins = json!([with(small), with(large)]);
    let found = build(At::Endpoint, plugins, &Resources::default()).err().expect("a conflict");
    assert_eq!(found[0].code, "plugin-grant");
    assert!(found[0].at.as_str().ends_with("/1/grants/kv"), "{found:?}");
    assert!(found[0].message.contains("the store `s` has two quotas"), "{found:?}");
}

#[test]
fn metrics_are_written_with_those_of_the_gateway() {
    let resources = Resources::default();
    let commands: &[&[&str]] = &[
        &["count", "refused_total", "2", "why=no \"key\""],
        &["gauge", "level", "-1.5"],
        &["observe", "took_seconds", "0.02"],
        &["count", "not-valid", "1"],
    ];
    let scene = scene("p", commands, &json!({}), &resources);
    answers(&scene);
    answers(&scene);
    let mut text = String::new();
    crate::metrics(&resources, &mut text).expect("text");
    for line in [
        r#"torana_plugin_refused_total{plugin="p",why="no \"key\""} 4"#,
        r#"torana_plugin_level{plugin="p"} -1.5"#,
        r#"torana_plugin_took_seconds_bucket{plugin="p",le="0.025"} 2"#,
        r#"torana_plugin_metrics_dropped_total{plugin="p"} 2"#,
        r#"torana_wasm_host_calls_total{plugin="p",interface="metrics"} 8"#,
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
    assert!(text.contains("torana_wasm_calls_total"), "{text}");
}

#[test]
fn only_granted_variables_are_seen() {
    let commands: &[&[&str]] =
        &[&["env", "REGION"], &["env", "SECRET"], &["env", "UNSET"], &["region"]];
    let grants = json!({"env": ["REGION", "UNSET"]});
    assert_eq!(
        answers(&scene("p", commands, &grants, &Resources::default())),
        ["eu", "-", "-", "eu"]
    );
    let none = scene("p", commands, &json!({"env": []}), &Resources::default());
    assert_eq!(answers(&none), ["-", "-", "-", "-"]);
}
