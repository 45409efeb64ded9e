//! `torana plugin inspect`, `test` and `run`, and schemas of configurations in `check`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;
use torana_tests::{
    command::{self, Output},
    scratch::Scratch,
};

/// A folder with a component and files.
fn folder(plugin: &str, files: &[(&str, &str)]) -> Scratch {
    let scratch = Scratch::new();
    let component = scratch.path().join("plugin.wasm");
    fs::copy(torana_plugins_build::plugin(plugin), component).unwrap();
    fs::create_dir(scratch.path().join("requests")).unwrap();
    for (name, text) in files {
        scratch.write(name, text);
    }
    scratch
}

fn torana(scratch: &Scratch, arguments: &[&str]) -> Output {
    let cache = scratch.path().join("cache");
    command::run(arguments, scratch.path(), &[("TORANA_CACHE_DIR", path(&cache))])
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a temporary directory has a name in UTF-8")
}

#[test]
fn inspect_says_what_a_component_is() {
    let scratch = folder("header-edit", &[]);
    let output = torana(&scratch, &["plugin", "inspect", "plugin.wasm"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    for part in [
        "plugin.wasm: a plugin for torana:plugin@0.1.",
        "gateways with torana:plugin 0.1.x (before 1.0 the same minor version)",
        "on-request, on-backend-request, on-backend-response, on-response",
        "yes: header-edit",
        "Rust",
        "with names of functions",
        "torana:plugin/exchange@0.1.",
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    let output = torana(&scratch, &["plugin", "inspect", "plugin.wasm", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(json["kind"], "plugin");
    assert_eq!(json["loads_here"], true);
    assert_eq!(json["config_schema"]["title"], "header-edit");
    assert_eq!(json["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn inspect_refuses_what_is_no_plugin() {
    let scratch = Scratch::new();
    scratch.write("script", "#!/bin/sh");
    scratch.write("core.wasm", "\0asm\u{1}\0\0\0");
    for (file, code, part) in [
        ("script", 1, "it is not WebAssembly"),
        ("core.wasm", 1, "it is a core WebAssembly module"),
        ("nowhere.wasm", 3, "cannot read nowhere.wasm"),
    ] {
        let output = torana(&scratch, &["plugin", "inspect", file]);
        assert_eq!(output.code, Some(code), "{output:?}");
        assert!(output.stderr.contains(part), "{output:?}");
    }
}

#[test]
fn inspect_takes_the_folder_of_a_project() {
    let scratch = folder("header-edit", &[]);
    let output = torana(&scratch, &["plugin", "inspect", "."]);
    assert!(
        output.code == Some(0) && output.stdout.contains("plugin.wasm: a plugin"),
        "{output:?}"
    );
    let empty = Scratch::new();
    let output = torana(&empty, &["plugin", "inspect", "."]);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stderr.contains("make it with `torana plugin build`"), "{output:?}");
}

/// Clang without lld compiles, and cannot link.
#[test]
fn build_finds_a_c_compiler_that_cannot_link() {
    let scratch = Scratch::new();
    let made = torana(&scratch, &["plugin", "new", "guard", "--lang", "c"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let bin = scratch.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let clang =
        "#!/bin/sh\ncase \"$*\" in *-fsyntax-only*) exit 0;; *\" -c \"*) exit 0;; esac\nexit 1\n";
    fs::write(bin.join("clang"), clang).unwrap();
    fs::set_permissions(bin.join("clang"), fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["plugin", "build", "guard"];
    let sdk = [("WASI_SDK_PATH", path(scratch.path()))];
    let output = command::run(&arguments, scratch.path(), &sdk);
    assert_eq!(output.code, Some(1), "{output:?}");
    for part in ["a C compiler for WebAssembly", "`clang lld wasi-libc libclang-rt-dev-wasm32`"] {
        assert!(output.stderr.contains(part), "{part}: {output:?}");
    }
    assert!(!output.stderr.contains("> "), "{output:?}");
}

/// A gateway would not load the component; the tool chain need not run to know.
#[test]
fn build_refuses_what_is_no_schema() {
    let scratch = Scratch::new();
    let made = torana(&scratch, &["plugin", "new", "guard", "--lang", "rust"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    for (schema, part) in [
        (r#"{ "type": "objct" }"#, "is not valid: \"objct\""),
        (r#"{ "$ref": "http://a/b" }"#, "http://a/b"),
        ("{", "is not JSON"),
    ] {
        scratch.write("guard/config.schema.json", schema);
        let output = torana(&scratch, &["plugin", "build", "guard"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        let said = &output.stderr;
        assert!(said.contains("guard/config.schema.json: ") && said.contains(part), "{said}");
        assert!(!said.contains("> cargo"), "{said}");
    }
}

/// Whoever writes one believes that it is held against; the standard allows it, so gateways load the component.
#[test]
fn inspect_warns_of_formats_that_nobody_knows() {
    let scratch = folder("test-trap", &[]);
    let file = scratch.path().join("plugin.wasm");
    let schema = r#"{ "title": "guard", "properties": { "until": { "format": "date-tme" } } }"#;
    let with_schema =
        torana_toolchain::embed_config_schema(&fs::read(&file).unwrap(), schema).unwrap();
    fs::write(&file, with_schema).unwrap();
    let warning = "/properties/until/format: no text is held against the format `date-tme`, did you mean `date-time`?";
    let output = torana(&scratch, &["plugin", "inspect", "."]);
    assert!(output.stdout.contains("guard\n"), "{output:?}");
    assert!(output.stdout.contains(&format!("warning: {warning}\n")), "{output:?}");
    let output = torana(&scratch, &["plugin", "inspect", ".", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(json["config_schema"]["warning"], warning);

    let made = torana(&scratch, &["plugin", "new", "guard", "--lang", "c"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    scratch.write("guard/config.schema.json", schema);
    let output = torana(&scratch, &["plugin", "build", "guard", "--timeout", "1"]);
    let expected = format!("torana: guard/config.schema.json: warning: {warning}\n");
    assert!(output.stderr.starts_with(&expected), "{output:?}");
}

/// In a gateway it is a warning, but a limit that a test believes to have set is none.
#[test]
fn test_refuses_keys_that_nobody_knows() {
    let script = "### plugin\n{ \"limits\": { \"timeuot\": \"5ms\" } }\n### request\nGET /\n";
    let scratch = folder("header-edit", &[("requests/limit.http", script)]);
    let output = torana(&scratch, &["plugin", "test"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("limits/timeuot: unknown key `timeuot`"), "{output:?}");
    assert!(output.stdout.contains("did you mean `timeout`?"), "{output:?}");
}

const PASSES: &str = r#"The request gets a header, and the answer another.

### config
{ "request": { "set": { "x-set": "1" }, "remove": ["cookie"] }, "response": { "add": { "x-added": "2" } } }
### request
GET /users/1?a=b
cookie: secret
### backend response
200
content-type: application/json

{ "id": 1, "name": "Ann" }
### expect request
GET /users/1?a=b
x-set: 1
!cookie
### expect response
200
x-added: ...
!x-set

{ "name": "A...", "...": "" }
"#;

#[test]
fn test_passes_and_traces() {
    let scratch = folder("header-edit", &[("requests/01.http", PASSES)]);
    let output = torana(&scratch, &["plugin", "test"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    for part in [
        "requests/01.http",
        "1 passed, 0 failed",
        "on-request\n",
        r#"exchange.set-header(name = "x-set", value = "1") → ok"#,
        r#"exchange.add-header(name = "x-added", value = "2") → ok"#,
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    let output = torana(&scratch, &["plugin", "test", "--quiet", "."]);
    assert!(!output.stdout.contains("exchange."), "{}", output.stdout);
}

#[test]
fn test_shows_what_differs() {
    let fails = PASSES.replace("x-set: 1\n", "x-set: 2\n").replace("\"A...\"", "\"B...\"");
    let damaged = "### reqest\nGET /\n";
    let refused = "### config\n{ \"respones\": {} }\n### request\nGET /\n";
    let files = [
        ("requests/01.http", &*fails),
        ("requests/02.http", damaged),
        ("requests/03.http", refused),
    ];
    let scratch = folder("header-edit", &files);
    let output = torana(&scratch, &["plugin", "test", "-q"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    for part in [
        "- x-set: 2",
        "+ x-set: 1",
        "- { \"name\": \"B...\"",
        "line 1: there is no section `reqest`, did you mean `request`?",
        "knows no key `respones` here (did you mean `response`?)",
        "0 passed, 3 failed",
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    let both = ["plugin", "test", "plugin.wasm", "requests/none.http", "requests/01.http"];
    let output = torana(&scratch, &both);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stdout.contains("requests/none.http\n     cannot read it: "), "{output:?}");
    let output = torana(&Scratch::new(), &["plugin", "test"]);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stderr.contains("torana plugin build"), "{output:?}");
}

#[test]
fn test_shows_traps_with_their_place_and_expects_them() {
    let trap =
        "### request\nGET /\nx-trap: 1\n### expect error\nasked for it\n### expect no request\n";
    let scratch = folder("test-trap", &[("requests/trap.http", trap)]);
    let output = torana(&scratch, &["plugin", "test"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains("at test_trap::check <- "), "{}", output.stdout);
}

#[test]
fn test_answers_early() {
    let early = "### config\n{\"status\": 403, \"body\": \"no\"}\n### request\nGET /\n### expect response\n403\n\nno\n### expect no request\n";
    let scratch = folder("early-answer", &[("requests/early.http", early)]);
    let output = torana(&scratch, &["plugin", "test"]);
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn run_runs_one_hook() {
    let files =
        [("req.http", "GET /a?b=c\nx-b: 1\n"), ("answer.http", "HTTP/1.1 201 Created\n\nhi\n")];
    let scratch = folder("header-edit", &files);
    let config = r#"{"request": {"set": {"x-a": "1"}}, "response": {"set": {"x-c": "2"}}}"#;
    let run = |hook: &str, http: &str, config: &str| {
        let arguments =
            ["plugin", "run", "plugin.wasm", "--hook", hook, "--http", http, "--config", config];
        torana(&scratch, &arguments)
    };
    let output = run("on-request", "req.http", config);
    assert_eq!(
        (output.code, &*output.stdout),
        (Some(0), "GET /a?b=c\nx-b: 1\nx-a: 1\n"),
        "{output:?}"
    );
    assert!(output.stderr.contains("exchange.set-header"), "{}", output.stderr);
    let output = run("on-response", "answer.http", config);
    assert_eq!(output.stdout, "HTTP/1.1 201 Created\nx-c: 2\n\nhi\n", "{output:?}");
    assert_eq!(run("handle", "req.http", config).code, Some(1));
    assert_eq!(run("on-request", "nowhere.http", config).code, Some(3));
    assert_eq!(run("on-request", "req.http", "{").code, Some(2));
}

/// As with `ulimit -v`, or on processors that address little: memories of 4 GiB each do not fit, nor does a pool at all.
#[test]
fn plugins_run_in_a_small_address_space() {
    let scratch = folder("header-edit", &[("req.http", "GET /\n")]);
    let config = r#"{"request": {"set": {"x-a": "1"}}}"#;
    let arguments = ["plugin", "run", "plugin.wasm", "--http", "req.http", "--config", config];
    let arguments = [&arguments[..], &["--hook", "on-request"]].concat();
    for gibibytes in [1 << 10, 8] {
        let cache = scratch.path().join(format!("cache-{gibibytes}"));
        let environment = [("TORANA_CACHE_DIR", path(&cache))];
        let output = command::run_within(gibibytes << 20, &arguments, scratch.path(), &environment);
        assert_eq!((output.code, &*output.stdout), (Some(0), "GET /\nx-a: 1\n"), "{output:?}");
    }
}

#[test]
fn check_reports_schema_violations_with_their_place() {
    let gateway = r#"{
  "version": 3,
  "extra_config": { "plugin/wasm": [{
    "name": "edit",
    "source": "plugin.wasm",
    "config": {
      "request": { "sett": { "x-a": "1" } },
      "response": { "remove": [5] }
    }
  }] },
  "endpoints": []
}
"#;
    let scratch = folder("header-edit", &[("gateway.json", gateway)]);
    let output = torana(&scratch, &["check", "-c", "gateway.json", "--format", "json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let json: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let places = |found: &Value| {
        (found["code"].clone(), found["span"]["line"].clone(), found["help"].clone())
    };
    let mut found: Vec<_> =
        json["diagnostics"].as_array().expect("findings").iter().map(places).collect();
    found.sort_by_key(|(_, line, _)| line.as_u64());
    let code = Value::from("plugin-schema");
    assert_eq!(
        found,
        [
            (code.clone(), Value::from(7), Value::from("did you mean `set`?")),
            (code, Value::from(8), Value::Null),
        ]
    );
}

/// A script with an ordinary message: a request that names its tenant.
const ORDINARY: &str =
    "### request\nGET /\nx-tenant: acme\n### backend response\n200\n\n{\"id\": 1}\n";

#[test]
fn conformance_names_what_a_plugin_does_not_stand() {
    let scratch = folder("test-naive", &[("requests/01.http", ORDINARY)]);
    let output = torana(&scratch, &["plugin", "conformance"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    for part in [
        "ok   HEAD\n",
        "FAIL no header fields at all\n     plugin `plugin`, on-request: it trapped: thread '<unnamed>' (1) panicked at",
        "\n     a tenant\n",
        "FAIL an empty value in each header field\n",
        "FAIL an empty object\n     plugin `plugin`, on-response: ",
        "ok   memory: ",
    ] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    let passed = output.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    let failed = output.stdout.lines().filter(|line| line.starts_with("FAIL")).count();
    assert!(output.stdout.ends_with(&format!("{passed} passed, {failed} failed\n")));
}

const ASKS: &str = "### config\n{\"urls\": [\"http://other/a\"]}\n### request\nGET /\n### http GET http://other/a\n200\n";

#[test]
fn conformance_of_a_plugin_that_stands_everything() {
    for (plugin, script) in [
        ("header-edit", PASSES),
        // One that waits for others.
        ("test-ask", ASKS),
        ("test-function", "### request\nGET /\n"),
    ] {
        let scratch = folder(plugin, &[("requests/01.http", script)]);
        let output = torana(&scratch, &["plugin", "conformance", "plugin.wasm"]);
        assert_eq!(output.code, Some(0), "{plugin}: {output:?}");
        assert!(output.stdout.ends_with(" passed, 0 failed\n"), "{plugin}: {output:?}");
    }
}

/// Ordinary messages get a body where a plugin has hooks for bodies; one that fails is a finding among others.
#[test]
fn conformance_tries_hooks_for_bodies() {
    let script = "### config\n{\"trap_at\": 3}\n### request\nGET /\n";
    let scratch = folder("test-stream", &[("requests/01.http", script)]);
    let output = torana(&scratch, &["plugin", "conformance"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("FAIL an ordinary message, call 1\n"), "{output:?}");
    assert!(output.stdout.ends_with(" failed\n"), "{output:?}");
}

#[test]
fn conformance_needs_an_ordinary_message() {
    let scratch = folder("test-panic-sometimes", &[]);
    let output = torana(&scratch, &["plugin", "conformance"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("FAIL an ordinary message, call 100\n"), "{output:?}");
    let scratch = folder("header-edit", &[("broken.http", "### config\n{\n")]);
    for (arguments, code, part) in [
        (&["plugin", "conformance"][..], 1, "name a request file that has the plugin's config"),
        (&["plugin", "conformance", ".", "broken.http"], 1, "broken.http: line "),
        (&["plugin", "conformance", ".", "none.http"], 3, "none.http: cannot read it"),
    ] {
        let output = torana(&scratch, arguments);
        assert_eq!(output.code, Some(code), "{output:?}");
        assert!(output.stderr.contains(part), "{part}: {output:?}");
    }
}
