//! Guests that hand over what no compiler makes: text that is not UTF-8, and places outside of their memory. Written by
//! hand, as no SDK could.

use http::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use torana_core::ErrorKind;

use super::{At, Scene, get};

/// Pointer and length of a text.
type Text = (u32, u32);

const PLAIN: Text = (48, 3);
const NOT_UTF8: Text = (32, 2);
const OUTSIDE: Text = (65_530, 100);
const FAR_OUTSIDE: Text = (u32::MAX, u32::MAX);

/// The memory of the guests: `\ff\fe` at 32, `x-a` at 48, what a hook returns at 128, other results at 256.
const MEMORY: &str = r#"
    (core module $memory
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $memory (instantiate $memory))"#;

/// Bytes of words in little-endian order, for a data segment.
fn words(words: &[u32]) -> String {
    words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
}

fn scene(text: &str) -> (TempDir, Scene) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("plugin.wasm");
    std::fs::write(&path, wat::parse_str(text).expect("a component")).expect("a file");
    let plugin = json!({"name": "p", "source": path, "limits": {"timeout": "5s"}});
    (directory, Scene::new(At::NoOpBackend, json!([plugin])))
}

/// A guest whose response hook sets a header, and then returns a text as its error.
fn editor(name: Text, value: Text, error: Option<Text>) -> (TempDir, Scene) {
    let result = match error {
        Some((pointer, length)) => words(&[1, pointer, length]),
        None => words(&[0, 0, 0]),
    };
    scene(&format!(
        r#"(component
            (import "torana:plugin/exchange@0.1.0" (instance $exchange
                (export "set-header" (func (param "name" string) (param "value" string)
                    (result (result (error string)))))))
            {MEMORY}
            (alias export $exchange "set-header" (func $set-header))
            (core func $set (canon lower (func $set-header) (memory (core memory $memory "memory"))
                (realloc (core func $memory "realloc"))))
            (core module $guest
                (import "host" "set" (func $set (param i32 i32 i32 i32 i32)))
                (import "memory" "memory" (memory 1))
                (data (i32.const 32) "\ff\fe")
                (data (i32.const 48) "x-a")
                (data (i32.const 128) "{result}")
                (func (export "handle") (result i32)
                    (call $set (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {}) (i32.const 256))
                    (i32.const 128)))
            (core instance $guest (instantiate $guest
                (with "host" (instance (export "set" (func $set))))
                (with "memory" (instance $memory))))
            (func $handle (result (result (error string)))
                (canon lift (core func $guest "handle") (memory (core memory $memory "memory"))))
            (instance $hook (export "handle" (func $handle)))
            (export "torana:plugin/on-backend-response@0.1.0" (instance $hook)))"#,
        name.0 as i32, name.1 as i32, value.0 as i32, value.1 as i32
    ))
}

/// A guest whose request hook answers with one header field.
fn responder(status: u32, name: Text, value: Text) -> (TempDir, Scene) {
    let fields = words(&[name.0, name.1, value.0, value.1]);
    let result = words(&[0, 1, status, 64, 1, 0, 0]);
    scene(&format!(
        r#"(component
            (import "torana:plugin/types@0.1.0" (instance $types
                (type $a (record (field "status" u16)
                    (field "headers" (list (tuple string string))) (field "body" (list u8))))
                (export "answer" (type $answer (eq $a)))
                (type $b (variant (case "continue") (case "respond" $answer)))
                (export "action" (type (eq $b)))))
            (alias export $types "action" (type $action))
            {MEMORY}
            (core module $guest
                (import "memory" "memory" (memory 1))
                (data (i32.const 32) "\ff\fe")
                (data (i32.const 48) "x-a")
                (data (i32.const 64) "{fields}")
                (data (i32.const 128) "{result}")
                (func (export "handle") (result i32) (i32.const 128)))
            (core instance $guest (instantiate $guest (with "memory" (instance $memory))))
            (func $handle (result (result $action (error string)))
                (canon lift (core func $guest "handle") (memory (core memory $memory "memory"))))
            (instance $hook (export "handle" (func $handle)))
            (export "torana:plugin/on-backend-request@0.1.0" (instance $hook)))"#
    ))
}

/// Every request fails by itself: the next one finds a gateway that works as before.
fn fails(scene: &Scene, expected: &str) {
    for _ in 0..2 {
        let error = scene.run(get(&[])).expect_err("the plugin failed");
        assert_eq!(error.kind(), ErrorKind::Plugin);
        assert!(error.in_full().contains(expected), "{error}");
    }
}

#[test]
fn text_that_is_passed_must_be_utf8_and_in_memory() {
    for (name, value, expected) in [
        (NOT_UTF8, PLAIN, "invalid utf-8"),
        (PLAIN, NOT_UTF8, "invalid utf-8"),
        (OUTSIDE, PLAIN, "out of bounds"),
        (PLAIN, FAR_OUTSIDE, "out of bounds"),
    ] {
        let (_directory, scene) = editor(name, value, None);
        fails(&scene, expected);
    }
}

#[test]
fn text_that_is_returned_must_be_utf8_and_in_memory() {
    for (error, expected) in
        [(NOT_UTF8, "invalid utf-8"), (OUTSIDE, "out of bounds"), (FAR_OUTSIDE, "out of bounds")]
    {
        let (_directory, scene) = editor(PLAIN, PLAIN, Some(error));
        fails(&scene, expected);
    }
    let (_directory, scene) = editor(PLAIN, PLAIN, Some(PLAIN));
    fails(&scene, "on-backend-response: x-a");
}

#[test]
fn answers_are_checked_as_a_whole() {
    for (status, name, value, expected) in [
        (200, NOT_UTF8, PLAIN, "invalid utf-8"),
        (200, PLAIN, NOT_UTF8, "invalid utf-8"),
        (200, OUTSIDE, PLAIN, "out of bounds"),
        (99, PLAIN, PLAIN, "99 is not a status"),
        (600, PLAIN, PLAIN, "600 is not a status"),
        (200, (0, 0), PLAIN, "not a header name"),
        (200, (0, 3), PLAIN, "not a header name"),
        (200, PLAIN, (0, 3), "not allowed in HTTP"),
    ] {
        let (_directory, scene) = responder(status, name, value);
        fails(&scene, expected);
        assert_eq!(scene.reached_backend(), 0);
    }
}

#[test]
fn these_guests_work_when_they_behave() {
    let (_directory, scene) = editor(PLAIN, PLAIN, None);
    let response = scene.run(get(&[])).expect("an answer");
    assert_eq!(super::values(&response.headers, "x-a"), ["x-a"]);
    let (_directory, scene) = responder(418, PLAIN, PLAIN);
    let response = scene.run(get(&[])).expect("an answer");
    assert_eq!(response.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(super::values(&response.headers, "x-a"), ["x-a"]);
}
