//! Backends that lie or fail: their own request gets an error, the process and everybody else do not notice.

use std::time::{Duration, Instant};

use torana_tests::{
    client::End,
    command::Process,
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Reply, Script, Step, Upstream, gzip},
};

use crate::common::{config, peak_memory};

fn setup(reply: Reply) -> (Upstream, Gateway) {
    let upstream = Upstream::start(Script::new().on("*", "/b", reply).on(
        "GET",
        "/c",
        Reply::json(r#"{"fine":1}"#),
    ));
    let gateway = Gateway::start(config(&upstream));
    (upstream, gateway)
}

/// What a decoded and a merged endpoint make of a reply that is no answer.
fn costs_its_own_request(reply: Reply) {
    let (_upstream, gateway) = setup(reply);
    let mut client = gateway.connect();
    let answer = client.get("/json");
    assert_eq!((answer.status, answer.text().as_str()), (500, ""));
    assert_eq!(answer.header("x-krakend-completed"), "false");
    // The same connection, and another backend beside the bad one.
    let answer = client.get("/two");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"fine":1}"#));
    assert_eq!(answer.header("x-krakend-completed"), "false");
}

/// What a streaming endpoint makes of an answer that breaks off after its head.
fn ends_visibly_broken(reply: Reply) {
    let (_upstream, gateway) = setup(reply);
    let mut client = gateway.connect();
    client.send("GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n");
    // Nothing may have been sent yet when the backend fails: then an error is as visible. What was sent arrives.
    let answer = client.try_answer().expect("a head");
    if answer.status != 500 {
        assert_ne!(answer.end, End::Complete, "{}", answer.text());
    }
}

