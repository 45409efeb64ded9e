//! Counts the allocations of each bench case and holds them against a limit: how much memory a step asks for is the one
//! cost that a noisy machine does not blur.
//!
//! The counter is the program's global allocator. It counts growing as an allocation, and costs a few nanoseconds for
//! each, which the times include: build without the feature `count` for times with the gateway's own allocator.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use divan::{Bencher, black_box};

/// What one case was found to ask for.
struct Counted {
    case: String,
    limit: u64,
    count: u64,
    bytes: u64,
}

static COUNTED: Mutex<Vec<Counted>> = Mutex::new(Vec::new());

/// Times `run` over fresh inputs, once it has been seen to make no more than `limit` allocations when warm. What it
/// gives back is dropped outside of both measurements.
pub(crate) fn bench<I, O>(
    bencher: Bencher<'_, '_>,
    case: impl Into<String>,
    limit: u64,
    mut input: impl FnMut() -> I,
    run: impl Fn(I) -> O,
) {
    // Caches and pools fill at the first call.
    drop(black_box(run(input())));
    if let Some((count, bytes)) = count(input(), &run) {
        let counted = Counted { case: case.into(), limit, count, bytes };
        COUNTED.lock().unwrap_or_else(PoisonError::into_inner).push(counted);
    }
    bencher.with_inputs(input).bench_local_values(run);
}

/// Allocations of a call and their bytes.
#[cfg(feature = "count")]
fn count<I, O>(input: I, run: &impl Fn(I) -> O) -> Option<(u64, u64)> {
    let mut output = None;
    let found = allocation_counter::measure(|| output = Some(black_box(run(input))));
    drop(output);
    Some((found.count_total, found.bytes_total))
}

/// Nothing is counted.
#[cfg(not(feature = "count"))]
fn count<I, O>(_input: I, _run: &impl Fn(I) -> O) -> Option<(u64, u64)> {
    None
}

/// As in the gateway.
#[cfg(not(feature = "count"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs all benches and prints what they allocate; the program fails when a case is above its limit.
pub(crate) fn main() -> ExitCode {
    divan::main();
    let counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    match report(&counted) {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Prints the table; whether every case keeps its limit.
fn report(counted: &[Counted]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    if !counted.is_empty() {
        writeln!(out, "\nallocations  limit    bytes  case")?;
    }
    let mut kept = true;
    for Counted { case, limit, count, bytes } in counted {
        let verdict = match count.cmp(limit) {
            std::cmp::Ordering::Greater => "  ABOVE ITS LIMIT",
            std::cmp::Ordering::Less => "  (the limit can be lowered)",
            std::cmp::Ordering::Equal => "",
        };
        writeln!(out, "{count:>11}  {limit:>5}  {bytes:>7}  {case}{verdict}")?;
        kept &= count <= limit;
    }
    Ok(kept)
}
