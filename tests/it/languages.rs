//! New projects in Go, JavaScript, Python and C: built with their own tool chains and run in a gateway. A language whose
//! tool chain cannot be installed here is skipped, and says so in a line that begins with `SKIPPED`.

mod asking;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use torana_tests::{
    command,
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Gate, Upstream},
};
use torana_toolchain::{Error, Options, build, create};

use self::asking::{Asking, upstream};

#[test]
fn go() {
    Example { language: "go", probe: ("probe.go", include_str!("languages/probe.go")) }.test();
}

#[test]
fn javascript() {
    Example { language: "js", probe: ("plugin.js", include_str!("languages/probe.js")) }.test();
}

#[test]
fn python() {
    Example { language: "python", probe: ("plugin.py", include_str!("languages/probe.py")) }.test();
}

#[test]
fn c() {
    Example { language: "c", probe: ("plugin.c", include_str!("languages/probe.c")) }.test();
}

/// Clang has other files than Zig; Debian's stand as in a WASI SDK.
#[test]
fn c_without_zig() {
    let project = Scratch::new();
    let torana = |arguments: &[&str]| {
        let output = command::run(arguments, project.path(), &[("WASI_SDK_PATH", "/usr")]);
        (output.code, output.stdout + &output.stderr)
    };
    assert_eq!(torana(&["plugin", "new", "guard", "--lang", "c"]).0, Some(0));
    let (code, said) = torana(&["plugin", "build", "guard"]);
    if said.contains("a C compiler for WebAssembly is missing") {
        return eprintln!("SKIPPED clang for WebAssembly: {said}");
    }
    assert!(code == Some(0) && said.contains("/usr/bin/clang"), "{said}");
    let (code, said) = torana(&["plugin", "test", "guard"]);
    assert!(code == Some(0) && said.contains("2 passed"), "{said}");
}

/// The examples are what `torana plugin new` writes, so that both are tested and neither grows old.
#[test]
fn examples_are_what_new_writes() {
    for language in ["js", "python", "c"] {
        let made = Scratch::new();
        let name = format!("example-{language}");
        create(&name, language, &made.path().join(&name)).unwrap();
        let example = example(language);
        let mut files = 0;
        for entry in fs::read_dir(made.path().join(&name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let ours = example.join(path.file_name().unwrap());
            let text =
                fs::read_to_string(&ours).unwrap_or_else(|e| panic!("{}: {e}", ours.display()));
            assert_eq!(text, fs::read_to_string(&path).unwrap(), "{}", ours.display());
            files += 1;
        }
        assert!(files >= 5, "{language}: {files} files");
    }
}

/// What the C SDK reads of a configuration may be anything.
#[test]
fn the_json_reader_of_the_c_sdk() {
    run_here("json_test.c");
}

/// The small gateway that plugins in C are tested with.
#[test]
fn the_small_gateway_of_the_c_sdk() {
    run_here("double_test.c");
}

#[test]
fn the_decoded_data_of_the_c_sdk() {
    run_here("data_test.c");
}

/// The small gateway that plugins in JavaScript are tested with.
#[test]
fn the_small_gateway_of_the_javascript_sdk() {
    Double {
        language: "js",
        plugin: ("plugin.js", include_str!("languages/double.js")),
        test: ("plugin.test.js", include_str!("languages/double.test.js")),
        command: &["node", "--test"],
    }
    .test();
}

/// The small gateway that plugins in Python are tested with.
#[test]
fn the_small_gateway_of_the_python_sdk() {
    Double {
        language: "python",
        plugin: ("plugin.py", include_str!("languages/double.py")),
        test: ("test_plugin.py", include_str!("languages/double_test.py")),
        command: &["python3", "-B", "-m", "unittest"],
    }
    .test();
}

/// A new project whose plugin and test are other ones, run by what runs a project's tests.
struct Double {
    language: &'static str,
    plugin: (&'static str, &'static str),
    test: (&'static str, &'static str),
    command: &'static [&'static str],
}

