//! Application lines as they leave the process. One test, as the subscriber belongs to the whole process.

use serde_json::Value as Json;

use super::*;
use crate::sink::tests::Memory;

fn use_settings(config: &LogConfig) -> (Memory, Arc<Sink>) {
    let memory = Memory::default();
    let sink = Sink::new(Box::new(memory.clone()));
    apply(Settings::new(config, Some(sink.clone()), false));
    let _ = tracing::subscriber::set_global_default(Application);
    (memory, sink)
}

fn lines(memory: &Memory, sink: &Sink) -> Vec<String> {
    assert!(sink.flush(Duration::from_secs(10)));
    memory.text().lines().map(str::to_owned).collect()
}

fn log_everything() {
    tracing::debug!(target: "torana_http", "a detail");
    tracing::info!(target: "torana_http", port = 8080, host = "a\"b", "listening\non");
    tracing::info!(target: "hyper", "chatter of a library");
    tracing::warn!(target: "hyper", "a library's warning");
    tracing::error!(target: "torana", error = %"refused", "it failed");
    tracing::error!(target: CRITICAL, "it ends");
}

#[test]
fn levels_formats_and_changes() {
    let (memory, sink) = use_settings(&LogConfig::default());
    log_everything();
    let json: Vec<Json> =
        lines(&memory, &sink).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words: Vec<_> = json.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(words, ["INFO", "WARNING", "ERROR", "CRITICAL"]);
    assert_eq!(json[0]["message"], "listening\non");
    assert_eq!(json[0]["fields"], serde_json::json!({"port": 8080, "host": "a\"b"}));
    assert_eq!(json[0]["module"], "torana_http");
    assert_eq!(json[2]["fields"]["error"], "refused");

    // A reload changes level and format of a running process.
    let config = LogConfig {
        level: Level::Critical,
        format: Format::Logstash,
        prefix: "[GW]".into(),
        ..LogConfig::default()
    };
    let (memory, sink) = use_settings(&config);
    log_everything();
    let json: Vec<Json> =
        lines(&memory, &sink).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 1);
    assert_eq!(json[0]["@version"], 1);
    assert_eq!(json[0]["prefix"], "[GW]");
    assert!(json[0]["@timestamp"].as_str().unwrap().ends_with('Z'));

    let config = LogConfig { level: Level::Debug, format: Format::Default, ..config };
    let (memory, sink) = use_settings(&config);
    log_everything();
    let text = lines(&memory, &sink);
    assert_eq!(text.len(), 5);
    assert!(text[0].ends_with("[GW] ▶ DEBUG a detail"), "{}", text[0]);
    assert!(text[1].ends_with("▶ INFO listening\\non port=8080 host=a\"b"), "{}", text[1]);

    let config = LogConfig {
        format: Format::Custom,
        custom_format: "%{level}|%{message}".into(),
        level: Level::Error,
        ..config
    };
    let (memory, sink) = use_settings(&config);
    log_everything();
    assert_eq!(lines(&memory, &sink), ["ERROR|it failed error=refused", "CRITICAL|it ends"]);

    apply(Settings::new(&LogConfig::default(), None, false));
    log_everything();
    assert_eq!(lines(&memory, &sink).len(), 2);
}
