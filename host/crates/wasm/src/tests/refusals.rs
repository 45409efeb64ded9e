//! Configurations that cannot run are refused with the place and the reason.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use torana_config::{Diagnostic, Part, Severity};
use torana_core::Resources;

use super::{At, build, gateway, plugin, refusal, shared::logged};
use crate::{
    cache::Cache, component::Loaded, digest::Digest, engine::Engine, factory, source::Source,
};

/// A plugin whose file has these bytes.
fn file(bytes: &[u8]) -> (TempDir, Value) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("plugin.wasm");
    fs::write(&path, bytes).unwrap();
    (directory, json!([{"name": "p", "source": path}]))
}

/// Where a finding is, in the array of plugins.
fn place(finding: &Diagnostic) -> &str {
    finding.at.as_str().split_once("plugin~1wasm").expect("a place in the plugins").1
}

fn component(text: &str) -> (TempDir, Value) {
    file(&wat::parse_str(text).unwrap())
}

#[test]
fn files_that_are_no_plugins() {
    let core = [b'\0', b'a', b's', b'm', 1, 0, 0, 0];
    let damaged = [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, 99];
    for (bytes, expected) in [
        (&b"#!/bin/sh"[..], "it is not WebAssembly"),
        (&[], "it is not WebAssembly"),
        (&core, "it is a core WebAssembly module"),
        (&damaged, "it is not a valid component"),
    ] {
        let (_directory, plugins) = file(bytes);
        let found = refusal(At::Endpoint, plugins);
        assert_eq!((found.code, place(&found)), ("plugin-component", "/0/source"));
        assert!(found.message.contains(expected), "{}", found.message);
        assert!(found.help.is_some());
    }
}

#[test]
fn a_missing_file() {
    let found = refusal(At::Service, json!([{"name": "p", "source": "/nowhere.wasm"}]));
    assert_eq!((found.code, place(&found)), ("plugin-source", "/0/source"));
    let found = refusal(At::Service, json!([{"name": "p", "source": "oci://a/b:1"}]));
    assert!(found.message.contains("only files are loaded"), "{}", found.message);
}

#[test]
fn imports_that_are_not_offered_are_named() {
    let (_directory, plugins) = component(
        r#"(component
            (import "wasi:sockets/tcp@0.2.0" (instance))
            (import "torana:plugin/teleport@0.1.0" (instance))
            (import "torana:plugin/config@0.1.0" (instance)))"#,
    );
    let found = refusal(At::Endpoint, plugins);
    assert_eq!(found.code, "plugin-import");
    assert!(
        found.message.contains("`wasi:sockets/tcp@0.2.0`, `torana:plugin/teleport@0.1.0`"),
        "{}",
        found.message
    );
    assert!(!found.message.contains("config@0.1.0"));
}

#[test]
fn the_wrong_world() {
    let (_directory, plugins) = component("(component)");
    assert!(refusal(At::Endpoint, plugins).message.contains("it exports no hook"));
    let (_directory, plugins) = component(
        r#"(component
            (instance $i)
            (export "torana:plugin/on-request@0.7.0" (instance $i)))"#,
    );
    let found = refusal(At::Endpoint, plugins);
    assert!(
        found
            .message
            .contains("built for torana:plugin@0.7.0, this gateway runs torana:plugin@0.1."),
        "{}",
        found.message
    );
}

#[test]
fn functions_of_the_wrong_type() {
    let (_directory, plugins) = component(
        r#"(component
            (core module $m (func (export "f") (result i32) (i32.const 0)))
            (core instance $c (instantiate $m))
            (func $f (result u32) (canon lift (core func $c "f")))
            (instance $i (export "handle" (func $f)))
            (export "torana:plugin/on-request@0.1.0" (instance $i)))"#,
    );
    let found = refusal(At::Endpoint, plugins);
    assert_eq!(found.code, "plugin-component");
    assert!(found.message.contains("on-request: "), "{}", found.message);
}