impl Double {
    fn test(&self) {
        let project = Scratch::new();
        let folder = project.path().join("double");
        create("double", self.language, &folder).unwrap();
        for (file, text) in [self.plugin, self.test] {
            assert!(folder.join(file).exists(), "{file} is a file of the project");
            fs::write(folder.join(file), text).unwrap();
        }
        let mut command = Command::new(self.command[0]);
        match command.args(&self.command[1..]).current_dir(&folder).output() {
            Ok(output) => assert!(output.status.success(), "{output:#?}"),
            Err(error) => eprintln!("SKIPPED {}: {error}", self.language),
        }
    }
}

/// Runs a test of the C SDK on this machine, compiled with checks where the compiler has them.
fn run_here(test: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sdk = root.join("../plugin-sdk/c");
    let scratch = Scratch::new();
    let program = scratch.path().join("test");
    let compile = |more: &[&str]| {
        let mut cc = Command::new("cc");
        cc.arg("-I").arg(&sdk).args(more).arg("-o").arg(&program);
        cc.arg(root.join("it/languages").join(test));
        let parts = ["", "services_", "data_", "json_", "path_"];
        cc.arg(sdk.join("text.c")).args(parts.map(|part| sdk.join(format!("{part}testing.c"))));
        cc.status()
    };
    let compiled = match compile(&["-fsanitize=address,undefined"]) {
        Ok(status) if !status.success() => compile(&[]),
        first => first,
    };
    match compiled {
        Ok(status) => assert!(status.success(), "it does not compile: {status}"),
        Err(error) => return eprintln!("SKIPPED {test}: cc: {error}"),
    }
    let status = Command::new(&program).status().unwrap();
    assert!(status.success(), "{status}");
}

fn example(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/example-{language}"))
}

/// What `torana plugin new` writes, and hooks of backends that are added to it: they do wrong what the header `x-fault`
/// says, and ask the gateway for what the header `x-do` says.
struct Example {
    language: &'static str,
    /// A file of the project, and what stands at its end.
    probe: (&'static str, &'static str),
}

impl Example {
    fn test(&self) {
        let Some(component) = self.build() else { return };
        let slow = Gate::new();
        let upstream = upstream(&slow);
        let gateway =
            Gateway::builder().environment("PROBE", "here").start(config(&upstream, &component));
        self.guards(&upstream, &gateway);
        self.faults_cost_one_request(&upstream, &gateway);
        Asking { language: self.language, upstream: &upstream, gateway: &gateway, slow: &slow }
            .test();
        self.refuses_a_configuration(&upstream, &component);
    }

    fn guards(&self, upstream: &Upstream, gateway: &Gateway) {
        let mut client = gateway.connect();
        for (headers, text) in [
            (&[][..], "which tenant?"),
            (&[("X-Tenant", "other")], "this tenant is not known"),
            (&[("X-Tenant", "\u{fffd}")], "this tenant is not known"),
        ] {
            let answer = client.request("GET", "/a", headers, "");
            assert_eq!((answer.status, answer.text().as_str()), (403, text), "{}", self.language);
            assert!(answer.header("content-type").starts_with("text/plain"), "{}", self.language);
        }
        assert!(upstream.requests().is_empty(), "{}", self.language);
        // More calls than one instance serves.
        for _ in 0..1_100 {
            assert_eq!(client.request("GET", "/a", &[("X-Tenant", " ACME ")], "").status, 200);
        }
        let requests = upstream.requests();
        assert_eq!(requests.len(), 1_100, "{}", self.language);
        assert!(requests.iter().all(|request| request.values("x-tenant") == ["acme"]));
    }

