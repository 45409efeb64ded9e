//! Body hooks: bodies that stream past a plugin, chunk by chunk.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use torana_core::{Body, Data, ErrorKind, Request, Response, entity::Object};

use super::{
    At, Scene, block_on, plugin,
    shared::{broken_stream, logged, stream},
};

fn scene(more: Value, answer: impl Fn() -> Body + Send + Sync + 'static) -> Scene {
    Scene::answering(At::Endpoint, json!([plugin("test-stream", more)]), move || {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, 9.into());
        Response::from_body(StatusCode::OK, headers, answer())
    })
}

fn post(body: Body) -> Request {
    let mut request = Request::new(Method::POST, "/users/7");
    request.headers.insert(header::CONTENT_LENGTH, 9.into());
    request.body = body;
    request
}

/// All of a body, or the kind of its error.
fn read(body: Body) -> Result<String, ErrorKind> {
    let collected = block_on(body.collect(1 << 20)).map_err(|error| error.kind())?;
    Ok(String::from_utf8(collected.to_vec()).expect("text"))
}

/// The body that has reached the backend.
fn asked(scene: &Scene) -> Body {
    std::mem::take(&mut scene.seen().body)
}

fn body(response: Response) -> Body {
    match response.into_parts().data {
        Data::Body(body) => body,
        Data::Entity(_) => panic!("a body was expected"),
    }
}

#[test]
fn chunks_pass_in_order_both_ways() {
    let scene = scene(json!({"config": {"count": true}}), || stream(&["one ", "", "two ", "3"]));
    // The second body finds the instance as the first one did.
    for _ in 0..2 {
        let response = scene.run(post(stream(&["a", "bc", "", "def"]))).unwrap();
        assert!(!response.headers.contains_key(header::CONTENT_LENGTH), "it was the old body's");
        assert_eq!(read(body(response)).unwrap(), "ONE TWO 3[9]");
        let mut seen = scene.seen();
        assert!(!seen.headers.contains_key(header::CONTENT_LENGTH));
        assert_eq!(read(std::mem::take(&mut seen.body)).unwrap(), "ABCDEF[6]");
    }
}

#[test]
fn a_whole_body_stays_whole() {
    let full = || Body::from_bytes(Bytes::from_static(b"answer"));
    let scene = scene(json!({}), full);
    let response = scene.run(post(Body::from_bytes(Bytes::from_static(b"question")))).unwrap();
    let Body::Full(answer) = body(response) else { panic!("its length is known no more") };
    assert_eq!(answer, "ANSWER");
    let Body::Full(question) = asked(&scene) else { panic!("its length is known no more") };
    assert_eq!(question, "QUESTION");
}

#[test]
fn no_body_is_no_call() {
    let scene = scene(json!({"config": {"fail_at": 0}}), || Body::Empty);
    let response = scene.run(post(Body::Empty)).unwrap();
    // Of a `HEAD`, say: the length is that of a body that the plugin has not seen.
    assert!(!response.headers.contains_key(header::CONTENT_LENGTH));
    assert!(matches!(body(response), Body::Empty));
    let data = || {
        let object = Object::parse(&Bytes::from_static(b"{\"a\":1}")).expect("JSON");
        Response::from_object(object)
    };
    let plugins = json!([plugin("test-stream", json!({"config": {"fail_at": 0}}))]);
    Scene::answering(At::Endpoint, plugins, data).run(post(Body::Empty)).unwrap();
}

#[test]
fn a_failure_in_the_middle_breaks_the_body_off() {
    for (config, expected) in
        [(json!({"fail_at": 6}), "enough"), (json!({"trap_at": 6}), "too many")]
    {
        let scene = scene(json!({"config": config}), || stream(&["abc", "def", "ghi"]));
        let log = logged(|| {
            let response = scene.run(post(Body::Empty)).unwrap();
            assert_eq!(read(body(response)), Err(ErrorKind::Plugin));
        });
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].contains(expected) && log[0].contains("on-response-body"), "{log:?}");
        // The next body has an instance as good as new.
        scene.seen();
        let response = scene.run(post(Body::from_bytes(Bytes::from_static(b"abc")))).unwrap();
        drop(response);
        assert_eq!(read(asked(&scene)).unwrap(), "ABC");
    }
}

#[test]
fn whole_bodies_fail_before_anything_is_sent() {
    let scene = scene(json!({"config": {"fail_at": 6}}), || Body::Empty);
    let error = scene.run(post(Body::from_bytes(Bytes::from_static(b"abcdef")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plugin);
    assert_eq!(scene.reached_backend(), 0);
}

#[test]
fn a_plugin_that_is_passed_over_changes_nothing_more() {
    let more = json!({"on_error": "pass", "config": {"trap_at": 6}});
    let scene = scene(more, || stream(&["abc", "def", "ghi"]));
    let log = logged(|| {
        let response = scene.run(post(Body::Empty)).unwrap();
        assert_eq!(read(body(response)).unwrap(), "ABCdefghi");
    });
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].starts_with("WARN") && log[0].contains("is skipped"), "{log:?}");
    let whole = || Body::from_bytes(Bytes::from_static(b"abcdef"));
    scene.seen();
    scene.run(post(whole())).unwrap();
    assert_eq!(read(asked(&scene)).unwrap(), "abcdef");
}

#[test]
fn a_source_that_breaks_off_breaks_off_behind_the_plugin_too() {
    let scene = scene(json!({}), || broken_stream(&["abc"]));
    let response = scene.run(post(Body::Empty)).unwrap();
    assert_eq!(read(body(response)), Err(ErrorKind::Unavailable));
}

#[test]
fn bodies_that_nobody_reads_to_the_end_give_their_instances_back() {
    let limits = json!({"limits": {"instances": 1, "queue": 0}});
    let scene = scene(limits, || stream(&["abc"]));
    for _ in 0..3 {
        let first = scene.run(post(Body::Empty)).unwrap();
        let error = scene.run(post(Body::Empty)).unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
        drop(first);
    }
}