#[test]
fn another_digest() {
    let pinned = |sha256: String| {
        let more = json!({"sha256": sha256, "config": {"response": {}}});
        json!([plugin("header-edit", more)])
    };
    let found = refusal(At::Endpoint, pinned("00".repeat(32)));
    assert_eq!((found.code, place(&found)), ("plugin-digest", "/0/sha256"));
    let digest = Digest::of(&fs::read(torana_plugins_build::plugin("header-edit")).unwrap());
    assert!(found.message.contains(&digest.to_string()));
    build(At::Endpoint, pinned(digest.to_string().to_uppercase()), &Resources::default())
        .expect("the right digest");
}

#[test]
fn a_capability_that_is_not_granted() {
    let found = refusal(At::Endpoint, json!([plugin("test-probe", json!({}))]));
    assert_eq!((found.code, place(&found)), ("plugin-grant", "/0"));
    assert_eq!(found.message, "`test-probe` asks for `log`, which is not granted");
    assert_eq!(found.help.as_deref(), Some(r#"add `"grants": {"log": true}`"#));
    let some = json!({"grants": {"metrics": true}});
    let found = refusal(At::Endpoint, json!([plugin("test-state", some)]));
    assert_eq!(found.message, "`test-state` asks for `kv`, which is not granted");
    assert_eq!(found.help.as_deref(), Some(r#"add `"grants": {"kv": "STORE"}`"#));
}

#[test]
fn a_wrong_grant_is_not_a_missing_one_too() {
    for (name, grants, at) in [
        ("test-state", json!({"kv": "a b", "metrics": true}), "/0/grants/kv"),
        ("test-ask", json!({"http": ["auth.internal"]}), "/0/grants/http/0"),
        ("test-state", json!("all"), "/0/grants"),
    ] {
        let found = refusal(At::Endpoint, json!([plugin(name, json!({ "grants": grants }))]));
        assert_eq!(place(&found), at, "{found:?}");
    }
}

#[test]
fn names_files_and_pins_are_texts() {
    for key in ["name", "source", "sha256"] {
        for value in [json!(5), json!(true), json!("")] {
            let mut attached = plugin("header-edit", json!({"config": {"response": {}}}));
            attached[key] = value;
            let found = refusal(At::Endpoint, json!([attached]));
            assert_eq!((found.code, place(&found)), ("wrong-type", &*format!("/0/{key}")));
            assert!(found.message.contains("expected a string"), "{}", found.message);
        }
    }
}

#[test]
fn bodies_that_do_not_fit_into_the_memory() {
    let limits = json!({"memory": "16MiB", "body": {"request": "64KB", "response": "20MB"}});
    let more = json!({"config": {"response": {}}, "limits": limits});
    let found = refusal(At::Endpoint, json!([plugin("header-edit", more)]));
    assert_eq!((found.code, place(&found)), ("plugin-memory", "/0/limits/body"));
    assert_eq!(found.severity, Severity::Warning);
}

#[test]
fn a_grant_that_nobody_asks_for() {
    let more = json!({"grants": {"metrics": true, "log": true}, "config": {"response": {}}});
    let found = refusal(At::Endpoint, json!([plugin("header-edit", more)]));
    assert_eq!((found.code, place(&found)), ("plugin-grant-unused", "/0/grants/metrics"));
    assert_eq!(found.severity, Severity::Warning);
    assert_eq!(found.message, "`header-edit` is granted `metrics`, which it does not ask for");
}

#[test]
fn a_grant_that_does_not_exist() {
    let more = json!({"grants": {"loging": true}, "config": {"response": {}}});
    let found = refusal(At::Endpoint, json!([plugin("header-edit", more)]));
    assert_eq!((found.code, place(&found)), ("plugin-grant", "/0/grants/loging"));
}

#[test]
fn a_configuration_that_the_plugin_refuses() {
    // One without a schema, which would find it first.
    let bad = json!({"config": {"statsu": 403}, "grants": {"log": true}});
    let bad = json!([plugin("test-probe", bad)]);
    let found = refusal(At::Endpoint, bad);
    assert_eq!((found.code, place(&found)), ("plugin-config", "/0/config"));
    assert!(found.message.contains("unknown field `statsu`"), "{}", found.message);
}

#[test]
fn a_configuration_that_the_schema_refuses() {
    let refused = |config: Value| {
        let plugins = json!([plugin("header-edit", json!({ "config": config }))]);
        build(At::Endpoint, plugins, &Resources::default()).err().expect("refused")
    };
    let found = refused(json!({"respones": {}, "request": {"remove": ["a", 5]}}));
    let mut places: Vec<_> = found.iter().map(|f| (f.code, place(f), f.part)).collect();
    places.sort_by_key(|(_, place, _)| *place);
    assert_eq!(
        places,
        [
            ("plugin-schema", "/0/config/request/remove/1", Part::Value),
            ("plugin-schema", "/0/config/respones", Part::Key),
        ]
    );
    assert!(found.iter().any(|f| f.help.as_deref() == Some("did you mean `response`?")));
    let plugins = json!([plugin("header-edit", json!({}))]);
    let found = refusal(At::Endpoint, plugins);
    assert_eq!((found.code, place(&found)), ("plugin-schema", "/0"));
}

#[test]
fn a_damaged_schema_is_an_error_of_the_component() {
    let (_directory, plugins) = component(
        r#"(component
            (core module (@custom "torana:config-schema" "{\"type\": 5}"))
            (instance $i)
            (export "torana:plugin/on-request@0.1.0" (instance $i)))"#,
    );
    let found = refusal(At::Endpoint, plugins);
    assert_eq!((found.code, place(&found)), ("plugin-component", "/0/source"));
    assert!(found.message.contains("its config schema is not valid"), "{}", found.message);
}

#[test]
fn a_component_of_a_newer_world() {
    let exchange = |functions: &str, version: &str| {
        component(&format!(
            r#"(component
                (import "torana:plugin/exchange@{version}" (instance {functions})))"#
        ))
    };
    let newer = r#"(export "request-id" (func (result u64))) (export "teleport" (func))"#;
    let (_directory, plugins) = exchange(newer, "0.1.9");
    let found = refusal(At::Endpoint, plugins);
    assert_eq!(found.code, "plugin-import");
    let expected = "it imports `torana:plugin/exchange@0.1.9` function `teleport`, which this gateway \
                    (torana:plugin@0.1.1) does not offer: it needs a newer gateway";
    assert!(found.message.ends_with(expected), "{}", found.message);
    assert!(found.help.is_some_and(|help| help.starts_with("use a newer gateway")));

    for version in ["0.2.0", "1.0.0"] {
        let (_directory, plugins) = exchange("", version);
        let found = refusal(At::Endpoint, plugins);
        assert_eq!(found.code, "plugin-component");
        let expected = format!("built for torana:plugin@{version}, this gateway runs");
        assert!(found.message.contains(&expected), "{}", found.message);
    }
    let (_directory, plugins) = component(
        r#"(component
        (import "torana:plugin/teleport@0.1.9" (instance)))"#,
    );
    let found = refusal(At::Endpoint, plugins);
    let expected = "`torana:plugin/teleport@0.1.9`, which this gateway (torana:plugin@0.1.1) does not offer: it needs a newer gateway";
    assert!(found.message.contains(expected), "{}", found.message);
}

#[test]
fn an_import_of_another_type() {
    let (_directory, plugins) = component(
        r#"(component
            (import "torana:plugin/exchange@0.1.0" (instance
                (export "request-id" (func (result string)))))
            (instance $i)
            (export "torana:plugin/on-request@0.1.0" (instance $i)))"#,
    );
    let found = refusal(At::Endpoint, plugins);
    assert_eq!(found.code, "plugin-component");
    assert!(found.message.contains("request-id"), "{}", found.message);
}

