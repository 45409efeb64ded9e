//! `docs/plugins/languages.md`.

use std::fmt::Write;

use crate::measure::{Mark, Measured};

/// A language, and what was measured if it could be.
pub(crate) struct Row {
    /// As `torana plugin new --lang` names it.
    pub(crate) language: &'static str,
    /// What it costs.
    pub(crate) measured: Option<Measured>,
}

const HEAD: &str = "\
# Languages

Written by `cargo bench -p torana-benches --bench languages -- --write`; not by hand.

The same plugin in each language: the project that `torana plugin new` makes, which gets one header and sets it. Sizes are
the same everywhere. Times depend on the machine, so compare them with each other; the column in brackets is a multiple of
Rust's.

| language | component | compile, once | load from the cache | new instance | warm call | memory of an instance |
|---|---|---|---|---|---|---|
";

const FOOT: &str = "
- *compile, once*: when the gateway sees a file for the first time. The result is kept on disk.
- *load from the cache*: look at the file, which is known and has not changed, and map the compiled code.
- *new instance*: what a call with `isolation: request` pays on top of a warm one, and a pooled plugin every 10,000 calls.
- *warm call*: a request hook with all that the host does around it, without the rest of the pipeline.
- *memory of an instance*: resident memory of one that was called, on top of code that all share.

";

const MANY: &str = "\
Over many calls, with a new instance every 10,000, memory stays as it is:

| language | a call | after calls | most memory of an instance | most resident memory of the process |
|---|---|---|---|---|
";

/// The whole file.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    let rust = rows.iter().find(|row| row.language == "rust").and_then(|row| row.measured.clone());
    for Row { language, measured } in rows {
        let Some(measured) = measured else { continue };
        let Measured { size, compile, load, instance, call, memory, .. } = measured;
        let factor = rust.as_ref().map_or(1.0, |rust| *call as f64 / rust.call.max(1) as f64);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {language} | {} | {} | {} | {} | {} ({factor:.1} ×) | {} |",
            bytes(*size),
            time(*compile),
            time(*load),
            time(*instance),
            time(*call),
            bytes(*memory),
        );
    }
    text.push_str(FOOT);
    text.push_str(MANY);
    for Row { language, measured } in rows {
        let Some(Measured { call_of_many, marks, .. }) = measured else { continue };
        for Mark { calls, resident, instance } in marks {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {language} | {} | {calls} | {} | {} |",
                time(*call_of_many),
                bytes(*instance),
                bytes(*resident)
            );
        }
    }
    let missing: Vec<&str> =
        rows.iter().filter(|row| row.measured.is_none()).map(|row| row.language).collect();
    if !missing.is_empty() {
        let _ =
            writeln!(text, "\nNot measured, as their tools were missing: {}.", missing.join(", "));
    }
    text
}

fn time(nanoseconds: u64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds {
        0..100_000 => format!("{:.1} µs", value / 1e3),
        100_000..1_000_000 => format!("{:.0} µs", value / 1e3),
        1_000_000..100_000_000 => format!("{:.1} ms", value / 1e6),
        _ => format!("{:.1} s", value / 1e9),
    }
}

fn bytes(bytes: u64) -> String {
    let value = bytes as f64;
    if bytes < 1 << 20 {
        format!("{:.0} KiB", value / 1024.0)
    } else {
        format!("{:.1} MiB", value / 1048576.0)
    }
}
