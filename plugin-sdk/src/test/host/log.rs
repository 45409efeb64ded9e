//! `torana:plugin/log`.

pub(crate) use crate::bindings::imports::torana::plugin::log::Level;

use crate::test::state::{LogLine, with};

/// Lines that one call may log.
const LINES_PER_CALL: usize = 100;
/// Bytes of one line.
const LINE: usize = 4096;

pub(crate) fn write(level: Level, message: &str) {
    with(|state| {
        state.lines_in_call += 1;
        if state.lines_in_call <= LINES_PER_CALL {
            let message = message[..message.floor_char_boundary(LINE)].to_owned();
            state.log.push(LogLine { level: level.into(), message });
        }
    });
}