/// A plugin that does nothing, with more in it.
fn hook_with(inside: &str) -> (TempDir, Value) {
    component(&format!(
        r#"(component {inside}
            (core module $m
                (memory (export "memory") 1)
                (func (export "f") (result i32) (i32.const 0)))
            (core instance $c (instantiate $m))
            (func $f (result (result (error string)))
                (canon lift (core func $c "f") (memory (core memory $c "memory"))))
            (instance $i (export "handle" (func $f)))
            (export "torana:plugin/on-response@0.1.0" (instance $i)))"#
    ))
}

#[test]
fn more_memory_than_the_limit_is_found_before_the_start() {
    let (_directory, mut plugins) =
        hook_with("(core module $big (memory 300)) (core instance (instantiate $big))");
    let found = refusal(At::Endpoint, plugins.clone());
    assert_eq!((found.code, place(&found)), ("plugin-limit", "/0/limits/memory"));
    assert!(found.message.contains("starts with 19 MiB"), "{}", found.message);
    assert!(found.help.is_some_and(|help| help.contains("`19MiB`")));
    plugins[0]["limits"] = json!({"memory": "19MiB"});
    build(At::Endpoint, plugins, &Resources::default()).expect("enough memory");

    let (_directory, plugins) =
        hook_with("(core module $big (memory 3000)) (core instance (instantiate $big))");
    let found = refusal(At::Endpoint, plugins);
    assert_eq!(found.code, "plugin-component");
    assert!(found.message.contains("starts with 188 MiB of memory"), "{}", found.message);
}

