//! The conformance kit for hosts of plugins, run by this one: row 19 of the plugin platform's table.

use std::{fs, path::Path};

use torana_plugins_build::plugin;
use torana_tests::{command, scratch::Scratch};

/// Runs the cases of a folder, and gives back how many of them there are.
fn conforms(cases: &str, component: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(cases);
    let entries = fs::read_dir(&folder).expect("a folder with cases");
    let mut files: Vec<_> =
        entries.map(|entry| entry.expect("a case").path().display().to_string()).collect();
    files.sort();
    let component = plugin(component).display().to_string();
    let mut arguments = vec!["plugin", "test", "--quiet", &component];
    arguments.extend(files.iter().map(String::as_str));
    let scratch = Scratch::new();
    let cache = scratch.path().join("cache").display().to_string();
    let output = command::run(&arguments, scratch.path(), &[("TORANA_CACHE_DIR", &cache)]);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    files.len()
}

#[test]
fn this_gateway_conforms() {
    for (cases, component, least) in [
        ("calls", "test-calls", 50),
        ("function", "test-function", 5),
        ("stream", "test-stream", 3),
    ] {
        assert!(conforms(cases, component) >= least, "{cases}");
    }
}

/// Each function of each interface is in some case.
#[test]
fn every_function_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| fs::read_to_string(path).expect("a text");
    let entries = fs::read_dir(root.join("conformance/calls")).expect("a folder with cases");
    let cases: String = entries.map(|entry| read(&entry.expect("a case").path())).collect();
    let interfaces = [
        "exchange", "data", "context", "config", "log", "clock", "random", "http", "kv", "cache",
        "metrics",
    ];
    for interface in interfaces {
        let text = read(&root.join("../wit").join(format!("{interface}.wit")));
        let functions = text.lines().filter_map(|line| line.trim().split_once(": func("));
        let mut count = 0;
        for (function, _) in functions {
            let call = format!("\"{interface}.{function}\"");
            assert!(cases.contains(&call), "no case calls {call}");
            count += 1;
        }
        assert!(count > 0, "{interface} has no function");
    }
}
