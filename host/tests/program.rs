//! The program as its users meet it: exit codes, signals, reload, and what it writes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A directory for one test: its files, and the control sockets of its gateways.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let private = fs::Permissions::from_mode(0o700);
        Self(tempfile::Builder::new().permissions(private).tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_torana"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("TORANA_CONFIG")
            .env("XDG_RUNTIME_DIR", self.0.path());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit code and standard error.
    fn exit(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.output(arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn run(&self, config: &str) -> Gateway {
        let mut child = self
            .command(&["run", "-c", config, "-p", "0", "--workers", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut gateway = Gateway { child, lines, address: String::new() };
        let line = gateway.wait_for("[SERVICE: torana] listening");
        let address = line["fields"]["address"].as_str().unwrap();
        gateway.address = address.replace("[::]", "127.0.0.1").replace("0.0.0.0", "127.0.0.1");
        gateway
    }
}

/// A running gateway; killed with its value.
struct Gateway {
    child: Child,
    lines: BufReader<ChildStdout>,
    address: String,
}

impl Gateway {
    /// Reads log lines up to the one with this message.
    fn wait_for(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "ended before: {message}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == message {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    }

    fn ask(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(endpoint: &str, host: &str) -> String {
    format!(
        r#"{{"version": 3, "timeout": "60s", "endpoints": [
            {{"endpoint": "{endpoint}", "backend": [{{"host": ["{host}"], "url_pattern": "/"}}]}}
        ]}}"#
    )
}

fn body(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn check_ends_with_0_1_or_3() {
    let place = Place::new();
    place.write("good.json", &config("/a", "http://127.0.0.1:1"));
    place.write("bad.json", "{\n  \"version\": 2,\n  \"port\": \"x\"\n}");
    place.write("unknown.json", "{\"version\": 3, \"nmae\": \"x\", \"endpoints\": []}");
    place.write("broken.json", "{");

    let good = place.output(&["check", "-c", "good.json"]);
    assert_eq!(good.status.code(), Some(0));
    assert!(String::from_utf8(good.stdout).unwrap().ends_with("Syntax OK!\n"));

    let (code, text) = place.exit(&["check", "-c", "bad.json"]);
    assert_eq!(code, 1);
    // All problems at once, each with its position.
    assert!(text.contains("[bad.json:2:14]") && text.contains("[bad.json:3:11]"), "{text}");

    let (code, text) = place.exit(&["check", "-c", "unknown.json"]);
    assert_eq!(code, 0);
    assert!(text.contains("did you mean `name`?"), "{text}");
    assert_eq!(place.exit(&["check", "--lint", "-c", "unknown.json"]).0, 1);
    assert_eq!(place.exit(&["check", "-c", "broken.json"]).0, 1);
    assert_eq!(place.exit(&["check", "-c", "missing.json"]).0, 3);
    assert_eq!(place.exit(&["check"]).0, 2);
}

#[test]
fn check_prints_what_machines_read() {
    let place = Place::new();
    place.write("bad.json", "{\"version\": 2}");
    let json = place.output(&["check", "-c", "bad.json", "--format", "json"]);
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["diagnostics"][0]["file"], "bad.json");
    let sarif = place.output(&["check", "-c", "bad.json", "--format", "sarif"]);
    assert_eq!(sarif.status.code(), Some(1));
    let sarif: Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn explain_finds_an_endpoint_as_the_router_does() {
    let place = Place::new();
    place.write("gateway.json", &config("/users/{id}", "http://127.0.0.1:1"));
    let explained = |path: &str| {
        let output =
            place.output(&["explain", "-c", "gateway.json", "--format", "json", "get", path]);
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let plan = explained("/users/7?x=1");
    assert_eq!(plan["name"], "GET /users/{id}");
    assert_eq!(plan["at"]["line"], 2);
    assert_eq!(plan["backends"].as_array().unwrap().len(), 1);
    assert_eq!(explained("/users/{id}"), plan);
    let (code, text) = place.exit(&["explain", "-c", "gateway.json", "POST", "/users/7"]);
    assert_eq!((code, text.trim_end()), (1, "torana: no endpoint for POST /users/7, only for GET"));
    assert_eq!(place.exit(&["explain", "-c", "gateway.json", "GET", "/x"]).0, 1);
}

#[test]
fn run_reloads_on_signal_file_change_and_command_and_ends_on_a_signal() {
    let place = Place::new();
    place.write("gateway.json", &config("/a", "http://127.0.0.1:1"));
    let mut gateway = place.run("gateway.json");

    gateway.signal(Signal::HUP);
    gateway.wait_for("[SERVICE: torana] configuration reloaded");

    place.write("next.json", &config("/b", "http://127.0.0.1:1"));
    fs::rename(place.path("next.json"), place.path("gateway.json")).unwrap();
    gateway.wait_for("[SERVICE: torana] configuration reloaded");
    assert!(body(gateway.ask("/a")).starts_with("HTTP/1.1 404"));
    assert!(!body(gateway.ask("/b")).starts_with("HTTP/1.1 404"));

    let command = place.output(&["reload", "-c", "gateway.json"]);
    assert_eq!(command.status.code(), Some(0));
    assert!(String::from_utf8(command.stdout).unwrap().starts_with("gateway.json is live after "));

    place.write("gateway.json", "{\n  \"version\": 2\n}");
    let (code, text) = place.exit(&["reload", "-c", "gateway.json"]);
    assert_eq!(code, 1);
    assert!(text.contains("[gateway.json:2:14]"), "{text}");
    assert!(!body(gateway.ask("/b")).starts_with("HTTP/1.1 404"));

    gateway.signal(Signal::TERM);
    assert_eq!(gateway.end().code(), Some(0));
    assert_eq!(place.exit(&["reload", "-c", "gateway.json"]).0, 3);
}

#[test]
fn a_request_in_flight_is_finished_and_a_second_signal_ends_at_once() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    let host = format!("http://{}", upstream.local_addr().unwrap());
    place.write("gateway.json", &config("/a", &host));

    let mut gateway = place.run("gateway.json");
    let client = gateway.ask("/a");
    let (mut called, _) = upstream.accept().unwrap();
    gateway.signal(Signal::TERM);
    gateway.wait_for("[SERVICE: torana] shutting down: requests in flight finish");
    called.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}").unwrap();
    assert!(body(client).ends_with("{\"a\":1}"));
    assert_eq!(gateway.end().code(), Some(0));

    let mut gateway = place.run("gateway.json");
    let _client = gateway.ask("/a");
    let _called = upstream.accept().unwrap();
    gateway.signal(Signal::INT);
    gateway.wait_for("[SERVICE: torana] shutting down: requests in flight finish");
    gateway.signal(Signal::INT);
    assert_eq!(gateway.end().code(), Some(5));
}

#[test]
fn run_refuses_what_it_cannot_serve() {
    let place = Place::new();
    place.write("gateway.json", &config("/a", "http://127.0.0.1:1"));
    place.write("bad.json", "{\"version\": 2}");
    let taken = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0")).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, text) = place.exit(&["run", "-c", "gateway.json", "-p", &port]);
    assert_eq!(code, 4, "{text}");
    assert_eq!(place.exit(&["run", "-c", "bad.json"]).0, 1);
    assert_eq!(place.exit(&["run", "-c", "missing.json"]).0, 3);
    assert_eq!(place.exit(&["run"]).0, 2);
}

#[test]
fn the_schema_knows_endpoints_and_components() {
    let place = Place::new();
    let output = place.output(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let endpoint = &schema["properties"]["endpoints"]["items"]["properties"];
    assert_eq!(endpoint["endpoint"]["type"], "string");
    assert!(
        endpoint["backend"]["items"]["properties"]["extra_config"]["properties"]["plugin/wasm"]
            .is_object()
    );
    assert!(schema["properties"]["extra_config"]["properties"]["telemetry/logging"].is_object());
}

#[test]
fn the_reference_pages_are_up_to_date() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference");
    let (code, text) = Place::new().exit(&["reference", "--check", folder]);
    assert_eq!(code, 0, "{text}");
}