#[test]
fn more_parts_than_any_plugin_may_have() {
    let many = |part: &str, count: usize| {
        format!("(core module $p {part}) {}", "(core instance (instantiate $p))".repeat(count))
    };
    for (inside, what) in [
        (many("", 100), "core module instances"),
        (many("(table 1 funcref) (table 1 funcref) (table 1 funcref)", 30), "tables"),
        (many("(memory 0)", 10), "memories"),
        (many("(table 100000 funcref)", 1), "table"),
    ] {
        let (_directory, plugins) = hook_with(&inside);
        let found = refusal(At::Endpoint, plugins);
        assert_eq!(found.code, "plugin-component");
        assert!(found.message.contains("it is too large to run here"), "{}", found.message);
        assert!(found.message.contains(what), "{}", found.message);
    }
}

#[test]
fn hooks_that_do_not_fit() {
    let hooks =
        |hook: &str| json!([plugin("early-answer", json!({"config": {}, "hooks": [hook]}))]);
    let found = refusal(At::Endpoint, hooks("on-backend-request"));
    assert_eq!((found.code, place(&found)), ("plugin-hook", "/0/hooks/0"));
    // One finding each.
    let found = refusal(At::Endpoint, hooks("on-answer"));
    assert_eq!((found.code, place(&found)), ("unknown-word", "/0/hooks/0"));
    let none = json!([plugin("early-answer", json!({"config": {}, "hooks": []}))]);
    let found = refusal(At::Endpoint, none);
    assert_eq!((found.code, place(&found)), ("plugin-hook", "/0/hooks"));
    assert!(found.message.contains("no hook would be called"), "{}", found.message);
    let found = refusal(At::Endpoint, hooks("on-response"));
    assert!(found.message.contains("does not export the hook `on-response`"), "{}", found.message);
    let found = refusal(At::Backend, json!([plugin("test-trap", json!({}))]));
    assert!(found.message.ends_with("it exports on-request"), "{}", found.message);
}

#[test]
fn limits_out_of_range() {
    for (key, value) in [("timeout", "0s"), ("timeout", "2m"), ("memory", "1"), ("memory", "4GiB")]
    {
        let more = json!({"config": {"response": {}}, "limits": {key: value}});
        let found = refusal(At::Endpoint, json!([plugin("header-edit", more)]));
        assert_eq!(found.code, "plugin-limit");
        assert_eq!(place(&found), format!("/0/limits/{key}"));
    }
    let limits = json!({"timeout": "0s", "memory": "1", "instances": 0, "queue": 10_001});
    let more = json!({"config": {"response": {}}, "limits": limits});
    let plugins = json!([plugin("header-edit", more)]);
    let found = build(At::Endpoint, plugins, &Resources::default()).err().expect("all wrong");
    let places: Vec<_> = found.iter().map(place).collect();
    let keys = ["timeout", "memory", "instances", "queue"];
    assert_eq!(places, keys.map(|key| format!("/0/limits/{key}")));
}

