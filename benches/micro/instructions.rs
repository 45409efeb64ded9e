//! Instructions of one call in user space, which no neighbour on the machine blurs: counted by callgrind, of Debian's
//! package `valgrind`. A process of its own for each case, as callgrind counts for a whole process.

use std::{env, process::Command};

/// Calls that are counted, after as many that are not.
const CALLS: u64 = 200;
/// The argument that asks for counting, and the one of the processes that are counted.
pub(crate) const COUNT: &str = "--instructions";
pub(crate) const COUNTED: &str = "--counted";

/// The name by which callgrind knows what to count.
#[inline(never)]
fn counted_call<I, T>(input: I, call: &impl Fn(I) -> T) -> T {
    call(input)
}

/// Makes the calls that are counted. Inputs are made and results dropped outside of them.
pub(crate) fn counted<I, T>(input: impl Fn() -> I, call: impl Fn(I) -> T) {
    for _ in 0..CALLS {
        drop(call(input()));
    }
    for _ in 0..CALLS {
        drop(counted_call(input(), &call));
    }
}

/// Instructions of one call of a case.
///
/// # Errors
/// Callgrind is missing, or does not say.
pub(crate) fn of(case: &str) -> Result<u64, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*counted_call*"])
        .args(["--smc-check=all-non-file", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args([COUNTED, case])
        .output()
        .map_err(|error| format!("cannot run `valgrind`: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let sum = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    let sum: u64 =
        sum.filter(|sum| *sum > 0).ok_or_else(|| format!("callgrind counted nothing: {said}"))?;
    Ok(sum / CALLS)
}
