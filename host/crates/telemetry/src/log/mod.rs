//! Application lines: `tracing` events to text or JSON. Spans cost nothing and say nothing here.

use std::{
    fmt,
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::Interest,
};

use crate::{Format, Level, LogConfig, Sink, escape, pattern::Pattern, sink, time::Calendar};

/// Target of events that end the gateway: `tracing::error!(target: CRITICAL, …)`. The only ones that the level
/// `CRITICAL` lets through.
pub const CRITICAL: &str = "critical";

/// Events of other crates are written from this level on: at `DEBUG` a few chatty libraries would drown our own lines.
const FOREIGN: Level = Level::Warning;

static SETTINGS: RwLock<Option<Arc<Settings>>> = RwLock::new(None);

/// Only one thread at a time changes settings and tells `tracing`.
static CHANGE: Mutex<()> = Mutex::new(());

struct Settings {
    level: Level,
    sink: Option<Arc<Sink>>,
    style: Style,
}

enum Style {
    Text { prefix: String, colour: bool },
    Json { prefix: String },
    Logstash { prefix: String },
    Custom { pattern: Pattern, colour: bool },
}

/// Sets application logs up, or changes them when they are. If another subscriber is installed, it stays and this one
/// writes nothing.
pub fn init(config: &LogConfig) {
    let terminal = std::io::stdout().is_terminal();
    let sink = config.stdout.then(|| sink::stdout().clone());
    apply(Settings::new(config, sink, terminal));
    let _ = tracing::subscriber::set_global_default(Application);
}

/// Writes what is left, at most for `limit`. To be called before the process ends.
pub fn flush(limit: Duration) {
    sink::stdout().flush(limit);
}

fn apply(settings: Settings) {
    let _changing = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    *SETTINGS.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(settings));
    tracing::callsite::rebuild_interest_cache();
}

fn settings() -> Option<Arc<Settings>> {
    SETTINGS.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Settings {
    fn new(config: &LogConfig, sink: Option<Arc<Sink>>, terminal: bool) -> Self {
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let prefix = config.prefix.clone();
        let style = match config.format {
            Format::Default => Style::Text { prefix, colour },
            Format::Auto if terminal => Style::Text { prefix, colour },
            Format::Auto => Style::Json { prefix },
            Format::Logstash => Style::Logstash { prefix },
            Format::Custom => match Pattern::parse(&config.custom_format) {
                Ok(pattern) => Style::Custom { pattern, colour },
                // Refused when the file was read; text is the least surprising thing here.
                Err(_) => Style::Text { prefix, colour },
            },
        };
        Self { level: config.level, sink, style }
    }

    fn writes(&self, metadata: &Metadata<'_>) -> bool {
        let own = metadata.target().starts_with("torana") || metadata.target() == CRITICAL;
        let lowest = if own { self.level } else { self.level.max(FOREIGN) };
        self.sink.is_some() && metadata.is_event() && level_of(metadata) >= lowest
    }
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR if metadata.target() == CRITICAL => Level::Critical,
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

impl Level {
    fn filter(self) -> LevelFilter {
        match self {
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warning => LevelFilter::WARN,
            Self::Error | Self::Critical => LevelFilter::ERROR,
        }
    }

    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::Debug => "\x1b[36m",
            Self::Info => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Error => "\x1b[31m",
            Self::Critical => "\x1b[35m",
        }
    }
}

/// The subscriber. All its state is in [`SETTINGS`], as a subscriber cannot be taken back.
struct Application;