#[test]
fn every_wrong_plugin_is_reported() {
    let plugins = json!([{"name": "a", "source": "/nowhere"}, {"source": "/nowhere"}, 5]);
    let found = build(At::Endpoint, plugins, &Resources::default()).err().expect("all wrong");
    let places: Vec<_> = found.iter().map(place).collect();
    assert_eq!(places, ["/0/source", "/1", "/2"]);
}

#[test]
fn compiled_code_is_kept_on_disk() {
    let bytes = fs::read(torana_plugins_build::plugin("test-trap")).unwrap();
    let directory = TempDir::new().unwrap();
    let load = || {
        // An engine of its own, as after a restart.
        let engine = std::sync::Arc::new(Engine::new().unwrap());
        let cache = Cache::at(directory.path().join("cache"));
        Loaded::load(engine, &cache, Digest::of(&bytes), &bytes).map(drop).unwrap();
    };
    let cached = |load: &dyn Fn()| logged(load).concat();
    assert!(cached(&load).contains("cached=false"));
    assert!(cached(&load).contains("cached=true"));
    // A damaged entry is compiled anew, and is whole again. What is damaged may well be native code.
    let entry = fs::read_dir(directory.path().join("cache")).unwrap().next().unwrap().unwrap();
    let whole = fs::read(entry.path()).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let (quarter, last) = (whole.len() / 4, whole.len() - 1);
    let flips = [0, quarter, 2 * quarter, 3 * quarter, last].map(flipped);
    let cuts = [vec![], b"damaged".to_vec(), whole[..quarter].to_vec(), whole[..last].to_vec()];
    for damaged in flips.into_iter().chain(cuts) {
        fs::write(entry.path(), damaged).unwrap();
        assert!(cached(&load).contains("cached=false"));
        assert!(cached(&load).contains("cached=true"));
    }
}

/// Two gateways in containers of their own have the same process number.
#[test]
fn gateways_that_share_a_cache_do_not_write_into_each_others_files() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("plugin.cwasm");
    let write = |byte: u8| {
        let cache = Cache::at(directory.path().to_owned());
        for _ in 0..100 {
            cache.keep(&file, &vec![byte; 1 << 20]);
            let found = fs::read(&file).unwrap();
            assert_eq!(found.len(), 1 << 20);
            assert!(found.iter().all(|other| *other == found[0]), "half a file");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(1));
        scope.spawn(|| write(2));
    });
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing stays beside it");
}

/// Until the file's last change is so long ago that its stamp counts.
fn settle(file: &Path) {
    while !Source::open(file).unwrap().stamp().is_reliable(SystemTime::now()) {
        std::thread::yield_now();
    }
}

#[test]
fn compiled_code_is_checked_again_when_its_file_has_changed() {
    let bytes = fs::read(torana_plugins_build::plugin("test-trap")).unwrap();
    let (directory, digest) = (TempDir::new().unwrap(), Digest::of(&bytes));
    let (engine, cache) = (Engine::new().unwrap(), Cache::at(directory.path().join("cache")));
    cache.load(engine.engine(), &digest, &bytes).unwrap();
    let entry = fs::read_dir(directory.path().join("cache")).unwrap().next().unwrap().unwrap();
    let load = |checked| cache.compiled(engine.engine(), &digest, checked);
    assert_eq!(load(None).unwrap().1, None, "what was written just now may be written again");
    settle(&entry.path());
    let (_, checked) = load(None).unwrap();
    assert!(checked.is_some() && load(checked).unwrap().1 == checked);
    let mut damaged = fs::read(entry.path()).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(entry.path(), damaged).unwrap();
    assert!(load(checked).is_none());
    settle(&entry.path());
    assert!(load(checked).is_none());
}

/// A file that was written long enough ago, and a gateway that starts with it: what it logs.
struct Starts {
    directory: TempDir,
    file: PathBuf,
}

impl Starts {
    fn with(name: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("plugin.wasm");
        fs::copy(torana_plugins_build::plugin(name), &file).unwrap();
        let starts = Self { directory, file };
        starts.settle();
        starts
    }

    fn settle(&self) {
        settle(&self.file);
    }

