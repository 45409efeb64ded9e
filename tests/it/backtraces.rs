//! What the log says of where a plugin was when it failed.

use torana_plugins_build::example_with_lines;
use torana_tests::{
    client::Client,
    command::Process,
    scratch::Scratch,
    upstream::{Reply, Script, Upstream},
};

const SOURCE: &str = include_str!("../../plugins/test/trap/src/lib.rs");

/// `src/lib.rs:24`: the first line of the plugin's source that has this text.
fn place(text: &str) -> String {
    let line = SOURCE.lines().position(|line| line.contains(text)).unwrap();
    format!("src/lib.rs:{}", line + 1)
}

/// Code that comes from the cache has them as well as code that was just compiled.
#[test]
fn a_component_with_dwarf_has_files_and_lines_in_the_log() {
    let upstream = Upstream::start(Script::new().on("*", "/b", Reply::status(204)));
    let component = example_with_lines("test-trap", "trap-with-lines");
    let scratch = Scratch::new();
    let config = format!(
        r#"{{ "version": 3, "host": ["http://{}"], "endpoints": [
            {{ "endpoint": "/a", "backend": [{{ "url_pattern": "/b" }}],
               "extra_config": {{ "plugin/wasm": [{{ "name": "trap", "source": "{}" }}] }} }} ] }}"#,
        upstream.address(),
        component.display()
    );
    let path = scratch.write("gateway.json", config);
    let cache = scratch.path().join("cache").to_string_lossy().into_owned();
    for from in ["the compiler", "the cache"] {
        let gateway = Process::start(
            &["run", "-c", &path.to_string_lossy(), "-p", "0"],
            scratch.path(),
            &[("TORANA_CACHE_DIR", &cache)],
        );
        let answer =
            Client::connect(gateway.address()).request("GET", "/a", &[("X-Trap", "1")], "");
        assert_eq!(answer.status, 500, "{from}");
        assert!(!answer.text().contains("lib.rs"), "{from}: {}", answer.text());
        let frames = gateway.wait_for_line("the backtrace", |line| {
            let (_, frames) = line.split_once(r#""backtrace":""#)?;
            Some(frames.split(" <- ").map(str::to_owned).collect::<Vec<_>>())
        });
        // Innermost first: the function that panics, and who called it.
        for (frame, (function, text)) in
            frames.iter().zip([("check", "assert!("), ("on_request", "check(request)")])
        {
            let (name, file) = frame.split_once(" (").unwrap_or_else(|| panic!("{from}: {frame}"));
            assert!(name.ends_with(function), "{from}: {frame}");
            assert!(file.contains(&format!("/{}:", place(text))), "{from}: {frame}");
        }
        assert!(frames.len() > 2, "{from}: {frames:?}");
    }
}
