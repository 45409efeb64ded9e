//! Results, for people and for programs.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;

/// One measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// `torana`, `nginx`, or the address of what already ran.
    pub(crate) server: String,
    /// What it did.
    pub(crate) scenario: String,
    /// Which measurement of this kind, from 0.
    pub(crate) round: u16,
    /// Right answers.
    pub(crate) requests: u64,
    /// Right answers per second.
    pub(crate) requests_per_second: f64,
    /// Half of the answers took no longer, in microseconds.
    pub(crate) p50_us: f64,
    /// 99 % of the answers took no longer, in microseconds.
    pub(crate) p99_us: f64,
    /// 99.9 % of the answers took no longer, in microseconds.
    pub(crate) p999_us: f64,
    /// CPU time of the server for each right answer, in microseconds.
    pub(crate) cpu_us_per_request: Option<f64>,
    /// The most memory that the server had resident, in KiB.
    pub(crate) peak_memory_kib: Option<u64>,
    /// Answers with another status or length than the right one.
    pub(crate) wrong: u64,
    /// Requests without a whole answer.
    pub(crate) lost: u64,
    /// Requests that were to fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bad: Option<BadRow>,
    /// Changes of the configuration meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reloads: Option<ReloadRow>,
    /// This row against the one of `--beside` in the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<Ratio>,
}

/// Changes of the configuration during one measurement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReloadRow {
    /// Changes that became live.
    pub(crate) live: usize,
    /// Changes that did not.
    pub(crate) failed: u64,
    /// Half of them were live after so many milliseconds.
    pub(crate) p50_ms: f64,
    /// The slowest, in milliseconds.
    pub(crate) max_ms: f64,
    /// What the server held after the first changes and after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<(Held, Held)>,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Held {
    /// Resident memory in KiB.
    pub(crate) memory_kib: u64,
    /// Open file descriptors.
    pub(crate) files: usize,
}

/// Requests that failed as they should.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct BadRow {
    /// How many.
    pub(crate) requests: usize,
    /// Half of the answers took no longer, in milliseconds.
    pub(crate) p50_ms: f64,
    /// 99 % of the answers took no longer, in milliseconds.
    pub(crate) p99_ms: f64,
}

impl BadRow {
    /// Of sorted times in nanoseconds.
    pub(crate) fn of(sorted: &[u64]) -> Self {
        let ms = |share| quantile(sorted, share) as f64 / 1e6;
        Self { requests: sorted.len(), p50_ms: ms(0.5), p99_ms: ms(0.99) }
    }
}

/// A server against the one beside it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratio {
    /// Requests per second: more is better.
    pub(crate) requests_per_second: f64,
    /// CPU time per request: less is better.
    pub(crate) cpu_per_request: f64,
}

impl Row {
    /// Whether every request was answered right and every change became live.
    pub(crate) fn is_clean(&self) -> bool {
        let unchanged = self.reloads.as_ref().map_or(0, |reloads| reloads.failed);
        self.requests > 0 && self.wrong + self.lost + unchanged == 0
    }

    /// Sets the ratio to a row of the same round.
    pub(crate) fn compare(&mut self, base: &Self) {
        let (Some(own), Some(other)) = (self.cpu_us_per_request, base.cpu_us_per_request) else {
            return;
        };
        self.ratio = Some(Ratio {
            requests_per_second: self.requests_per_second / base.requests_per_second,
            cpu_per_request: own / other,
        });
    }
}

/// The value that this share of sorted values does not exceed; 0 of none.
pub(crate) fn quantile(sorted: &[u64], share: f64) -> u64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Every measurement.
///
/// # Errors
/// Nobody reads.
pub(crate) fn json(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, rows)?;
    writeln!(out)
}

