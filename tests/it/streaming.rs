//! `no-op` streams both ways: bytes pass when they come, in constant memory.

use torana_tests::{
    client::{Client, End},
    command::Process,
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Gate, Reply, Script, Step, Upstream},
};

use crate::common::{config, peak_memory};

const BIG: usize = 64 << 20;

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

#[test]
fn the_first_byte_comes_before_the_last_is_written() {
    let gate = Gate::new();
    let script = Script::new()
        .on(
            "GET",
            "/b",
            Reply::steps(vec![
                send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
                Step::Wait(gate.clone()),
                send("4\r\nlast\r\n0\r\n\r\n"),
            ]),
        )
        .on("GET", "/b", Reply::status(200).body("next"));
    let upstream = Upstream::start(script);
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send("GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client.until("first");
    gate.open();
    client.until("last");
    client.until("0\r\n\r\n");
    assert_eq!(client.get("/no-op").text(), "next");
}

#[test]
fn a_body_of_known_length_streams_too() {
    let gate = Gate::new();
    let script = Script::new().on(
        "GET",
        "/b",
        Reply::steps(vec![
            send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst"),
            Step::Wait(gate.clone()),
            send("last"),
        ]),
    );
    let upstream = Upstream::start(script);
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send("GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n");
    let answer = client.head();
    assert_eq!(answer.header("content-length"), "9");
    assert_eq!(client.until("first"), "first");
    gate.open();
    assert_eq!(client.until("last"), "last");
}

#[test]
fn a_body_that_ends_with_the_connection_is_whole() {
    let upstream = Upstream::start(Script::new().on(
        "GET",
        "/b",
        Reply::status(200).body("until the end").bare(),
    ));
    let gateway = Gateway::start(config(&upstream));
    let answer = gateway.connect().get("/no-op");
    assert_eq!((answer.text().as_str(), answer.end), ("until the end", End::Complete));
}

#[test]
fn server_sent_events() {
    let gates: Vec<Gate> = (0..3).map(|_| Gate::new()).collect();
    let mut steps = vec![send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )];
    for (number, gate) in gates.iter().enumerate() {
        let event = format!("data: event {number}\n\n");
        steps.push(Step::Wait(gate.clone()));
        steps.push(send(&format!("{:x}\r\n{event}\r\n", event.len())));
    }
    steps.push(Step::Hold);
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::steps(steps)));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send("GET /no-op HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n");
    let answer = client.head();
    assert_eq!(answer.header("content-type"), "text/event-stream");
    for (number, gate) in gates.iter().enumerate() {
        gate.open();
        client.until(&format!("data: event {number}\n\n"));
    }
    // The stream is endless: a client that has had enough frees the backend.
    client.abort();
    upstream.wait_for_hang_up();
}

#[test]
fn uploads_stream() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}")));
    let gateway = Gateway::start(config(&upstream));
    for (framing, parts) in [
        ("Transfer-Encoding: chunked", ["5\r\nfirst\r\n", "4\r\nlast\r\n0\r\n\r\n"]),
        ("Content-Length: 9", ["first", "last"]),
    ] {
        let mut client = gateway.connect();
        client.send(format!("POST /no-op HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{}", parts[0]));
        upstream.wait_for_bytes(0, 5);
        client.send(parts[1]);
        assert_eq!(client.answer().status, 200);
        let received = upstream.take();
        assert_eq!(received[0].body, b"firstlast");
        assert!(received[0].complete);
    }
}

#[test]
fn an_answer_may_come_before_the_upload_is_over() {
    let upstream = Upstream::start(Script::new().on(
        "POST",
        "/b",
        Reply::status(403).body("no").early().then(Step::Close),
    ));
    let gateway = Gateway::start(config(&upstream));
    let mut client = gateway.connect();
    client.send("POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nsome");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
}

/// A gateway as a process of its own, whose memory can be looked at.
fn process(upstream: &Upstream) -> (Scratch, Process, Client) {
    let scratch = Scratch::new();
    let path = scratch.write("gateway.json", config(upstream));
    let process = Process::start(
        &["run", "-c", &path.to_string_lossy(), "-p", "0", "--workers", "1"],
        scratch.path(),
        &[],
    );
    let client = Client::connect(process.address());
    (scratch, process, client)
}

#[test]
fn downloads_of_any_size_need_constant_memory() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n");
    let body = Step::Repeat(vec![b'x'; 64 << 10], BIG / (64 << 10));
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::steps(vec![send(&head), body])));
    let (_scratch, process, mut client) = process(&upstream);
    assert_eq!(client.get("/__health").status, 200);
    let before = peak_memory(process.id());
    client.send("GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.head().header("content-length"), BIG.to_string());
    assert_eq!(client.count(BIG), BIG);
    let grown = peak_memory(process.id()) - before;
    assert!(grown < 8 << 20, "{} KiB more", grown >> 10);
}

#[test]
fn uploads_of_any_size_need_constant_memory() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}").discard()));
    let (_scratch, process, mut client) = process(&upstream);
    assert_eq!(client.get("/__health").status, 200);
    let before = peak_memory(process.id());
    client.send(format!("POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: {BIG}\r\n\r\n"));
    let part = vec![b'x'; 64 << 10];
    for _ in 0..BIG / part.len() {
        client.try_send(&part).unwrap();
    }
    assert_eq!(client.answer().status, 200);
    assert_eq!(upstream.requests()[0].length, BIG);
    let grown = peak_memory(process.id()) - before;
    assert!(grown < 8 << 20, "{} KiB more", grown >> 10);
}

#[test]
fn many_uploads_at_once_need_little_memory() {
    let upstream = Upstream::start(Script::new().on("POST", "/b", Reply::json("{}").discard()));
    let (_scratch, process, mut client) = process(&upstream);
    assert_eq!(client.get("/__health").status, 200);
    let before = peak_memory(process.id());
    let address = process.address();
    let part = vec![b'x'; 1 << 20];
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                let length = 4 * part.len();
                client.send(format!(
                    "POST /no-op HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"
                ));
                for _ in 0..4 {
                    client.try_send(&part).unwrap();
                }
                assert_eq!(client.answer().status, 200);
            });
        }
    });
    let grown = peak_memory(process.id()) - before;
    assert!(grown < 24 << 20, "{} KiB more", grown >> 10);
}

#[test]
fn a_client_that_does_not_read_is_not_read_for() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n");
    let body = Step::Repeat(vec![b'x'; 64 << 10], BIG / (64 << 10));
    let upstream =
        Upstream::start(Script::new().on("GET", "/b", Reply::steps(vec![send(&head), body])).on(
            "GET",
            "/c",
            Reply::json("{}"),
        ));
    let (_scratch, process, mut client) = process(&upstream);
    assert_eq!(client.get("/__health").status, 200);
    let before = peak_memory(process.id());
    client.send("GET /no-op HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.head().status, 200);
    // Other requests go on meanwhile, and by their time the gateway could have read everything.
    let mut other = Client::connect(process.address());
    for _ in 0..200 {
        assert_eq!(other.get("/__health").status, 200);
    }
    let grown = peak_memory(process.id()) - before;
    assert!(grown < 8 << 20, "{} KiB more", grown >> 10);
    assert_eq!(client.count(BIG), BIG);
}
