//! The namespace `telemetry/logging` (reference 15.1).

use torana_config::{
    At, Diagnostic, Diagnostics, FromConfig, Value, config, config_enum, did_you_mean, json,
    valid::{Extra, Gateway},
    wrong_type,
};

use crate::pattern::Pattern;

/// The namespace of [`LogConfig`].
pub const NAMESPACE: &str = "telemetry/logging";

/// How bad an application line must be to be written, from the most talkative on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everything.
    Debug,
    /// What happens in normal operation.
    Info,
    /// What somebody should look at.
    Warning,
    /// What failed.
    Error,
    /// What ends the gateway.
    Critical,
}

impl Level {
    const WORDS: [(&str, Self); 5] = [
        ("DEBUG", Self::Debug),
        ("INFO", Self::Info),
        ("WARNING", Self::Warning),
        ("ERROR", Self::Error),
        ("CRITICAL", Self::Critical),
    ];

    /// The word as written in a configuration and in log lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

impl FromConfig for Level {
    /// Letter case does not matter, as in KrakenD.
    fn from_config(value: &Value, at: At<'_>, out: &mut Diagnostics) -> Option<Self> {
        let word = value.as_str().unwrap_or_default();
        if let Some((_, level)) =
            Self::WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word))
        {
            return Some(*level);
        }
        let words = Self::WORDS.map(|(known, _)| known);
        let mut diagnostic = wrong_type(&format!("one of {}", words.join(", ")), value, at);
        diagnostic.code = "unknown-word";
        diagnostic.help = did_you_mean(word, words);
        out.push(diagnostic);
        None
    }

    fn schema() -> Value {
        json!({"enum": Self::WORDS.map(|(known, _)| known)})
    }

    fn written(&self) -> Option<Value> {
        Some(self.word().into())
    }
}

config_enum! {
    /// How application lines are written.
    pub enum Format {
        /// Text on a terminal, JSON elsewhere. The default when `format` is absent.
        Auto = "auto",
        /// Text: time, prefix, level, message, fields.
        Default = "default",
        /// JSON with the field names that Logstash expects.
        Logstash = "logstash",
        /// As `custom_format` says.
        Custom = "custom",
    }
}

config_enum! {
    /// How access lines are written.
    pub enum AccessFormat {
        /// Text on a terminal, JSON elsewhere. The default when `access_log_format` is absent.
        Auto = "auto",
        /// Text fields between vertical bars.
        Default = "default",
        /// One JSON object per line.
        Json = "json",
    }
}

config! {
    /// Application log lines: which ones, where to and how they look.
    pub struct LogConfig {
        /// Lowest level that is written: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.
        "level" level: Level = Level::Info,
        /// Text in front of each line.
        "prefix" prefix: String = String::new(),
        /// Write to the standard output. With neither `stdout` nor `syslog` no application line is written.
        "stdout" stdout: bool = false,
        /// Send lines to the system's log. Not supported yet: they go to the standard output instead.
        "syslog" syslog: bool = false,
        /// Facility of lines in the system's log.
        "syslog_facility" syslog_facility: String = "local3".to_owned(),
        /// `auto` (text on a terminal, JSON elsewhere), `default` (text), `logstash` (JSON) or `custom`.
        "format" format: Format = Format::Auto,
        /// Pattern of the format `custom`, such as `%{time:2006/01/02 15:04:05} %{level} %{message}`.
        "custom_format" custom_format: String = String::new(),
        /// How access lines are written: `auto` (text on a terminal, JSON elsewhere), `default` (text) or `json`.
        "access_log_format" access_log_format: AccessFormat = AccessFormat::Auto,
    }
}

impl Default for LogConfig {
    /// Without the section: `INFO` and worse to the standard output. KrakenD would write `DEBUG` too.
    fn default() -> Self {
        Self {
            level: Level::Info,
            prefix: String::new(),
            stdout: true,
            syslog: false,
            syslog_facility: "local3".to_owned(),
            format: Format::Auto,
            custom_format: String::new(),
            access_log_format: AccessFormat::Auto,
        }
    }
}

/// Reads the section of the service level; the default if there is none.
pub fn read(gateway: &Gateway, out: &mut Diagnostics) -> LogConfig {
    read_extra(&gateway.extra, out)
}

fn read_extra(extra: &Extra, out: &mut Diagnostics) -> LogConfig {
    let Some(component) = extra.get(NAMESPACE) else { return LogConfig::default() };
    let Some(mut config) = torana_config::read::<LogConfig>(&component.value, &component.at, out)
    else {
        return LogConfig::default();
    };
    if config.syslog {
        out.push(
            Diagnostic::warning(
                "not-supported",
                component.at.key("syslog"),
                "`syslog` is not supported yet: log lines go to the standard output",
            )
            .help("let the service manager or the container engine hand the standard output on"),
        );
        config.stdout = true;
    } else if !config.stdout {
        out.push(
            Diagnostic::warning(
                "no-log-output",
                component.at.clone(),
                "no application log line will be written anywhere",
            )
            .help("add `\"stdout\": true`"),
        );
    }
    if config.format == Format::Custom
        && let Err(problem) = Pattern::parse(&config.custom_format)
    {
        out.push(Diagnostic::error(
            "invalid-log-format",
            component.at.key("custom_format"),
            problem.to_string(),
        ));
    }
    config
}

#[cfg(test)]
mod tests {
    use torana_config::{Pointer, valid::Component};

    use super::*;

    fn read_section(value: Value) -> (LogConfig, Vec<(&'static str, String)>) {
        let at = Pointer::parse("/extra_config/telemetry~1logging");
        let extra = Extra(vec![Component { namespace: NAMESPACE.into(), value, at }]);
        let mut out = Diagnostics::default();
        let config = read_extra(&extra, &mut out);
        let findings = out.iter().map(|d| (d.code, d.at.to_string())).collect();
        (config, findings)
    }

    #[test]
    fn without_the_section_lines_go_to_the_standard_output() {
        let config = read_extra(&Extra::default(), &mut Diagnostics::default());
        assert_eq!((config.level, config.stdout), (Level::Info, true));
    }

    #[test]
    fn levels_ignore_letter_case_and_know_their_neighbours() {
        let (config, findings) = read_section(json!({"level": "warning", "stdout": true}));
        assert_eq!((config.level, findings), (Level::Warning, vec![]));
        let (_, findings) = read_section(json!({"level": "WARNIN", "stdout": true}));
        assert_eq!(
            findings,
            [("unknown-word", "/extra_config/telemetry~1logging/level".to_owned())]
        );
    }

    #[test]
    fn a_section_without_output_and_a_bad_pattern_are_findings() {
        let (_, findings) = read_section(json!({"level": "INFO"}));
        assert_eq!(findings[0].0, "no-log-output");
        let (_, findings) = read_section(
            json!({"stdout": true, "format": "custom", "custom_format": "%{nothing}"}),
        );
        assert_eq!(
            findings,
            [("invalid-log-format", "/extra_config/telemetry~1logging/custom_format".to_owned())]
        );
    }

    #[test]
    fn syslog_is_named_as_missing_and_loses_no_line() {
        let (config, findings) = read_section(json!({"syslog": true}));
        assert!(config.stdout);
        assert_eq!(findings[0].0, "not-supported");
    }
}
