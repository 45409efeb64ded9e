//! What a plugin asks its host for, call by call: listens to the events that the bindings make for each.

use std::{
    collections::HashMap,
    fmt::{Debug, Write},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// The crate whose events are listened to.
const TARGET: &str = "torana_wasm";
/// Name of the spans around host calls.
const CALL: &str = "wit-bindgen import";
/// Characters of one line.
const LINE: usize = 400;

/// What was heard.
#[derive(Clone, Default)]
pub(super) struct Trace(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    logs: Vec<String>,
    caption: Option<&'static str>,
    spans: HashMap<u64, HostCall>,
    entered: Vec<u64>,
    last: u64,
}

#[derive(Default)]
struct HostCall {
    name: String,
    arguments: Option<String>,
}

impl Trace {
    /// The trace of this process, which listens from the first time on. It is everybody's, since a call that takes long
    /// goes on in another thread.
    pub(super) fn of_process() -> Self {
        static TRACE: OnceLock<Trace> = OnceLock::new();
        let trace = TRACE.get_or_init(|| {
            let trace = Self::default();
            // Somebody else listens already if this is no process of its own: then there is no trace.
            let _ = tracing::subscriber::set_global_default(trace.clone());
            trace
        });
        trace.clear();
        trace.clone()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is running from now on.
    pub(super) fn caption(&self, caption: &'static str) {
        self.heard().caption = Some(caption).filter(|caption| !caption.is_empty());
    }

    /// A line of its own.
    pub(super) fn note(&self, line: String) {
        self.heard().say(&line);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.heard() = Heard::default();
    }

    /// The lines, and the log's.
    pub(super) fn take(&self) -> (Vec<String>, Vec<String>) {
        let mut heard = self.heard();
        (std::mem::take(&mut heard.lines), std::mem::take(&mut heard.logs))
    }
}

impl Heard {
    fn say(&mut self, line: &str) {
        if let Some(caption) = self.caption.take() {
            self.lines.push(caption.to_owned());
        }
        let mut line = line.replace('\n', "\\n");
        if let Some((end, _)) = line.char_indices().nth(LINE) {
            line.truncate(end);
            line.push('…');
        }
        self.lines.push(format!("  {line}"));
    }

    fn host_call(&mut self, id: u64, fields: &Fields) {
        let Some(call) = self.spans.get_mut(&id) else { return };
        match &*fields.message {
            "call" => {
                let arguments =
                    fields.values.iter().map(|(name, value)| format!("{name} = {value}"));
                call.arguments = Some(arguments.collect::<Vec<_>>().join(", "));
            }
            _ => {
                let arguments = call.arguments.take().unwrap_or_default();
                let result = fields.values.first().map_or("", |(_, value)| value.as_str());
                let line = format!("{}({arguments}){}", call.name, outcome(result));
                self.say(&line);
            }
        }
    }
}

/// The result of a host call, which the host wraps once: an error there ends the guest.
fn outcome(result: &str) -> String {
    let inside = |text: &str, of: &str| -> Option<String> {
        Some(text.strip_prefix(of)?.strip_prefix('(')?.strip_suffix(')')?.to_owned())
    };
    let Some(value) = inside(result, "Ok") else { return format!(" traps: {result}") };
    match &*value {
        "()" => String::new(),
        "Ok(())" => " → ok".to_owned(),
        "None" => " → none".to_owned(),
        _ => {
            if let Some(error) = inside(&value, "Err") {
                return format!(" → error {error}");
            }
            format!(
                " → {}",
                inside(&value, "Some").or_else(|| inside(&value, "Ok")).unwrap_or(value)
            )
        }
    }
}

impl Subscriber for Trace {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(TARGET)
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut heard = self.heard();
        heard.last += 1;
        let id = heard.last;
        if attributes.metadata().name() == CALL {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let name = fields.plain.join(".");
            heard.spans.insert(id, HostCall { name, arguments: None });
        }
        span::Id::from_u64(id)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut heard = self.heard();
        let running = heard.entered.last().copied().filter(|id| heard.spans.contains_key(id));
        match running {
            Some(id) if matches!(&*fields.message, "call" | "return") => {
                heard.host_call(id, &fields)
            }
            _ if fields.is_about_plugin => {
                let line = format!("{}: {}", event.metadata().level(), fields.message);
                heard.say(&format!("log {line}"));
                if let Some(backtrace) = fields.backtrace {
                    heard.say(&format!("at {backtrace}"));
                }
                heard.logs.push(line);
            }
            _ => {}
        }
    }

    fn enter(&self, id: &span::Id) {
        self.heard().entered.push(id.into_u64());
    }

    fn exit(&self, _: &span::Id) {
        self.heard().entered.pop();
    }

    fn try_close(&self, id: span::Id) -> bool {
        let mut heard = self.heard();
        // A call that did not return ended the guest.
        if let Some(HostCall { name, arguments: Some(arguments) }) =
            heard.spans.remove(&id.into_u64())
        {
            heard.say(&format!("{name}({arguments}) does not return"));
        }
        true
    }
}

/// The fields of an event or span.
#[derive(Default)]
struct Fields {
    message: String,
    /// As text, without quotes.
    plain: Vec<String>,
    values: Vec<(&'static str, String)>,
    is_about_plugin: bool,
    backtrace: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "plugin" => self.is_about_plugin = true,
            "backtrace" => self.backtrace = Some(value.to_owned()),
            _ => self.plain.push(value.to_owned()),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(text, "{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else if field.name() == "plugin" {
            self.is_about_plugin = true;
        } else {
            self.values.push((field.name(), with_text(&text)));
        }
    }
}

/// Lists of bytes become text if they are text: `[104, 105]` is `b"hi"`.
fn with_text(debug: &str) -> String {
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug;
    while let Some(open) = rest.find('[') {
        let (before, list) = rest.split_at(open);
        out.push_str(before);
        let bytes = list.find(']').and_then(|close| {
            let numbers = list[1..close].split(", ").map(|number| number.parse::<u8>().ok());
            Some((numbers.collect::<Option<Vec<u8>>>()?, close))
        });
        match bytes {
            Some((bytes, close)) => {
                match std::str::from_utf8(&bytes) {
                    Ok(text) => {
                        let _ = write!(out, "b{text:?}");
                    }
                    Err(_) => {
                        let _ = write!(out, "({} bytes)", bytes.len());
                    }
                }
                rest = &list[close + 1..];
            }
            None => {
                out.push('[');
                rest = &list[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_text() {
        assert_eq!(with_text("[104, 105]"), "b\"hi\"");
        assert_eq!(with_text("A { body: [104], x: [\"a\"] }"), "A { body: b\"h\", x: [\"a\"] }");
        assert_eq!(with_text("[255, 0]"), "(2 bytes)");
        assert_eq!(with_text("[]"), "[]");
        assert_eq!(with_text("[300] ["), "[300] [");
    }

    #[test]
    fn results_are_readable() {
        for (result, expected) in [
            ("Ok(())", ""),
            ("Ok(Ok(()))", " → ok"),
            ("Ok(None)", " → none"),
            ("Ok(Some(\"a\"))", " → \"a\""),
            ("Ok(Err(\"no\"))", " → error \"no\""),
            ("Ok(200)", " → 200"),
            ("Err(no)", " traps: Err(no)"),
        ] {
            assert_eq!(outcome(result), expected);
        }
    }
}
