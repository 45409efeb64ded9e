//! A process that is measured: started, waited for, looked at through `/proc`, ended.

use std::{
    error::Error,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    affinity::Affinity,
    client::{Client, get},
    report::Held,
};

/// How long a process may take until it serves, and until it ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked.
const POLL: Duration = Duration::from_millis(1);

/// A running server; it ends on drop.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program; what it prints goes to a file.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(
        mut command: Command,
        log: &Path,
        affinity: &Affinity,
    ) -> Result<Self, Box<dyn Error>> {
        let out = File::create(log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = affinity
            .of_measured(|| command.spawn())?
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Waits until a path answers 200.
    ///
    /// # Errors
    /// The process ended, or took too long; with what it printed.
    pub(crate) async fn ready(
        &mut self,
        address: SocketAddr,
        path: &str,
    ) -> Result<(), Box<dyn Error>> {
        let request = get(&address.to_string(), path);
        let start = Instant::now();
        loop {
            if let Ok(mut client) = Client::connect(address).await
                && let Ok(answer) = client.exchange(&request).await
                && answer.status == 200
            {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || start.elapsed() > PATIENCE {
                let printed = fs::read_to_string(&self.log).unwrap_or_default();
                let what = ended.map_or("is not ready".to_owned(), |status| status.to_string());
                return Err(format!("the server does not serve {path}: {what}\n{printed}").into());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to read its configuration again.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn reload(&self) -> rustix::io::Result<()> {
        signal(self.child.id(), Signal::HUP)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = signal(self.child.id(), Signal::TERM);
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
            }
            std::thread::sleep(POLL);
        }
    }
}

fn signal(pid: u32, signal: Signal) -> rustix::io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(rustix::io::Errno::SRCH)?;
    kill_process(pid, signal)
}

/// CPU time that a process and its children have used, those that have ended included.
pub(crate) fn cpu(pid: u32) -> Duration {
    let ticks: u64 = tree(pid)
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| ticks(&stat))
        .sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The most memory that a process and its children have had resident at once each, in KiB.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    tree(pid)
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok())
        .filter_map(|status| kib(&status, "VmHWM:"))
        .sum()
}

/// What a process holds now.
pub(crate) fn held(pid: u32) -> Held {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let files = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    Held { memory_kib: kib(&status, "VmRSS:").unwrap_or_default(), files }
}

fn tree(pid: u32) -> Vec<u32> {
    let mut pids = vec![pid];
    let mut next = 0;
    while let Some(&pid) = pids.get(next) {
        next += 1;
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            pids.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    pids
}

/// utime, stime, cutime and cstime of `/proc/PID/stat` (proc_pid_stat(5)), added up.
fn ticks(stat: &str) -> Option<u64> {
    // The name of the program may have spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(4);
    times.map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// A line of `/proc/PID/status`, in KiB.
fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 3 4 20 0 1 0 99 1 1";
        assert_eq!(ticks(stat), Some(40));
        assert_eq!(kib("Name:\ta\nVmHWM:\t    2048 kB\n", "VmHWM:"), Some(2048));
    }

    #[test]
    fn this_process_is_seen() {
        assert!(peak_memory(std::process::id()) > 0);
    }
}