#[test]
fn truncated_body() {
    let reply = || Reply::json(r#"{"x":1,"y":2}"#).cut(5);
    costs_its_own_request(reply());
    ends_visibly_broken(reply());
}

#[test]
fn truncated_valid_json() {
    // What came is a whole JSON document, but not the whole body.
    costs_its_own_request(Reply::json(r#"{"x":1}"#).claim(20).then(Step::Close));
}

#[test]
fn truncated_chunks() {
    let reply = || Reply::json(r#"{"x":1,"y":2}"#).chunked().cut(9);
    costs_its_own_request(reply());
    ends_visibly_broken(reply());
}

#[test]
fn reset_in_the_body() {
    let reply = || Reply::json(r#"{"x":1,"y":2}"#).claim(100).then(Step::Reset);
    costs_its_own_request(reply());
    ends_visibly_broken(reply());
}

#[test]
fn closed_without_an_answer() {
    costs_its_own_request(Reply::steps(vec![Step::Close]));
}

#[test]
fn garbage_instead_of_an_answer() {
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "220 smtp.test ESMTP\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
    ] {
        costs_its_own_request(Reply::raw(garbage));
    }
}

#[test]
fn bad_chunking_in_a_stream() {
    ends_visibly_broken(Reply::raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ));
}

#[test]
fn invalid_json() {
    for body in ["{", r#"{"x":}"#, r#"{"x":1"#, "nul", "\u{feff}", r#"{"x":01}"#, "{'x':1}"] {
        costs_its_own_request(Reply::json(body));
    }
    costs_its_own_request(Reply::status(200).body(b"{\"x\":\"\xff\"}".to_vec()));
}

#[test]
fn deeply_nested_json() {
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    costs_its_own_request(Reply::json(&deep));
}

#[test]
fn a_line_that_says_gzip_and_is_not() {
    costs_its_own_request(Reply::json("{}").header("Content-Encoding", "gzip"));
}

/// An upstream whose first answer is these bytes and its second `{"y":2}`. The first connection is left open: a gateway
/// that believed what comes beyond the answer would use it again.
fn first_answer(bytes: impl Into<Vec<u8>>) -> (Upstream, Gateway) {
    let script = Script::new().on("GET", "/b", Reply::steps(vec![Step::Send(bytes.into())])).on(
        "GET",
        "/b",
        Reply::json(r#"{"y":2}"#),
    );
    let upstream = Upstream::start(script);
    let gateway = Gateway::builder().workers(1).start(config(&upstream));
    (upstream, gateway)
}

#[test]
fn what_comes_beyond_the_answer_reaches_nobody() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"evil\":1} ";
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{{\"x\":1}}{evil}");
    let (upstream, gateway) = first_answer(answer);
    let mut client = gateway.connect();
    for (path, body) in [("/no-op", r#"{"x":1}"#), ("/json", r#"{"y":2}"#)] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (200, body));
    }
    let received = upstream.requests();
    assert_ne!(received[0].connection, received[1].connection, "the connection was used again");
}

#[test]
fn a_second_answer_with_the_body_of_the_first() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"x\":1}\r\n0\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let (_upstream, gateway) = first_answer(answer);
    let mut client = gateway.connect();
    assert_eq!(client.get("/json").text(), r#"{"x":1}"#);
    assert_eq!(client.get("/json").text(), r#"{"y":2}"#);
}

#[test]
fn a_kept_connection_that_the_backend_has_closed_costs_nothing() {
    let script = Script::new().on("GET", "/b", Reply::json(r#"{"x":1}"#).then(Step::Close)).on(
        "GET",
        "/b",
        Reply::json(r#"{"x":2}"#),
    );
    let upstream = Upstream::start(script);
    let gateway = Gateway::builder().workers(1).start(config(&upstream));
    let mut client = gateway.connect();
    assert_eq!(client.get("/json").text(), r#"{"x":1}"#);
    upstream.wait_for_closed(1);
    assert_eq!(client.get("/json").text(), r#"{"x":2}"#);
}

#[test]
fn a_write_is_not_sent_twice() {
    let script = Script::new().on("GET", "/b", Reply::json("{}")).on(
        "POST",
        "/b",
        Reply::steps(vec![Step::Reset]),
    );
    let upstream = Upstream::start(script);
    let gateway = Gateway::builder().workers(1).start(config(&upstream));
    let mut client = gateway.connect();
    assert_eq!(client.get("/no-op").status, 200);
    assert_eq!(client.request("POST", "/no-op", &[], "body").status, 500);
    let posts = upstream.requests().iter().filter(|r| r.method() == "POST").count();
    assert_eq!(posts, 1);
}

#[test]
fn interim_answers_are_no_answers() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
                  HTTP/1.1 100 Continue\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"x\":1}";
    let (_upstream, gateway) = setup(Reply::steps(vec![Step::Send(answer.into())]));
    assert_eq!(gateway.connect().get("/json").text(), r#"{"x":1}"#);
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for() {
    costs_its_own_request(Reply::raw(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n{}",
    ));
}

/// Endless headers, bodies and compressed bodies, in one process whose memory is looked at afterwards.
#[test]
fn memory_stays_small_whatever_backends_send() {
    let zeroes = gzip(&vec![b' '; 512 << 20]);
    let bomb = [gzip(b"{\"x\":\""), Vec::new()].concat();
    let mut bomb_head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len() + zeroes.len()
    )
    .into_bytes();
    bomb_head.extend(bomb);
    bomb_head.extend(zeroes);
    let ok = "HTTP/1.1 200 OK\r\n";
    let endless = usize::MAX;
    let script = Script::new()
        .on("GET", "/bomb", Reply::steps(vec![Step::Send(bomb_head), Step::Close]))
        .on(
            "GET",
            "/headers",
            Reply::steps(vec![
                Step::Send(ok.into()),
                Step::Repeat(b"X-Header: value\r\n".repeat(500), endless),
            ]),
        )
        .on(
            "GET",
            "/one-header",
            Reply::steps(vec![
                Step::Send(format!("{ok}X-Header: ").into()),
                Step::Repeat(vec![b'x'; 8 << 10], endless),
            ]),
        )
        .on(
            "GET",
            "/body",
            Reply::steps(vec![
                Step::Send(format!("{ok}Transfer-Encoding: chunked\r\n\r\n2\r\n{{\"\r\n").into()),
                Step::Repeat(
                    [b"2000\r\n".to_vec(), vec![b'x'; 8 << 10], b"\r\n".to_vec()].concat(),
                    endless,
                ),
            ]),
        )
        .on("GET", "/status-line", Reply::steps(vec![Step::Repeat(vec![b'H'; 8 << 10], endless)]))
        .on("GET", "/ok", Reply::json(r#"{"fine":1}"#));
    let upstream = Upstream::start(script);
    let names = ["bomb", "headers", "one-header", "body", "status-line"];
    let endpoints: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                r#"{{"endpoint":"/{name}","timeout":"15s","backend":[
                    {{"url_pattern":"/{name}"}},{{"url_pattern":"/ok"}}]}}"#
            )
        })
        .collect();
    let scratch = Scratch::new();
    let path = scratch.write(
        "gateway.json",
        format!(
            r#"{{"version":3,"listen_ip":"127.0.0.1","host":["http://{}"],"endpoints":[{}]}}"#,
            upstream.address(),
            endpoints.join(",")
        ),
    );
    let gateway = Process::start(
        &["run", "-c", &path.to_string_lossy(), "-p", "0", "--workers", "1"],
        scratch.path(),
        &[],
    );
    let mut client = torana_tests::client::Client::connect(gateway.address());
    for name in names {
        let answer = client.get(&format!("/{name}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"fine":1}"#), "{name}");
        assert_eq!(answer.header("x-krakend-completed"), "false", "{name}");
    }
    let peak = peak_memory(gateway.id());
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
}

/// The same at once: what all of them hold together is limited, not only what each may have.
#[test]
fn memory_stays_small_however_many_backends_do_not_end() {
    let piece = [b"2000\r\n".to_vec(), vec![b'x'; 8 << 10], b"\r\n".to_vec()].concat();
    let script = Script::new()
        .on(
            "GET",
            "/body",
            Reply::steps(vec![
                Step::Send(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n".into(),
                ),
                Step::Repeat(piece, usize::MAX),
            ]),
        )
        .on("GET", "/ok", Reply::json(r#"{"fine":1}"#));
    let upstream = Upstream::start(script);
    let scratch = Scratch::new();
    let path = scratch.write(
        "gateway.json",
        format!(
            r#"{{"version":3,"listen_ip":"127.0.0.1","host":["http://{}"],"timeout":"20s","endpoints":[
                {{"endpoint":"/body","backend":[{{"url_pattern":"/body"}},{{"url_pattern":"/ok"}}]}},
                {{"endpoint":"/ok","backend":[{{"url_pattern":"/ok"}}]}}]}}"#,
            upstream.address(),
        ),
    );
    let gateway = Process::start(
        &["run", "-c", &path.to_string_lossy(), "-p", "0", "--workers", "1"],
        scratch.path(),
        &[],
    );
    let address = gateway.address();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(move || {
                let answer = torana_tests::client::Client::connect(address).get("/body");
                assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"fine":1}"#));
            });
        }
    });
    // Room that was taken is given back.
    let mut client = torana_tests::client::Client::connect(address);
    assert_eq!(client.get("/ok").text(), r#"{"fine":1}"#);
    let peak = peak_memory(gateway.id());
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
}

#[test]
fn a_backend_that_answers_too_late_is_let_go() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::hang()));
    let gateway = Gateway::start(format!(
        r#"{{"version":3,"timeout":"200ms","host":["http://{}"],
            "endpoints":[{{"endpoint":"/a","backend":[{{"url_pattern":"/b"}}]}}]}}"#,
        upstream.address()
    ));
    let start = Instant::now();
    assert_eq!(gateway.connect().get("/a").status, 500);
    assert!(start.elapsed() >= Duration::from_millis(195));
    upstream.wait_for_hang_up();
}

#[test]
fn a_client_that_leaves_frees_the_backend() {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::hang()));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send("GET /json HTTP/1.1\r\nHost: h\r\n\r\n");
    let _ = upstream.wait_for(1);
    client.abort();
    upstream.wait_for_hang_up();
}
