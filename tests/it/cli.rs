//! CLI-01, CLI-02, CLI-04, CLI-05 and RTR-11: arguments, exit codes, output.

use std::net::TcpListener;

use serde_json::Value;
use torana_tests::{
    VERSION,
    client::Client,
    command::{self, Output, Process},
    scratch::Scratch,
    upstream::{Reply, Script, Upstream},
};

use crate::common::{config, config_with};

const GOOD: &str = r#"{
  "version": 3,
  "endpoints": [{ "endpoint": "/a/{id}", "backend": [{ "host": ["http://h.test"], "url_pattern": "/b/{id}", "allow": ["x"] }] }]
}
"#;

const BAD: &str = r#"{
  "version": 3,
  "endpoints": [{ "endpoint": "/a", "timout": "1s", "backend": [{ "url_pattern": "/b/{y}" }] }]
}
"#;

fn run(config: &str, arguments: &[&str]) -> Output {
    let scratch = Scratch::new();
    scratch.write("gateway.json", config);
    command::run(arguments, scratch.path(), &[])
}

#[test]
fn cli_01_check() {
    let output = run(GOOD, &["check", "-c", "gateway.json"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "Parsing configuration file: gateway.json\nSyntax OK!\n"),
        "{output:?}"
    );
    let output = run(BAD, &["check", "-c", "gateway.json"]);
    assert_eq!(output.code, Some(1));
    let text = output.stdout + &output.stderr;
    // All at once, with the place, an excerpt and what to do.
    assert!(text.contains("gateway.json:3:"), "{text}");
    assert!(text.contains("timout") && text.contains("did you mean `timeout`?"), "{text}");
    assert!(text.contains("\"/b/{y}\""), "{text}");
    assert!(!text.contains("Syntax OK!"));
}

#[test]
fn cli_01_what_check_refuses_run_refuses() {
    for config in [BAD, "{", "", "[]", "{\"version\":3,\"endpoints\":[{}]}"] {
        let check = run(config, &["check", "-c", "gateway.json"]);
        let run = run(config, &["run", "-c", "gateway.json", "-p", "0"]);
        assert_eq!(check.code, Some(1), "{config}: {check:?}");
        assert_ne!(run.code, Some(0), "{config}: {run:?}");
        assert!(run.stderr.contains("gateway.json"), "{config}: {run:?}");
    }
}

#[test]
fn cli_01_a_file_that_is_not_there() {
    for verb in ["check", "run"] {
        let output = run(GOOD, &[verb, "-c", "none.json"]);
        assert_ne!(output.code, Some(0));
        assert!(output.stderr.contains("none.json"), "{output:?}");
    }
}

#[test]
fn cli_02_lint() {
    let unknown = GOOD.replace("\"version\": 3,", "\"version\": 3, \"prot\": 1,");
    assert_eq!(run(&unknown, &["check", "-c", "gateway.json"]).code, Some(0));
    for flags in [["-l"], ["-n"], ["--lint"], ["--lint-no-network"]] {
        let mut arguments = vec!["check", "-c", "gateway.json"];
        arguments.extend(flags);
        let output = run(&unknown, &arguments);
        assert_eq!(output.code, Some(1), "{flags:?}");
        assert!((output.stdout + &output.stderr).contains("port"), "{flags:?}");
    }
    let output = run(&unknown, &["check", "-c", "gateway.json", "-s", "schema.json"]);
    assert_eq!(output.code, Some(1));
}

#[test]
fn cli_02_dump() {
    let output = run(GOOD, &["check", "-ddd", "-t", "-c", "gateway.json"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    for part in ["/a/{id}", "/b/{id}", "http://h.test"] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
}

#[test]
fn findings_for_machines() {
    let output = run(BAD, &["check", "-c", "gateway.json", "--format", "json"]);
    assert_eq!(output.code, Some(1));
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&report["errors"], &report["warnings"]), (&2.into(), &1.into()), "{report:#}");
    let first = &report["diagnostics"][0];
    assert!(first["code"].is_string() && first["message"].is_string(), "{first:#}");
    assert_eq!(first["span"]["line"], 3);

    let output = run(BAD, &["check", "-c", "gateway.json", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "{sarif:#}");
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 3, "{sarif:#}");

    let output = run(GOOD, &["check", "-c", "gateway.json", "--format", "json"]);
    assert_eq!(output.code, Some(0));
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["diagnostics"], Value::Array(Vec::new()));
}

