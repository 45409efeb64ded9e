//! Where a guest was when it failed, in one line for the log.

use std::fmt;

use wasmtime::WasmBacktrace;

/// Names of functions, innermost first; with file and line if the component carries DWARF. Empty if no guest ran.
#[derive(Default)]
pub(crate) struct Frames(String);

impl Frames {
    /// What the runtime saw when it made the error: at most its default of 20 frames.
    pub(crate) fn of(error: &wasmtime::Error) -> Self {
        error
            .downcast_ref::<WasmBacktrace>()
            .map_or_else(Self::default, |backtrace| Self(line(&backtrace.to_string())))
    }

    /// The line, if there is one.
    pub(crate) fn text(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes one line of the runtime's text, which is the only place where it demangles names: a caption, then
/// `0: 0x12 - module!function` or `0: 0x12 - function` and `at file:line:column`.
fn line(text: &str) -> String {
    let mut frames: Vec<String> = Vec::new();
    for line in text.lines().skip(1) {
        let line = line.trim_start();
        match (line.strip_prefix("at "), frames.last_mut()) {
            (Some(place), Some(frame)) => {
                frame.push_str(" (");
                frame.push_str(place);
                frame.push(')');
            }
            _ => frames.push(name(line)),
        }
    }
    // How a Rust guest panics is the same each time, and says nothing.
    let start = frames.iter().position(|frame| !is_panic(frame)).unwrap_or(0);
    frames.split_off(start).join(" <- ")
}

fn name(line: &str) -> String {
    // Where the stack is exhausted, frames have no place: `0: function`.
    let name = line
        .split_once("- ")
        .or_else(|| line.split_once(": "))
        .map_or(line, |(_, name)| name)
        .trim_start();
    // A module's name has no brackets or blanks, unlike the `!` type in a function's.
    let name = match name.split_once('!') {
        Some((module, function)) if !module.contains([' ', '[', '(', ':']) => function,
        _ => name,
    };
    match name.rsplit_once("::h") {
        Some((name, hash)) if is_hash(hash) => name.to_owned(),
        _ => without_hashes(name),
    }
}

/// Which build of a crate it was: `::h6f343983f041939b` at the end, or `core[6d9e98711c484d2e]` in the newer mangling.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn without_hashes(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(open) = rest.find('[') {
        let (before, bracket) = rest.split_at(open);
        out.push_str(before);
        match bracket[1..].split_once(']') {
            Some((hash, after)) if is_hash(hash) => rest = after,
            _ => {
                out.push('[');
                rest = &bracket[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_panic(frame: &str) -> bool {
    frame == "abort"
        || ["std::", "__rustc::", "core::panicking::", "core::result::", "core::option::"]
            .iter()
            .any(|of| frame.starts_with(of))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "error while executing at wasm backtrace:
    0:   0xc14c - test_trap.wasm!abort
    1:   0xa10c - test_trap.wasm!std[d123b7a1a2ed1472]::panicking::panic_with_hook
    2:   0x4e36 - core[6d9e98711c484d2e]::panicking::panic_fmt::<[u8; 4], !>
                    at library/core/src/panicking.rs:80:14
    3:   0x4d2b - plugin::check::<[u8; 4], !>
                    at src/lib.rs:17:9
                - plugin::Trap::on_request
                    at src/lib.rs:12
    4:   0x4d2c - m.wasm!plugin::run::h6f343983f041939b
    5:   0x4d2b - <unknown>!torana:plugin/on-request@0.1.1#handle";

    #[test]
    fn one_line_without_the_panic_itself() {
        assert_eq!(
            line(TEXT),
            "plugin::check::<[u8; 4], !> (src/lib.rs:17:9) <- plugin::Trap::on_request (src/lib.rs:12) \
             <- plugin::run <- torana:plugin/on-request@0.1.1#handle"
        );
    }

    #[test]
    fn a_frame_without_a_place_has_no_number() {
        let text = "caption\n    0:  <unknown>!<wasm function 645>\n    1:   0x1 - m.wasm!a";
        assert_eq!(line(text), "<wasm function 645> <- a");
    }

    #[test]
    fn a_guest_that_is_nothing_but_panic_keeps_its_frames() {
        assert_eq!(line("caption\n    0: 0x1 - m!abort"), "abort");
        assert_eq!(line(""), "");
        assert!(Frames::of(&wasmtime::Error::msg("no guest ran")).text().is_none());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(?s).{0,200}", frame in "[-! \\[\\]a-f0-9:äat\n]{0,80}") {
            let _ = line(&text);
            let _ = line(&format!("caption\n{frame}"));
        }
    }
}
