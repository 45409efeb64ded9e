//! The double refuses what the gateway refuses, and hooks see what the test has built.

use std::{panic::AssertUnwindSafe, time::Duration};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Gateway, Level, Measured, Request, Response, check_schema, host::data, start};
use crate::{
    Action, Answer, Chunk, Error, Hooks, Plugin, Result, cache, clock, context, http, kv, log,
    metrics, random,
};

/// Does what its test says: the hooks are functions, one of them set for each test.
struct Act;

type RequestHook = Box<dyn Fn(&mut crate::Request) -> Result<Action>>;
type ResponseHook = Box<dyn Fn(&mut crate::Response) -> Result<()>>;

thread_local! {
    static REQUEST: std::cell::RefCell<Option<RequestHook>> = const { std::cell::RefCell::new(None) };
    static RESPONSE: std::cell::RefCell<Option<ResponseHook>> = const { std::cell::RefCell::new(None) };
}

impl Plugin for Act {
    type Config = ();

    fn new((): ()) -> Result<Self> {
        Ok(Self)
    }

    fn hooks(&self) -> Hooks {
        Hooks::all() - Hooks::ON_BACKEND_RESPONSE
    }

    fn on_request(&self, request: &mut crate::Request) -> Result<Action> {
        REQUEST.with_borrow(|hook| hook.as_ref().expect("the test has set it")(request))
    }

    fn on_response(&self, response: &mut crate::Response) -> Result<()> {
        RESPONSE.with_borrow(|hook| hook.as_ref().expect("the test has set it")(response))
    }

    fn on_backend_response(&self, _: &mut crate::Response) -> Result<()> {
        Err("it is not wanted".into())
    }

    fn on_request_body(&self, chunk: Chunk) -> Result<Vec<u8>> {
        let mut bytes = chunk.bytes;
        bytes.push(if chunk.last { b'.' } else { b',' });
        Ok(bytes)
    }

    fn handle(&self, request: &crate::Request) -> Result<Answer> {
        Ok(Answer::new(if request.path() == "/bad" { 99 } else { 200 }))
    }
}

fn in_request<T: 'static>(
    gateway: &Gateway,
    request: &mut Request,
    act: impl Fn(&mut crate::Request) -> T + 'static,
) -> T {
    let result = std::rc::Rc::new(std::cell::RefCell::new(None));
    let slot = std::rc::Rc::clone(&result);
    REQUEST.set(Some(Box::new(move |request| {
        slot.replace(Some(act(request)));
        Ok(Action::Continue)
    })));
    let plugin = gateway.start::<Act>("null").expect("it takes no config");
    plugin.on_request(request).expect("the hook does not fail");
    result.take().expect("the hook ran")
}

fn in_response<T: 'static>(
    response: &mut Response,
    act: impl Fn(&mut crate::Response) -> T + 'static,
) -> T {
    let result = std::rc::Rc::new(std::cell::RefCell::new(None));
    let slot = std::rc::Rc::clone(&result);
    RESPONSE.set(Some(Box::new(move |response| {
        slot.replace(Some(act(response)));
        Ok(())
    })));
    let plugin = start::<Act>("null").expect("it takes no config");
    plugin.on_response(response).expect("the hook does not fail");
    result.take().expect("the hook ran")
}

fn text(result: Result<()>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "done".to_owned())
}

#[test]
fn a_request_is_what_the_test_built() {
    let mut request = Request::post("/a%20b?x=1&y")
        .with_id(7)
        .with_client_ip("2001:db8::1")
        .with_route("/{name}")
        .with_param("name", "a b")
        .with_header("X-Two", "1")
        .with_header("x-two", "2")
        .with_body("text");
    let seen = in_request(&Gateway::new(), &mut request, |request| {
        [
            request.method(),
            request.path(),
            request.query(),
            request.param("name").unwrap_or_default(),
            request.param("other").unwrap_or_default(),
            request.request_id().to_string(),
            request.client_ip(),
            request.route().unwrap_or_default(),
            request.header("X-TWO").unwrap_or_default(),
            request.headers("x-two").join("+"),
            request.header_names().join("+"),
            String::from_utf8(request.body().unwrap_or_default()).unwrap_or_default(),
        ]
        .join(" ")
    });
    assert_eq!(seen, "POST /a%20b x=1&y a b  7 2001:db8::1 /{name} 1 1+2 x-two text");
    let streams = in_request(&Gateway::new(), &mut Request::post("/").streaming(), |request| {
        request.body().is_none()
    });
    assert!(streams);
}