#[test]
fn explain_shows_the_pipeline_with_places() {
    for path in ["/a/{id}", "/a/7"] {
        let output = run(GOOD, &["explain", "-c", "gateway.json", "GET", path]);
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.contains("gateway.json:3:"), "{}", output.stdout);
        assert!(output.stdout.contains("GET /b/{id}"), "{}", output.stdout);
        assert!(output.stdout.contains("allow"), "{}", output.stdout);
    }
    let output = run(GOOD, &["explain", "-c", "gateway.json", "GET", "/nothing"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let output = run(GOOD, &["explain", "-c", "gateway.json", "GET", "/__health"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("health endpoint"), "{output:?}");
}

/// The words are those of the configuration, and what becomes of a failure is a part of the pipeline.
#[test]
fn explain_speaks_as_the_configuration() {
    let config = r#"{
  "version": 3,
  "host": ["http://h.test"],
  "endpoints": [{ "endpoint": "/a", "output_encoding": "json-collection", "backend": [{
    "url_pattern": "/b", "encoding": "safejson", "is_collection": true,
    "extra_config": { "backend/http": { "return_error_details": "b" } }
  }] }]
}
"#;
    let output = run(config, &["explain", "-c", "gateway.json", "GET", "/a"]);
    let expected = "decode: safejson; collection; failure as error_b";
    assert!(output.stdout.contains(expected), "{output:?}");
    let conditions = r#"{
  "version": 3,
  "host": ["http://h.test"],
  "endpoints": [{ "endpoint": "/a", "input_headers": ["X-Model"], "backend": [
    { "url_pattern": "/b", "extra_config": {
      "backend/conditional": { "strategy": "header", "name": "X-Model", "value": "a" } } },
    { "url_pattern": "/c", "extra_config": { "backend/conditional": { "strategy": "fallback" } } }
  ] }]
}
"#;
    let output = run(conditions, &["explain", "-c", "gateway.json", "GET", "/a"]);
    for expected in [
        "1. condition: if the header x-model is \"a\" ",
        "1. condition: if no other condition holds",
    ] {
        assert!(output.stdout.contains(expected), "{output:?}");
    }
    let output = run(config, &["check", "-dd", "-c", "gateway.json"]);
    for line in ["Output: json-collection\n", "Decoder: safejson\n"] {
        assert!(output.stdout.contains(line), "{line}: {output:?}");
    }
}

#[test]
fn cli_05_version() {
    let output = run(GOOD, &["version"]);
    assert_eq!(output.code, Some(0));
    assert!(output.stdout.contains(VERSION), "{output:?}");
}

#[test]
fn wrong_usage() {
    for arguments in [&["nonsense"][..], &["check"], &["run", "-c"], &[]] {
        let output = run(GOOD, arguments);
        assert_ne!(output.code, Some(0), "{arguments:?}");
        assert!(output.stderr.contains("--help"), "{arguments:?}: {output:?}");
    }
}

/// CFG-04 and trap 25: the variable counts although the file names no port.
#[test]
fn cfg_04_port_from_the_environment() {
    // Somebody else has the port, so the gateway must name it when it gives up.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let scratch = Scratch::new();
    scratch.write("gateway.json", r#"{ "version": 3, "listen_ip": "127.0.0.1", "endpoints": [] }"#);
    for name in ["KRAKEND_PORT", "TORANA_PORT"] {
        let output =
            command::run(&["run", "-c", "gateway.json"], scratch.path(), &[(name, port.as_str())]);
        assert_ne!(output.code, Some(0));
        let text = output.stdout + &output.stderr;
        assert!(text.contains(&format!("127.0.0.1:{port}")), "{name}: {text}");
    }
}

#[test]
fn cli_04_port_and_debug() {
    let scratch = Scratch::new();
    // Port 1 would be refused to most, and nobody expects a gateway there.
    scratch.write(
        "gateway.json",
        r#"{ "version": 3, "port": 1, "listen_ip": "127.0.0.1", "endpoints": [] }"#,
    );
    let process =
        Process::start(&["run", "-c", "gateway.json", "-d", "-p", "0"], scratch.path(), &[]);
    let answer = Client::connect(process.address()).get("/__debug/x");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"message":"pong"}"#));
}

/// What a gateway with these router options has written after requests for `/json`, `/skipped` and `/json`.
fn access_log(router: &str) -> Vec<String> {
    let upstream = Upstream::start(Script::new().on("GET", "/b", Reply::json("{}")));
    let scratch = Scratch::new();
    scratch.write(
        "gateway.json",
        config_with(
            &upstream,
            &format!(
                r#", "listen_ip": "127.0.0.1", "extra_config": {{ "router": {{ {router} }} }}"#
            ),
        ),
    );
    let mut process =
        Process::start(&["run", "-c", "gateway.json", "-p", "0"], scratch.path(), &[]);
    let mut client = Client::connect(process.address());
    for path in ["/json?a=1", "/skipped", "/json?a=2"] {
        let _ = client.get(path);
    }
    // The end writes what is not written yet.
    drop(client);
    process.signal("TERM");
    assert_eq!(process.wait(), Some(0));
    process.output()
}

fn mentions(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

#[test]
fn rtr_11_access_log() {
    let lines = access_log("");
    assert_eq!((mentions(&lines, "/json"), mentions(&lines, "/skipped")), (2, 1), "{lines:#?}");
    // Off a terminal each line is JSON.
    let line = lines.iter().find(|line| line.contains("/skipped")).unwrap();
    assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
}

#[test]
fn rtr_11_disabled_or_skipped() {
    let lines = access_log(r#""disable_access_log": true"#);
    assert_eq!((mentions(&lines, "/json"), mentions(&lines, "/skipped")), (0, 0), "{lines:#?}");
    let lines = access_log(r#""logger_skip_paths": ["/skipped"]"#);
    assert_eq!((mentions(&lines, "/json"), mentions(&lines, "/skipped")), (2, 0), "{lines:#?}");
}

#[test]
fn a_second_gateway_on_the_same_address_does_not_start() {
    let upstream = Upstream::start(Script::new());
    let scratch = Scratch::new();
    scratch.write("gateway.json", config(&upstream));
    let first = Process::start(&["run", "-c", "gateway.json", "-p", "0"], scratch.path(), &[]);
    let port = first.address().port().to_string();
    let output = command::run(&["run", "-c", "gateway.json", "-p", &port], scratch.path(), &[]);
    assert_ne!(output.code, Some(0), "{output:?}");
    assert_eq!(Client::connect(first.address()).get("/__health").status, 200);
}
