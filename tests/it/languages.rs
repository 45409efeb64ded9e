//! The examples in JavaScript, Python and C: built with their own tool chains and run in a gateway. A language whose tool
//! chain cannot be installed here is skipped, and says so in a line that begins with `SKIPPED`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use torana_tests::{
    gateway::Gateway,
    scratch::Scratch,
    upstream::{Reply, Script, Upstream},
};
use torana_toolchain::{Error, Options, build, create};

#[test]
fn javascript() {
    Example { language: "js", source: "plugin.js", faults: include_str!("languages/faults.js") }
        .test();
}

#[test]
fn python() {
    Example {
        language: "python",
        source: "plugin.py",
        faults: include_str!("languages/faults.py"),
    }
    .test();
}

#[test]
fn c() {
    Example { language: "c", source: "plugin.c", faults: include_str!("languages/faults.c") }
        .test();
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

/// What the C SDK reads of a configuration may be anything. Compiled with checks where the compiler has them.
#[test]
fn the_json_reader_of_the_c_sdk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sdk = root.join("../plugin-sdk/c");
    let scratch = Scratch::new();
    let program = scratch.path().join("json_test");
    let compile = |more: &[&str]| {
        let mut cc = Command::new("cc");
        cc.arg("-I").arg(&sdk).args(more).arg("-o").arg(&program);
        cc.args([root.join("it/languages/json_test.c"), sdk.join("text.c"), sdk.join("testing.c")]);
        cc.status()
    };
    let compiled = match compile(&["-fsanitize=address,undefined"]) {
        Ok(status) if !status.success() => compile(&[]),
        first => first,
    };
    match compiled {
        Ok(status) => assert!(status.success(), "it does not compile: {status}"),
        Err(error) => return eprintln!("SKIPPED the JSON reader of the C SDK: cc: {error}"),
    }
    let status = Command::new(&program).status().unwrap();
    assert!(status.success(), "{status}");
}

fn example(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/example-{language}"))
}

/// An example, and a hook `on-backend-request` that is added to it: it does wrong what the header `x-fault` says.
struct Example {
    language: &'static str,
    source: &'static str,
    faults: &'static str,
}

impl Example {
    fn test(&self) {
        let Some(component) = self.build() else { return };
        let upstream = Upstream::start(Script::new().on("*", "/b", Reply::json(r#"{"x":1}"#)));
        let gateway = Gateway::start(config(&upstream, &component));
        self.guards(&upstream, &gateway);
        self.faults_cost_one_request(&upstream, &gateway);
        self.uses_interfaces(&upstream, &gateway);
        self.refuses_a_configuration(&upstream, &component);
    }

    fn uses_interfaces(&self, upstream: &Upstream, gateway: &Gateway) {
        let url = format!("http://{}/b", upstream.address());
        let headers = [("X-Tenant", "acme"), ("X-Fault", "interfaces"), ("X-Url", &url)];
        let answer = gateway.connect().request("GET", "/a", &headers, "");
        let text = answer.text();
        assert_eq!(answer.status, 200, "{}: {text}", self.language);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["status"], &json["x"]), (&200.into(), &1.into()), "{text}");
        for key in ["denied", "refused"] {
            assert!(json[key].as_str().is_some_and(|why| why.contains("denied")), "{text}");
        }
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
            // It may not be there: this is the SDK of an earlier run.
            let _ = fs::remove_dir_all(folder.join(old));
        }
        for entry in fs::read_dir(example(self.language)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
        let source = folder.join(self.source);
        let text = fs::read_to_string(&source).unwrap();
        fs::write(&source, format!("{text}{}", self.faults)).unwrap();
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

/// The plugin at an endpoint, and at the backends of `/a` and `/pass`: there it fails the request or is skipped.
fn config(upstream: &Upstream, component: &Path) -> String {
    let section = |on_error: &str| {
        format!(
            r#""extra_config": {{ "plugin/wasm": [{{ "name": "guard", "source": "{}", "on_error": "{on_error}",
                "grants": {{ "log": true, "http": ["http://{host}"] }}, "limits": {{ "timeout": "1s" }},
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