    fn faults_cost_one_request(&self, upstream: &Upstream, gateway: &Gateway) {
        let mut client = gateway.connect();
        for fault in ["throw", "name", "text", "status", "type"] {
            let headers = [("X-Tenant", "acme"), ("X-Fault", fault)];
            let seen = upstream.requests().len();
            assert_eq!(
                client.request("GET", "/a", &headers, "").status,
                500,
                "{} {fault}",
                self.language
            );
            assert_eq!(upstream.requests().len(), seen, "{} {fault}", self.language);
            assert_eq!(
                client.request("GET", "/pass", &headers, "").status,
                200,
                "{} {fault}",
                self.language
            );
            assert_eq!(client.request("GET", "/a", &headers[..1], "").status, 200);
        }
        let headers = [("X-Tenant", "acme"), ("X-Fault", "caught")];
        assert_eq!(client.request("GET", "/a", &headers, "").status, 200);
        let requests = upstream.requests();
        let caught = requests.last().unwrap().values("x-caught");
        assert!(caught[0].contains("content-length"), "{}: {caught:?}", self.language);
        let headers = [("X-Tenant", "acme"), ("X-Fault", "time")];
        let answer = client.request("GET", "/a", &headers, "");
        assert!(answer.text().contains(r#""year":20"#), "{}: {}", self.language, answer.text());
    }

    fn refuses_a_configuration(&self, upstream: &Upstream, component: &Path) {
        let config = config(upstream, component).replace("x-tenant", "").replace("header", "other");
        let error = Gateway::builder().try_start(config).err().expect("it is refused").to_string();
        assert!(error.contains("gateway.json:"), "{}: {error}", self.language);
    }

    /// The component, or nothing where a tool is missing. The project stays in the target directory, with what its tool
    /// chain has downloaded.
    fn build(&self) -> Option<PathBuf> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
        let folder = target.join("plugins").join(format!("example-{}", self.language));
        fs::create_dir_all(&folder).unwrap();
        for old in ["sdk", "torana", "torana_testing", "wit"] {
            // They may not be there: they are of an earlier run.
            let _ = fs::remove_dir_all(folder.join(old));
        }
        let made = Scratch::new();
        let name = format!("example-{}", self.language);
        create(&name, self.language, &made.path().join(&name)).unwrap();
        copy(&made.path().join(&name), &folder);
        let (file, probe) = self.probe;
        // In Go it is a file of its own.
        let text = fs::read_to_string(made.path().join(&name).join(file)).unwrap_or_default();
        fs::write(folder.join(file), format!("{text}{probe}")).unwrap();
        let options =
            Options { folder, output: None, language: None, time_limit: Duration::from_secs(600) };
        match build(&options, &mut |line| eprintln!("> {line}")) {
            Ok(built) => Some(built.file),
            Err(error @ Error::Tools(_)) => {
                eprintln!("SKIPPED {}: {error}", self.language);
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, copied).unwrap();
        }
    }
}

/// The plugin at an endpoint, and at the backends of `/a` and `/pass`: there it fails the request or is skipped.
fn config(upstream: &Upstream, component: &Path) -> String {
    let section = |on_error: &str| {
        format!(
            r#""extra_config": {{ "plugin/wasm": [{{ "name": "guard", "source": "{}", "on_error": "{on_error}",
                "grants": {{ "log": true, "http": ["http://{host}", "http://127.0.0.1:1"], "metrics": true,
                    "env": ["PROBE"], "kv": {{ "store": "probe", "entries": 3 }} }},
                "limits": {{ "timeout": "1s", "calls": 3 }},
                "config": {{ "header": "x-tenant", "tenants": ["acme"] }} }}] }}"#,
            component.display(),
            host = upstream.address()
        )
    };
    let endpoint = |path: &str, on_error: &str| {
        format!(
            r#"{{ "endpoint": "{path}", "input_headers": ["*"], {},
                 "backend": [{{ "url_pattern": "/b", {} }}] }}"#,
            section("fail"),
            section(on_error)
        )
    };
    format!(
        r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [{}, {}] }}"#,
        upstream.address(),
        endpoint("/a", "fail"),
        endpoint("/pass", "pass")
    )
}
