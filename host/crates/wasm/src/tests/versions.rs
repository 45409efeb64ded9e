//! Plugins that were built with earlier versions of `wit/` load and work: see `tests/versions/README.md`.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::{At, Scene, get, values};

fn folders() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/versions");
    let entries = fs::read_dir(folder).expect("the folder of earlier versions");
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// A scene with a component of each version.
fn scenes(file: &str, more: Value) -> impl Iterator<Item = (String, Scene)> {
    let folders = folders();
    assert!(!folders.is_empty(), "version 0.1.0 is there at least");
    folders.into_iter().map(move |folder| {
        let mut plugin = json!({"name": "old", "source": folder.join(file)});
        plugin.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        (version, Scene::new(At::Endpoint, json!([plugin])))
    })
}

#[test]
fn header_edit_edits() {
    let config = json!({"config": {"request": {"set": {"x-set": "1"}},
                                   "response": {"add": {"x-added": "2"}}}});
    for (version, scene) in scenes("header_edit.wasm", config) {
        let response = scene.run(get(&[])).unwrap();
        assert_eq!(values(&response.headers, "x-added"), ["2"], "{version}");
        assert_eq!(values(&scene.seen().headers, "x-set"), ["1"], "{version}");
    }
}

#[test]
fn early_answer_answers() {
    let config = json!({"config": {"status": 451, "body": "no"}});
    for (version, scene) in scenes("early_answer.wasm", config) {
        assert_eq!(scene.run(get(&[])).unwrap().status, 451, "{version}");
        assert_eq!(scene.reached_backend(), 0, "{version}");
    }
}

#[test]
fn the_probe_reports() {
    let config = json!({"grants": {"log": true}, "config": {
        "request": [["method"], ["path"], ["set-context", "k", "v"]],
        "response": [["status"], ["context", "k"], ["id"]],
    }});
    for (version, scene) in scenes("test_probe.wasm", config) {
        let response = scene.run(get(&[])).unwrap();
        assert_eq!(values(&response.headers, "x-probe"), ["200", "v", "42"], "{version}");
        assert_eq!(values(&scene.seen().headers, "x-probe"), ["GET", "/users/7"], "{version}");
    }
}

#[test]
fn every_file_of_every_version_is_tested() {
    let tested = ["early_answer.wasm", "header_edit.wasm", "test_probe.wasm"];
    for folder in folders() {
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(tested.contains(&&*name), "no test runs {name}");
        }
    }
}