#[test]
fn edits_of_a_request_are_checked() {
    let mut request = Request::get("/")
        .with_header("connection", "close, x-token")
        .with_header("x-token", "client")
        .with_header("content-length", "9");
    let refused = in_request(&Gateway::new(), &mut request, |request| {
        [
            request.set_method("NO WAY"),
            request.set_method("CONNECT"),
            request.set_path("no-slash"),
            request.set_path("/a b"),
            request.set_path("/a?b"),
            request.set_query("a b"),
            request.set_header("Content-Length", "1"),
            request.set_header("a b", "1"),
            request.set_header("x-a", "1\r\nx-b: 2"),
            request.add_header("host", "other"),
            request.remove_header("connection"),
        ]
        .map(|result| result.is_err())
    });
    assert_eq!(refused, [true; 11]);
    let edited = in_request(&Gateway::new(), &mut request, |request| {
        request.set_method("PUT")?;
        request.set_path("/b%20c")?;
        request.set_query("q=[1]")?;
        request.set_header("X-New", "1")?;
        request.add_header("X-New", "2")?;
        request.set_body(b"longer")
    });
    assert_eq!(text(edited), "done");
    assert_eq!((request.method(), request.path(), request.query()), ("PUT", "/b%20c", "q=[1]"));
    assert_eq!(request.headers("x-new"), ["1", "2"]);
    assert_eq!(request.body(), Some(&b"longer"[..]));
    // What the client hid behind `Connection` cannot hide what the plugin sets; the old length is no longer true.
    assert_eq!((request.header("x-token"), request.header("content-length")), (None, None));
}

#[test]
fn answers_are_checked() {
    for (answer, fits) in [
        (Answer::new(200).header("x-a", "1"), true),
        (Answer::new(599), true),
        (Answer::new(199), false),
        (Answer::new(600), false),
        (Answer::new(200).header("content-length", "1"), false),
        (Answer::new(200).header("x-a", "\n"), false),
    ] {
        let given = answer.clone();
        REQUEST.set(Some(Box::new(move |_| Ok(given.clone().into()))));
        let plugin = start::<Act>("null").expect("it takes no config");
        let result = plugin.on_request(&mut Request::get("/"));
        assert_eq!(result.is_ok(), fits, "{answer:?}");
    }
    let plugin = start::<Act>("null").expect("it takes no config");
    assert_eq!(plugin.handle(&mut Request::get("/")), Ok(Answer::new(200)));
    assert!(plugin.handle(&mut Request::get("/bad")).is_err());
}

#[test]
fn hooks_that_are_not_wanted_do_not_run() {
    let plugin = start::<Act>("{}").expect("an empty config is none");
    assert_eq!(plugin.on_backend_response(&mut Response::new(200)), Ok(()));
    // The default of a hook that the plugin does not have.
    assert_eq!(plugin.on_backend_request(&mut Request::get("/")), Ok(Action::Continue));
}

#[test]
fn bodies_stream_chunk_by_chunk() {
    let plugin = start::<Act>("null").expect("it takes no config");
    let out = plugin.on_request_body(["a", "", "b"]).expect("the hook does not fail");
    assert_eq!(out, [b"a,".to_vec(), b",".to_vec(), b"b.".to_vec()]);
    let same = plugin.on_response_body([b"x"]).expect("the default passes all");
    assert_eq!(same, [b"x".to_vec()]);
}

