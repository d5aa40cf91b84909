//! What a process costs, from `/proc`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Clock ticks of `/proc/*/stat` in a second, on every Linux that Sensorium runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processes count as idle when they used less than this share of a core.
const IDLE_SHARE: f64 = 0.05;
/// The time over which that is measured.
const IDLE_WINDOW: Duration = Duration::from_millis(500);
/// How long the work in the background is waited for.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The folder that describes a process.
pub(crate) fn folder(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// The folder that describes a thread of a process.
pub(crate) fn thread(process: &Path, name: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(process.join("task"))? {
        let path = entry?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim() == name {
            return Ok(path);
        }
    }
    bail!("the server has no thread {name:?}")
}

/// User and system time so far, of all threads of a process or of one thread.
pub(crate) fn cpu_seconds(task: &Path) -> Result<f64> {
    let stat = std::fs::read_to_string(task.join("stat")).with_context(|| gone(task))?;
    let after_name = stat.rsplit_once(") ").context("no process state")?.1;
    let mut ticks = after_name.split_whitespace().skip(11).map(str::parse::<f64>);
    let user = ticks.next().context("no user time")??;
    let system = ticks.next().context("no system time")??;
    Ok((user + system) / TICKS_PER_SECOND)
}

/// Resident memory now.
pub(crate) fn resident_bytes(process: &Path) -> Result<f64> {
    status_bytes(process, "VmRSS:")
}

/// The most resident memory that the process ever had.
pub(crate) fn peak_resident_bytes(process: &Path) -> Result<f64> {
    status_bytes(process, "VmHWM:")
}

/// Waits until none of the servers works in the background, so that what is measured next has the processor for itself.
pub(crate) async fn idle(processes: &[&Path]) -> Result<()> {
    let until = Instant::now() + IDLE_TIMEOUT;
    let used = || processes.iter().map(|process| cpu_seconds(process)).sum::<Result<f64>>();
    let mut before = used()?;
    while Instant::now() < until {
        tokio::time::sleep(IDLE_WINDOW).await;
        let now = used()?;
        if now - before < IDLE_SHARE * IDLE_WINDOW.as_secs_f64() {
            return Ok(());
        }
        before = now;
    }
    // Not an error: a machine may have a server that is never quite idle; the figures then hold that work too.
    Ok(())
}

fn status_bytes(process: &Path, key: &str) -> Result<f64> {
    let status = std::fs::read_to_string(process.join("status")).with_context(|| gone(process))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024.0)
}

fn gone(task: &Path) -> String {
    format!("{} cannot be read: the server has ended", task.display())
}
