//! What several modules need: small configurations and a look at a process's memory.

use std::fs;

use torana_tests::upstream::Upstream;

/// A gateway with `/no-op` (POST and GET, streamed), `/json` (GET, decoded) and `/two` (GET, merged), all calling the
/// upstream's `/b`; `more` is further members of the root object, each with a comma before it.
pub(crate) fn config_with(upstream: &Upstream, more: &str) -> String {
    let host = upstream.address();
    format!(
        r#"{{
  "version": 3,
  "timeout": "20s",
  "host": ["http://{host}"],
  "endpoints": [
    {{ "endpoint": "/no-op", "output_encoding": "no-op", "input_headers": ["*"], "backend": [{{ "url_pattern": "/b" }}] }},
    {{ "endpoint": "/no-op", "method": "POST", "output_encoding": "no-op", "input_headers": ["*"],
       "backend": [{{ "url_pattern": "/b" }}] }},
    {{ "endpoint": "/json", "backend": [{{ "url_pattern": "/b" }}] }},
    {{ "endpoint": "/two", "backend": [{{ "url_pattern": "/b" }}, {{ "url_pattern": "/c" }}] }}
  ]{more}
}}"#
    )
}

/// [`config_with`] nothing more.
pub(crate) fn config(upstream: &Upstream) -> String {
    config_with(upstream, "")
}

/// The most memory in bytes that a process ever had (`VmHWM`).
pub(crate) fn peak_memory(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kibibytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024
}
