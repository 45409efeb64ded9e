//! Components of `wasi:http/proxy`: what is loaded, and what becomes of an instance.

use std::{
    fs,
    future::poll_fn,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use http::Method;
use http_body::Body as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use torana_config::{Diagnostic, Pointer, valid::Component};
use torana_core::{
    Body, Data, Request, Resources, Response,
    pipeline::{Backend, Outcome},
};

use super::{At, block_on, context, plugin, refusal, with_context};
use crate::{engine::Engine, factory, pool::Use};

/// The test guest, with the grant that it needs.
fn standard() -> Value {
    plugin("test-wasi-http", json!({"grants": {"http": ["http://nowhere.invalid"]}}))
}

type Leaf = (Box<dyn Backend>, String);

fn leaf(value: Value, resources: &Resources) -> Result<Option<Leaf>, Vec<Diagnostic>> {
    let component =
        Component { namespace: factory::NAMESPACE.to_owned(), value, at: Pointer::root() };
    with_context(At::Backend, json!([]), resources, |cx, _| factory::backend(&component, cx))
}

/// What is wrong with a component whose text this is.
fn refused(text: &str) -> Diagnostic {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("plugin.wasm");
    fs::write(&path, wat::parse_str(text).expect("a component")).expect("a file");
    let plugin = json!({"name": "p", "source": path});
    let mut found = leaf(plugin, &Resources::default()).err().expect("it is refused");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

const EXPORT: &str = r#"(instance $i) (export "wasi:http/incoming-handler@0.2.3" (instance $i))"#;

#[test]
fn imports_that_are_not_offered_are_named() {
    let found = refused(&format!(
        r#"(component
            (import "wasi:keyvalue/store@0.2.0" (instance))
            (import "wasi:io/error@0.3.0" (instance))
            (import "wasi:cli/environment@0.2.0" (instance))
            (import "torana:plugin/log@0.1.0" (instance))
            {EXPORT})"#
    ));
    assert_eq!(found.code, "plugin-import");
    let missing = "it imports `wasi:keyvalue/store@0.2.0`, `wasi:io/error@0.3.0`, `torana:plugin/log@0.1.0`, \
                   which this gateway does not offer";
    assert!(found.message.contains(missing), "{}", found.message);
    assert!(found.help.expect("help").contains("`wasi:http` and `wasi:cli` 0.2"));
}

#[test]
fn its_function_has_the_type_of_the_standard() {
    let found = refused(&format!("(component {EXPORT})"));
    assert!(found.message.contains("has no function `handle`"), "{}", found.message);
    let found = refused(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $m (instantiate $m))
            (func $f (canon lift (core func $m "f")))
            (instance $i (export "handle" (func $f)))
            (export "wasi:http/incoming-handler@0.2.3" (instance $i)))"#,
    );
    assert_eq!(found.code, "plugin-component");
    assert!(found.message.contains("wasi:http/incoming-handler@0.2.3: "), "{}", found.message);
}

#[test]
fn it_stands_in_a_backends_place_only() {
    let found = refusal(At::Endpoint, json!([standard()]));
    assert_eq!(found.code, "plugin-hook");
    assert!(found.message.contains("exports wasi:http/incoming-handler"), "{}", found.message);
}

#[test]
fn a_config_that_it_cannot_read_is_refused() {
    let mut plugin = standard();
    plugin["config"] = json!({"a": 1});
    let found = leaf(plugin, &Resources::default()).err().expect("it is refused");
    assert_eq!((found[0].code, found[0].at.as_str()), ("plugin-config", "/config"));
}

#[test]
fn memory_that_it_starts_with_counts() {
    let mut plugin = standard();
    plugin["limits"] = json!({"memory": "1MiB"});
    let found = leaf(plugin, &Resources::default()).err().expect("it is refused");
    assert_eq!(found[0].code, "plugin-limit", "{found:?}");
}

/// A gateway's leaf with a look at what it holds.
struct Scene {
    leaf: Box<dyn Backend>,
    detail: String,
    resources: Resources,
}

impl Scene {
    fn new() -> Self {
        let resources = Resources::default();
        let (leaf, detail) = leaf(standard(), &resources).expect("valid").expect("a backend");
        Self { leaf, detail, resources }
    }

    async fn ask(&self, path: &str, query: &str) -> Outcome {
        let mut request = Request::new(Method::GET, path);
        request.query = query.to_owned();
        self.leaf.call(&context(), request).await
    }

    fn used(&self) -> Use {
        let engine: Arc<Engine> = self.resources.get(&factory::NAMESPACE).expect("an engine");
        engine.plugins()[0].pool.used()
    }

    /// An instance may have moved to another thread, which takes note of its end in its own time.
    fn wait_until_unused(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.used() != Use::default() {
            assert!(Instant::now() < until, "{:?}", self.used());
            thread::yield_now();
        }
    }
}

fn body(response: Response) -> Body {
    match response.into_parts().data {
        Data::Body(body) => body,
        Data::Entity(_) => panic!("nobody decodes"),
    }
}

#[test]
fn plans_say_what_it_is() {
    assert_eq!(
        Scene::new().detail,
        "test-wasi-http (wasi:http): asks http; granted http http://nowhere.invalid"
    );
}

#[test]
fn a_small_answer_is_whole_and_its_instance_gone() {
    let scene = Scene::new();
    block_on(async {
        let response = scene.ask("/hello", "").await.expect("an answer");
        let text = body(response).collect(1_000).await.expect("a body");
        assert_eq!(text, "hello");
    });
    scene.wait_until_unused();
}

#[test]
fn an_instance_works_while_somebody_reads() {
    let scene = Scene::new();
    block_on(async {
        let mut large = Box::pin(body(scene.ask("/large", "64").await.expect("an answer")));
        assert_eq!(large.size_hint().exact(), Some(64 << 20));
        let frame = poll_fn(|task| large.as_mut().poll_frame(task)).await;
        let first = frame.expect("a piece").expect("no error").into_data().expect("data");
        assert!(first.starts_with(b"aaa") && first.len() <= 32 << 10, "{}", first.len());
        assert_eq!(scene.used().in_use, 1);
        drop(large);
    });
    scene.wait_until_unused();
}

#[test]
fn a_host_that_is_asked_is_the_authority() {
    let scene = Scene::new();
    block_on(async {
        let mut request = Request::new(Method::PUT, "/about");
        request.headers.insert("host", "api.example".parse().expect("a value"));
        let response = scene.leaf.call(&context(), request).await.expect("an answer");
        let text = body(response).collect(1_000).await.expect("a body");
        assert_eq!(text, "Method::Put Scheme::Http api.example /about []");
    });
}
