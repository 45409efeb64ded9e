//! Access lines as they leave the process.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::UNIX_EPOCH,
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::sink::tests::Memory;

const LIMIT: Duration = Duration::from_secs(10);

fn entry() -> AccessEntry<'static> {
    AccessEntry {
        time: UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789),
        method: "GET",
        path: b"/users/1",
        query: Some(b"a=1"),
        status: 200,
        duration: Duration::from_nanos(4_500),
        client_ip: Ipv4Addr::new(172, 17, 0, 1).into(),
        endpoint: Some("/users/{id}"),
        bytes: 512,
        request_id: 7,
        error: None,
    }
}

fn written(entry: &AccessEntry<'_>, style: Style) -> String {
    let memory = Memory::default();
    let sink = Sink::new(Box::new(memory.clone()));
    let log = AccessLog::with_style(sink, style, 1);
    log.record(entry);
    assert!(log.flush(LIMIT));
    memory.text()
}

fn text(entry: &AccessEntry<'_>) -> String {
    written(entry, Style::Text { colour: false })
}

#[test]
fn json_lines() {
    let line: Value = serde_json::from_str(&written(&entry(), Style::Json)).unwrap();
    assert_eq!(
        line,
        json!({
            "time": "2009-02-13T23:31:30.123456Z", "type": "access", "request_id": 7,
            "client_ip": "172.17.0.1", "method": "GET", "path": "/users/1", "query": "a=1",
            "endpoint": "/users/{id}", "status": 200, "bytes": 512, "duration_ms": 0.004,
        })
    );
    let failed = AccessEntry {
        error: Some("backend \"users\": timed out"),
        query: None,
        endpoint: None,
        client_ip: Ipv6Addr::LOCALHOST.into(),
        ..entry()
    };
    let line: Value = serde_json::from_str(&written(&failed, Style::Json)).unwrap();
    assert_eq!(line["error"], "backend \"users\": timed out");
    assert_eq!(line["client_ip"], "::1");
    assert!(line.get("query").is_none() && line.get("endpoint").is_none());
}

#[test]
fn text_lines() {
    assert_eq!(
        text(&entry()),
        "[TORANA] 2009/02/13 - 23:31:30 | 200 |         4.5µs |      172.17.0.1 | GET     \"/users/1?a=1\"\n"
    );
    let failed = AccessEntry { status: 500, error: Some("no host"), query: None, ..entry() };
    assert!(text(&failed).ends_with("\"/users/1\" | no host\n"));
    let coloured = written(&failed, Style::Text { colour: true });
    assert!(coloured.contains("| \x1b[31m500\x1b[0m |"), "{coloured:?}");
}

#[test]
fn durations_look_as_in_go() {
    for (nanos, expected) in [
        (0, "0ns"),
        (999, "999ns"),
        (1_000, "1µs"),
        (12_250_000, "12.25ms"),
        (1_500_000_000, "1.5s"),
        (100_000_000_001, "100.000000001s"),
    ] {
        let line = text(&AccessEntry { duration: Duration::from_nanos(nanos), ..entry() });
        assert_eq!(line.split('|').nth(2).unwrap().trim(), expected);
    }
}

#[test]
fn the_second_changes_with_the_time() {
    let memory = Memory::default();
    let log = AccessLog::json(Sink::new(Box::new(memory.clone())), 1);
    for seconds in [5, 5, 6] {
        log.record(&AccessEntry { time: UNIX_EPOCH + Duration::from_secs(seconds), ..entry() });
    }
    assert!(log.flush(LIMIT));
    let times: Vec<Value> = memory
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["time"].clone())
        .collect();
    assert_eq!(times[0], times[1]);
    assert_eq!(times[2], "1970-01-01T00:00:06.000000Z");
}

#[test]
fn no_line_is_lost_between_workers_and_at_the_end() {
    let memory = Memory::default();
    let log = Arc::new(AccessLog::json(Sink::new(Box::new(memory.clone())), 2));
    let threads: Vec<_> = (0..4_u64)
        .map(|thread| {
            let log = log.clone();
            std::thread::spawn(move || {
                worker::enter(thread as usize);
                for number in 0..2_000 {
                    log.record(&AccessEntry { request_id: thread * 10_000 + number, ..entry() });
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let sink = log.sink.clone();
    drop(log);
    assert!(sink.flush(LIMIT));
    let mut ids: Vec<u64> = memory
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["request_id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    let expected: Vec<u64> =
        (0..4).flat_map(|thread| (0..2_000).map(move |number| thread * 10_000 + number)).collect();
    assert_eq!(ids, expected);
}

#[test]
fn a_line_comes_out_without_a_flush() {
    struct Signal(std::sync::mpsc::Sender<Vec<u8>>);
    impl std::io::Write for Signal {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let log = AccessLog::json(Sink::new(Box::new(Signal(sender))), 1);
    log.record(&entry());
    let line = receiver.recv_timeout(LIMIT).unwrap();
    assert!(line.ends_with(b"}\n"));
}

proptest! {
    #[test]
    fn whatever_comes_in_one_json_object_comes_out(
        method in "(?s).{0,10}",
        path in proptest::collection::vec(any::<u8>(), 0..300),
        query in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..100)),
        endpoint in proptest::option::of("(?s).{0,20}"),
        error in proptest::option::of("(?s).{0,40}"),
        status: u16,
        bytes: u64,
        nanos: u64,
    ) {
        let entry = AccessEntry {
            method: &method,
            path: &path,
            query: query.as_deref(),
            endpoint: endpoint.as_deref(),
            error: error.as_deref(),
            status,
            bytes,
            duration: Duration::from_nanos(nanos),
            ..entry()
        };
        let line = written(&entry, Style::Json);
        let object: Value = serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap();
        prop_assert_eq!(object["method"].as_str(), Some(&*method));
        prop_assert_eq!(object["status"].as_u64(), Some(status.into()));
        prop_assert_eq!(object["path"].as_str(), Some(&*String::from_utf8_lossy(&path)));
        for line in [line, text(&entry)] {
            prop_assert_eq!(line.chars().filter(|c| c.is_control()).count(), 1);
        }
    }
}