impl Subscriber for Application {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match settings() {
            Some(settings) if settings.writes(metadata) => Interest::always(),
            _ => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        settings().is_some_and(|settings| settings.writes(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(settings().map_or(LevelFilter::OFF, |settings| settings.level.filter()))
    }

    fn event(&self, event: &Event<'_>) {
        let Some(settings) = settings() else { return };
        let (true, Some(sink)) = (settings.writes(event.metadata()), &settings.sink) else {
            return;
        };
        let mut bytes = Vec::with_capacity(256);
        settings.style.write(&Line::new(event), &mut bytes);
        bytes.push(b'\n');
        sink.push(&bytes, 1);
    }

    // Spans are not recorded: `register_callsite` turns each of them off.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// One application line before it gets its form.
pub(crate) struct Line<'a> {
    pub(crate) time: Calendar,
    pub(crate) level: Level,
    pub(crate) module: &'a str,
    pub(crate) message: String,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

/// The value of a field.
pub(crate) enum Value {
    /// Stands in quotes in JSON.
    Text(String),
    /// A number or boolean, as JSON writes it.
    Plain(String),
}

impl Value {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Plain(text) => text,
        }
    }
}

impl<'a> Line<'a> {
    fn new(event: &Event<'a>) -> Self {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        Self {
            time: Calendar::utc(SystemTime::now()),
            level: level_of(metadata),
            module: metadata.target(),
            message: fields.message,
            fields: fields.others,
        }
    }

    /// Appends the message and ` key=value` for each field, for a reader.
    pub(crate) fn message_and_fields(&self, line: &mut Vec<u8>) {
        escape::terminal(self.message.as_bytes(), line);
        for (key, value) in &self.fields {
            line.push(b' ');
            line.extend_from_slice(key.as_bytes());
            line.push(b'=');
            escape::terminal(value.text().as_bytes(), line);
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            value.text().clone_into(&mut self.message);
        } else {
            self.others.push((field.name(), value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Text(value.to_owned()));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Plain(value.to_string()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Plain(value.to_string()));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Plain(value.to_string()));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, Value::Text(value.to_string()));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Value::Text(format!("{value:?}")));
    }
}

impl Style {
    fn write(&self, event: &Line<'_>, line: &mut Vec<u8>) {
        match self {
            Self::Text { prefix, colour } => text(event, prefix, *colour, line),
            Self::Custom { pattern, colour } => pattern.write(event, *colour, line),
            Self::Json { prefix } => {
                let names = Names { time: "time", module: "module", extra: "" };
                object(event, prefix, &names, line);
            }
            Self::Logstash { prefix } => {
                let names =
                    Names { time: "@timestamp", module: "module", extra: ",\"@version\":1" };
                object(event, prefix, &names, line);
            }
        }
    }
}

fn text(event: &Line<'_>, prefix: &str, colour: bool, line: &mut Vec<u8>) {
    event.time.date(b'/', line);
    line.push(b' ');
    event.time.clock(line);
    line.push(b' ');
    if !prefix.is_empty() {
        escape::terminal(prefix.as_bytes(), line);
        line.push(b' ');
    }
    let (start, end) = if colour { (event.level.colour(), "\x1b[0m") } else { ("", "") };
    for part in ["▶ ", start, event.level.word(), end, " "] {
        line.extend_from_slice(part.as_bytes());
    }
    event.message_and_fields(line);
}

/// Names of the members of a JSON line.
struct Names {
    time: &'static str,
    module: &'static str,
    /// Members as written.
    extra: &'static str,
}

fn object(event: &Line<'_>, prefix: &str, names: &Names, line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"");
    line.extend_from_slice(names.time.as_bytes());
    line.extend_from_slice(b"\":\"");
    event.time.rfc3339(line);
    line.push(b'"');
    line.extend_from_slice(names.extra.as_bytes());
    member("level", event.level.word(), line);
    if !prefix.is_empty() {
        member("prefix", prefix, line);
    }
    member(names.module, event.module, line);
    member("message", &event.message, line);
    for (index, (key, value)) in event.fields.iter().enumerate() {
        if index == 0 {
            line.extend_from_slice(b",\"fields\":{\"");
        } else {
            line.extend_from_slice(b",\"");
        }
        escape::json(key.as_bytes(), line);
        line.extend_from_slice(b"\":");
        match value {
            Value::Plain(text) => line.extend_from_slice(text.as_bytes()),
            Value::Text(text) => {
                line.push(b'"');
                escape::json(text.as_bytes(), line);
                line.push(b'"');
            }
        }
    }
    if !event.fields.is_empty() {
        line.push(b'}');
    }
    line.push(b'}');
}

fn member(key: &str, value: &str, line: &mut Vec<u8>) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(key.as_bytes());
    line.extend_from_slice(b"\":\"");
    escape::json(value.as_bytes(), line);
    line.push(b'"');
}

#[cfg(test)]
mod tests;