    fn log(&self, more: Value) -> String {
        let mut plugin = plugin("header-edit", more);
        plugin["source"] = json!(self.file);
        let cache = Cache::at(self.directory.path().join("cache"));
        let start = || {
            let resources = Resources::default();
            let built = super::with_cache(
                At::Endpoint,
                json!([plugin]),
                &resources,
                &cache,
                factory::build_all,
            );
            assert_eq!(built.map_err(|found| format!("{found:?}")).map(|built| built.len()), Ok(1));
        };
        logged(start).concat()
    }
}

#[test]
fn a_file_that_is_known_is_not_read_again() {
    let starts = Starts::with("header-edit");
    let config = || json!({"config": {"response": {"set": {"x": "1"}}}});
    assert!(starts.log(config()).contains("cached=false"));
    assert!(starts.log(config()).contains("that is known"));
    // A pin is about the bytes.
    let digest = Digest::of(&fs::read(&starts.file).unwrap()).to_string();
    let pinned = json!({"config": {"response": {"set": {"x": "1"}}}, "sha256": digest});
    assert!(starts.log(pinned).contains("cached=true"));
    // Neither damage nor loss of either part is more than a reason to look at the file.
    let damages: [fn(&Path); 2] =
        [|path| fs::write(path, "{").unwrap(), |path| fs::remove_file(path).unwrap()];
    for extension in ["json", "cwasm"] {
        for damage in damages {
            let cache = fs::read_dir(starts.directory.path().join("cache")).unwrap();
            let found = cache.map(|entry| entry.unwrap().path());
            found
                .filter(|path| path.extension().unwrap() == extension)
                .for_each(|path| damage(&path));
            assert!(starts.log(config()).contains("cached="), "{extension}");
            assert!(starts.log(config()).contains("that is known"), "{extension}");
        }
    }
    // Another file in its place.
    fs::copy(torana_plugins_build::plugin("test-trap"), &starts.file).unwrap();
    assert!(starts.log(json!({})).contains("cached=false"), "it has just been written");
    starts.settle();
    assert!(starts.log(json!({})).contains("cached=true"));
    assert!(starts.log(json!({})).contains("that is known"));
}

#[test]
fn a_cache_that_cannot_be_written_is_logged_once() {
    let starts = Starts::with("header-edit");
    let config = || json!({"config": {"response": {"set": {"x": "1"}}}});
    starts.log(config());
    // Permissions would not stop root.
    let entries = fs::read_dir(starts.directory.path().join("cache")).unwrap();
    let mut files = entries.map(|entry| entry.unwrap().path());
    let known = files.find(|path| path.extension().unwrap() == "json").unwrap();
    fs::remove_file(&known).unwrap();
    fs::create_dir(&known).unwrap();
    let line = "cannot keep what is known of plugins in";
    assert!(starts.log(config()).contains(line));
    let again = starts.log(config());
    assert!(again.contains("cached=true") && !again.contains(line), "{again}");
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;

    let bytes = fs::read(torana_plugins_build::plugin("test-trap")).unwrap();
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let engine = std::sync::Arc::new(Engine::new().unwrap());
    let cache = Cache::at(directory.path().to_owned());
    let log = logged(|| {
        Loaded::load(engine, &cache, Digest::of(&bytes), &bytes).map(drop).unwrap();
    });
    assert!(log[0].contains("mode 0700"), "{log:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn equal_plugins_survive_a_reload() {
    let resources = Resources::default();
    let edits = |value: &str| {
        let config = json!({"config": {"response": {"set": {"x": value}}}});
        json!([plugin("header-edit", config)])
    };
    let first = super::start(edits("1")[0].clone(), &resources);
    let again = super::start(edits("1")[0].clone(), &resources);
    let changed = super::start(edits("2")[0].clone(), &resources);
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    assert!(!std::sync::Arc::ptr_eq(&first, &changed));
}

#[test]
fn files_of_all_levels_are_watched() {
    let plugins = json!([{"source": "b.wasm"}, {"source": "a.wasm"}, {"source": "oci://x/y"}]);
    for at in [At::Service, At::Endpoint, At::Backend] {
        let files = crate::watched_files(&gateway::gateway(at, plugins.clone()));
        assert_eq!(files, [std::path::Path::new("a.wasm"), std::path::Path::new("b.wasm")]);
    }
}