#[test]
fn responses_have_data_or_a_body() {
    let mut response = Response::json(json!({"a": {"b": [1, 2]}, "z": 1})).with_status(201);
    let seen = in_response(&mut response, |response| {
        let refused =
            (response.body().is_none(), response.set_body(b"").is_err(), response.set_status(99));
        assert_eq!(refused, (true, true, Err("99 is not a status between 200 and 599".into())));
        let append = response.set_data("/a/b/-", &true);
        let gone = response.remove_data("/z");
        let found = response.query_data::<u8>("$.a.b[?@ > 1]");
        let status = (response.status(), response.is_complete());
        (append, gone, found, status, response.replace_data("$.a.b[0:2]", &json!(null)))
    });
    assert_eq!((seen.0, seen.1, seen.3, seen.4), (Ok(()), Ok(true), (201, true), Ok(2)));
    let found = seen.2.expect("the path is valid");
    assert_eq!((found[0].pointer.as_str(), found[0].value, found.len()), ("/a/b/1", 2, 1));
    assert_eq!(response.data(), Some(&json!({"a": {"b": [null, null, true]}})));

    let mut response = Response::new(404).with_body("text").incomplete();
    let refused = in_response(&mut response, |response| {
        let none = response.data::<Value>("");
        let errors = [
            response.set_data("/a", &1).is_err(),
            response.remove_data("/a").is_err(),
            response.query_data::<Value>("$").is_ok_and(|found| found.is_empty()),
            response.replace_data("$.a", &1).is_err(),
            !response.is_complete(),
        ];
        let set = response.set_status(500).and_then(|()| response.set_body(b"other"));
        (none, errors, set)
    });
    assert_eq!(refused, (Ok(None), [true; 5], Ok(())));
    assert_eq!((response.status(), response.body()), (500, Some(&b"other"[..])));
}