/// Medians over the rounds, a line for each server and scenario; errors are sums, memory is the most.
///
/// # Errors
/// Nobody reads.
pub(crate) fn table(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<8} {:<13} {:>10} {:>8} {:>8} {:>8} {:>11} {:>9} {:>6} {:>6}  ratio req/s, CPU",
        "server",
        "scenario",
        "req/s",
        "p50 ms",
        "p99 ms",
        "p99.9",
        "CPU us/req",
        "peak MiB",
        "wrong",
        "lost"
    )?;
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let key = (row.server.as_str(), row.scenario.as_str());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let same: Vec<&Row> =
            rows.iter().filter(|row| (&*row.server, &*row.scenario) == key).collect();
        line(key, &same, out)?;
    }
    Ok(())
}

fn line((server, scenario): (&str, &str), rows: &[&Row], out: &mut impl Write) -> io::Result<()> {
    let middle = |value: &dyn Fn(&Row) -> Option<f64>| {
        median(rows.iter().filter_map(|row| value(row)).collect())
    };
    let shown = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let milli = |value: Option<f64>| shown(value.map(|us| us / 1e3), 2);
    let peak = rows.iter().filter_map(|row| row.peak_memory_kib).max();
    write!(
        out,
        "{server:<8} {scenario:<13} {:>10} {:>8} {:>8} {:>8} {:>11} {:>9} {:>6} {:>6}",
        shown(middle(&|row| Some(row.requests_per_second)), 0),
        milli(middle(&|row| Some(row.p50_us))),
        milli(middle(&|row| Some(row.p99_us))),
        milli(middle(&|row| Some(row.p999_us))),
        shown(middle(&|row| row.cpu_us_per_request), 2),
        shown(peak.map(|kib| kib as f64 / 1024.0), 1),
        rows.iter().map(|row| row.wrong).sum::<u64>(),
        rows.iter().map(|row| row.lost).sum::<u64>(),
    )?;
    if let (Some(rate), Some(cpu)) = (
        middle(&|row| row.ratio.map(|ratio| ratio.requests_per_second)),
        middle(&|row| row.ratio.map(|ratio| ratio.cpu_per_request)),
    ) {
        write!(out, "  {rate:.2}, {cpu:.2}")?;
    }
    writeln!(out)?;
    let bad: Vec<BadRow> = rows.iter().filter_map(|row| row.bad).collect();
    if !bad.is_empty() {
        let middle = |of: fn(&BadRow) -> f64| shown(median(bad.iter().map(of).collect()), 2);
        writeln!(
            out,
            "{:<8} {} failed as they should; after {} ms (median), {} ms (p99)",
            "",
            bad.iter().map(|bad| bad.requests).sum::<usize>(),
            middle(|bad| bad.p50_ms),
            middle(|bad| bad.p99_ms),
        )?;
    }
    let reloads: Vec<&ReloadRow> = rows.iter().filter_map(|row| row.reloads.as_ref()).collect();
    if !reloads.is_empty() {
        let live: usize = reloads.iter().map(|reloads| reloads.live).sum();
        let failed: u64 = reloads.iter().map(|reloads| reloads.failed).sum();
        let half = median(reloads.iter().map(|reloads| reloads.p50_ms).collect());
        let slowest = reloads.iter().map(|reloads| reloads.max_ms).fold(0.0, f64::max);
        writeln!(
            out,
            "{:<8} {live} changes live, {failed} not; after {} ms (median), {slowest:.1} ms (slowest)",
            "",
            shown(half, 1)
        )?;
    }
    for (early, late) in reloads.iter().filter_map(|reloads| reloads.held) {
        writeln!(
            out,
            "{:<8} {:.1} MiB and {} files after the first changes, {:.1} MiB and {} after the last",
            "",
            early.memory_kib as f64 / 1024.0,
            early.files,
            late.memory_kib as f64 / 1024.0,
            late.files,
        )?;
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(values[middle - 1], upper)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let sorted: Vec<u64> = (1..=1000).collect();
        assert_eq!([0.5, 0.99, 0.999, 1.0].map(|q| quantile(&sorted, q)), [500, 990, 999, 1000]);
        assert_eq!((quantile(&[], 0.5), quantile(&[7], 0.999)), (0, 7));
    }

    #[test]
    fn medians_of_even_counts_lie_between() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
