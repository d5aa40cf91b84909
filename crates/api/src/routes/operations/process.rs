//! What this process uses, from `/proc/self` (proc(5)).

/// Ticks a second in `/proc/self/stat`: 100 on every Linux, whatever the kernel's own timer.
const TICKS: f64 = 100.0;

/// What the process uses now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Process {
    pub(super) resident_bytes: u64,
    pub(super) virtual_bytes: u64,
    pub(super) threads: u64,
    pub(super) open_files: u64,
    /// User and system time since the start.
    pub(super) cpu_seconds: f64,
}

/// Reads the figures; none where there is no `/proc`.
pub(super) fn read() -> Option<Process> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let open_files = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    parse(&status, &stat, open_files)
}

fn parse(status: &str, stat: &str, open_files: u64) -> Option<Process> {
    let figure = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    // The name of the process may hold anything, also brackets; what follows the last one is numbers. `utime` and
    // `stime` are the fields 14 and 15, the 12th and 13th after it.
    let mut numbers = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = numbers.next()?.parse().ok()?;
    let system: u64 = numbers.next()?.parse().ok()?;
    Some(Process {
        resident_bytes: figure("VmRSS")? * 1_024,
        virtual_bytes: figure("VmSize")? * 1_024,
        threads: figure("Threads")?,
        open_files,
        cpu_seconds: (user + system) as f64 / TICKS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_whatever_the_process_is_called() {
        let status = "Name:\tsen) 1 2\nVmSize:\t  2048 kB\nVmRSS:\t    1024 kB\nThreads:\t7\n";
        let stat = "42 (sen) 1 2) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 7 0 1000 2097152 256";
        let process = parse(status, stat, 9).unwrap();
        assert_eq!((process.resident_bytes, process.virtual_bytes), (1 << 20, 2 << 20));
        assert_eq!((process.threads, process.open_files, process.cpu_seconds), (7, 9, 3.0));
    }

    #[test]
    fn this_process_has_figures() {
        let process = read().unwrap();
        assert!(process.resident_bytes > 1 << 20 && process.open_files > 0, "{process:?}");
    }
}