#[test]
fn pointers_and_paths_follow_their_rfcs() {
    let mut response = Response::json(r#"{"a~b":{"c/d":[{"x":1.50},{"x":null}]}}"#);
    let seen = in_response(&mut response, |response| {
        let json =
            |pointer: &str| response.data::<Value>(pointer).map(|v| v.map(|v| v.to_string()));
        let found = response.query_data::<Value>("$..x").map(|found| {
            found.into_iter().map(|found| found.pointer).collect::<Vec<_>>().join(" ")
        });
        (json("/a~0b/c~1d/0/x"), json("/a~0b/c~1d/01/x"), json("a"), found)
    });
    assert_eq!(seen.0, Ok(Some("1.50".to_owned())));
    assert_eq!((seen.1, seen.2), (Ok(None), Ok(None)));
    assert_eq!(seen.3, Ok("/a~0b/c~1d/0/x /a~0b/c~1d/1/x".to_owned()));
    let refused = in_response(&mut response, |response| {
        [
            response.set_data("", &json!([])).is_err(),
            response.set_data("a", &1).is_err(),
            response.set_data("/no/x", &1).is_err(),
            response.set_data("/a~0b/c~1d/9", &1).is_err(),
            response.remove_data("a").is_err(),
            response.query_data::<Value>("a[").is_err(),
            response.replace_data("$", &1).is_err(),
        ]
    });
    assert_eq!(refused, [true; 7]);
}

proptest! {
    /// What was put there is found there and can be taken away; no text makes it panic.
    #[test]
    fn finds_what_was_set(pointer in "(/[a-c0-2~/-]{0,2}){0,4}|.{0,4}", path in "\\$[\\.\\[\\]*a-c0-2'?@:]{0,8}|.{0,6}") {
        let mut response = Response::json(r#"{"a":{"b":[1,{"c":2}]},"b":[[0],{}],"c":null}"#);
        in_response(&mut response, move |_| {
            if data::set(&pointer, r#"{"new":1}"#).is_ok() && !pointer.ends_with('-') {
                assert_eq!(data::get(&pointer).as_deref(), Some(r#"{"new":1}"#));
                assert!(data::remove(&pointer).expect("it is a pointer"));
            }
            let _ = data::remove(&pointer);
            for found in data::query(&path).unwrap_or_default() {
                assert_eq!(data::get(&found.pointer), Some(found.json));
            }
            let _ = data::replace(&path, "0");
        });
    }
}

#[test]
fn context_belongs_to_a_request_and_is_bounded() {
    let gateway = Gateway::new();
    in_request(&gateway, &mut Request::get("/"), |_| {
        for key in 0..64 {
            context::set(&key.to_string(), b"v").expect("there is room");
        }
        context::set("0", b"w").expect("replacing needs no room");
        assert!(context::set("more", b"").is_err());
        assert!(context::set("0", &[0; 64 << 10]).is_err());
    });
    let other = in_request(&gateway, &mut Request::get("/").with_id(2), |_| context::get("0"));
    assert_eq!(other, None);
    assert_eq!(gateway.context(1, "0"), Some(b"w".to_vec()));
}

#[test]
fn time_and_chance_are_the_tests() {
    let gateway = Gateway::new().with_time(5_000).with_random([1, 0, 0, 0, 0, 0, 0, 0, 9]);
    let now = || (clock::now_ms(), clock::monotonic_ns());
    let before = in_request(&gateway, &mut Request::get("/"), move |_| now());
    gateway.advance(Duration::from_millis(1_500));
    let after = in_request(&gateway, &mut Request::get("/"), move |_| now());
    assert_eq!((after.0, after.1 - before.1), (6_500, 1_500_000_000));
    let drawn = in_request(&gateway, &mut Request::get("/"), |_| {
        (random::number(), random::bytes(1), random::bytes(40))
    });
    assert_eq!((drawn.0, drawn.1.as_slice(), drawn.2.len()), (1, &[9][..], 40));
    let again = Gateway::new();
    let same = in_request(&again, &mut Request::get("/"), |_| random::bytes(40));
    assert_eq!(same, drawn.2);
}

#[test]
fn the_store_keeps_counts_and_forgets() {
    let gateway = Gateway::new().with_kv_quota(100);
    let second = Some(Duration::from_secs(1));
    in_request(&gateway, &mut Request::get("/"), move |_| {
        assert_eq!(kv::set("k", b"v", None), Ok(()));
        assert_eq!(kv::set_if_absent("k", b"w", None), Ok(false));
        assert_eq!(kv::set_if_absent("brief", b"w", second), Ok(true));
        assert_eq!(kv::add("n", 2, second), Ok(2));
        assert_eq!(kv::add("n", -5, None), Ok(-3));
        assert_eq!(kv::add("k", 1, None), Err(kv::Error::NotACounter));
        assert_eq!(kv::set(&"k".repeat(257), b"", None), Err(kv::Error::TooLarge));
        assert_eq!(kv::set("k", &[0; (64 << 10) + 1], None), Err(kv::Error::TooLarge));
        assert_eq!(kv::set("large", &[0; 100], None), Err(kv::Error::Quota));
        assert_eq!(kv::get("k"), Ok(Some(b"v".to_vec())));
        assert_eq!(kv::delete("none"), Ok(false));
    });
    assert_eq!((gateway.kv("n"), gateway.kv("brief")), (Some(b"-3".to_vec()), Some(b"w".to_vec())));
    gateway.advance(Duration::from_secs(1));
    assert_eq!((gateway.kv("n"), gateway.kv("brief")), (None, None));
    assert_eq!(gateway.kv("k"), Some(b"v".to_vec()));
}

#[test]
fn values_are_made_once() {
    let gateway = Gateway::new().with_kv_quota(300);
    let second = Some(Duration::from_secs(1));
    in_request(&gateway, &mut Request::get("/"), move |_| {
        let failed = cache::get_or_make("k", || Err("no value".into()));
        assert_eq!(failed, Err("no value".into()));
        assert_eq!(cache::get_or_make("k", || Ok((b"v".to_vec(), second))), Ok(b"v".to_vec()));
        assert_eq!(cache::get_or_make("k", || Err("it is there".into())), Ok(b"v".to_vec()));
        let large = cache::get_or_make("large", || Ok((vec![0; 300], None)));
        assert_eq!(large, Err("cache: the store's quota is used up".into()));
        assert!(matches!(cache::claim("k", None), Ok(cache::Claimed::Found(_))));
        assert!(matches!(cache::claim(&"k".repeat(257), None), Err(cache::Error::TooLarge)));
        for number in 0..13 {
            let claimed = cache::claim(&number.to_string(), second);
            assert!(matches!(claimed, Ok(cache::Claimed::Yours(_))), "{number}: {claimed:?}");
        }
        assert!(matches!(cache::claim("x", None), Err(cache::Error::TooMany)));
    });
    assert_eq!(gateway.kv("k"), Some(b"v".to_vec()));
    gateway.advance(Duration::from_secs(1));
    assert_eq!(gateway.kv("k"), None);
}

#[test]
fn other_services_are_scripted() {
    let gateway = Gateway::new()
        .with_http("http://a/", |_| Ok(http::Response::new(200)))
        .with_http("http://a/slow", |_| Err(http::Error::Timeout));
    let answers = in_request(&gateway, &mut Request::get("/"), |_| {
        http::send_all([
            http::Request::get("http://a/x"),
            http::Request::post("http://a/slow").timeout(Duration::from_millis(5)),
            http::Request::get("http://b:8080/x?y"),
            http::Request::get("/relative"),
            http::Request::get("http://a/").header("host", "b"),
            http::Request::new("CONNECT", "http://a/"),
        ])
    });
    assert_eq!(answers[0].as_ref().map(|answer| answer.status), Ok(200));
    assert_eq!(answers[1], Err(http::Error::Timeout));
    assert_eq!(answers[2], Err(http::Error::Denied("http://b:8080".to_owned())));
    assert!(answers[3..].iter().all(|answer| matches!(answer, Err(http::Error::Invalid(_)))));
    assert_eq!(gateway.calls().len(), 2, "what is refused does not leave the gateway");
    assert_eq!(gateway.calls()[1].timeout, Some(Duration::from_millis(5)));
    let many = in_request(&gateway, &mut Request::get("/"), |_| {
        let long = Duration::from_secs(60);
        http::send_all((0..17).map(|_| http::Request::get("http://a/").timeout(long)))
    });
    assert_eq!(many.iter().position(|answer| *answer == Err(http::Error::TooMany)), Some(16));
    assert_eq!(gateway.calls()[2].timeout, Some(Duration::from_secs(30)));
    assert_eq!(
        Error::from(http::Error::TooMany).to_string(),
        "http: too many requests in one hook"
    );
}

#[test]
fn log_and_metrics_are_kept() {
    let gateway = Gateway::new();
    in_request(&gateway, &mut Request::get("/"), |_| {
        log::warn("odd");
        log::info("ä".repeat(4096));
        (0..200).for_each(|line: u32| log::debug(line.to_string()));
        metrics::count("seen_total", 2, &[("kind", "a")]);
        metrics::gauge("level", 0.5, &[]);
        metrics::observe("seconds", 1.0, &[]);
        metrics::count("not a name", 1, &[]);
        metrics::count("a_total", 1, &[("plugin", "other")]);
        metrics::count("a_total", 1, &[("a", "1"), ("a", "2")]);
    });
    let log = gateway.log();
    assert_eq!((log[0].level, log[0].message.as_str()), (Level::Warn, "odd"));
    assert_eq!((log[1].message.len(), log.len()), (4096, 100));
    let metrics = gateway.metrics();
    assert_eq!(metrics.len(), 3);
    assert_eq!(metrics[0].labels, [("kind".to_owned(), "a".to_owned())]);
    assert_eq!(metrics[0].measured, Measured::Count(2));
    assert_eq!(metrics[1].measured, Measured::Gauge(0.5));
}

#[test]
fn what_ends_an_instance_panics() {
    let ends = |act: Box<dyn Fn()>| std::panic::catch_unwind(AssertUnwindSafe(act)).is_err();
    assert!(ends(Box::new(|| assert!(clock::now_ms() > 0))), "outside of a gateway");
    assert!(ends(Box::new(|| {
        in_request(&Gateway::new(), &mut Request::get("/"), |_| {
            crate::Response::current().status()
        });
    })));
    assert!(ends(Box::new(|| {
        in_response(&mut Response::new(200), |_| crate::Request::current().path());
    })));
    assert!(ends(Box::new(|| {
        in_request(&Gateway::new(), &mut Request::get("/"), |_| random::bytes(4097));
    })));
}

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "only the names matter")]
struct Two {
    one: u8,
    #[serde(rename = "second")]
    two: u8,
}

#[test]
fn schemas_tell_every_field() {
    let check = |schema: Value| {
        let check = AssertUnwindSafe(|| check_schema::<Two>(&schema.to_string(), "/here"));
        std::panic::catch_unwind(check).is_ok()
    };
    let field = json!({"description": "It is there."});
    let schema = |properties: Value| json!({"here": {"properties": properties, "additionalProperties": false}});
    assert!(check(schema(json!({"one": field, "second": field}))));
    assert!(!check(schema(json!({"one": field}))), "one is missing");
    assert!(!check(schema(json!({"one": field, "second": {}}))), "one is not described");
    assert!(!check(schema(json!({"one": field, "second": field, "x": field}))), "one too many");
    assert!(!check(json!({"here": {"properties": {"one": field, "second": field}}})), "open");
}
