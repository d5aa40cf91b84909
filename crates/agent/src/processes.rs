//! `/proc/<pid>/stat`: tables `processes` (how many in which state) and `procstat` (the busiest and the largest).
//!
//! A row of `procstat` stands for all processes of one name, whose figures are added up: `cpu_usage` is percent of one
//! core since the scan before, `memory_rss` counts shared pages once per process, `pid` is the busiest one's. Kernel
//! threads are named without their instance (`kworker/0:1` is `kworker`), so that names do not multiply.
//!
//! Cost: one open, read and close per process, some 15 µs each, is most of what a sample costs. Scans therefore become
//! rarer as processes grow in number: every sample up to 150 of them, every second one up to 300, and so on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, RawDir, SeekFrom};
use sensorium_model::Value;

use crate::rows::{Field, Rows, int, percent};
use crate::system::Units;
use crate::text::{integer, text, words};

/// Processes that one sample may scan on average.
const SCANS_PER_SAMPLE: usize = 150;
/// The rarest that scans become.
const MAX_SAMPLES_BETWEEN: usize = 10;
/// Flag of a kernel thread (`PF_KTHREAD` of the kernel's sched.h).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What is kept of a process until the next scan.
#[derive(Debug)]
struct Known {
    started: u64,
    ticks: u64,
    scan: u64,
}

/// The processes of one name.
#[derive(Debug, Default)]
struct Group {
    scan: u64,
    members: u64,
    ticks: u64,
    rss_pages: u64,
    vms_bytes: u64,
    threads: u64,
    /// The member that used most CPU time, then memory, and how much.
    leader: (u64, u64, u32),
}

/// One line of `stat`, as far as it is of interest.
#[derive(Debug, PartialEq, Eq)]
struct Stat<'b> {
    name: &'b [u8],
    state: u8,
    ticks: u64,
    threads: u64,
    started: u64,
    vms_bytes: u64,
    rss_pages: u64,
}

/// Processes in each state, in the order of [`STATES`].
type Census = [u64; STATES.len()];

/// Telegraf's name of a state, and the letters of the kernel for it; the last one takes every other letter.
const STATES: [(&str, &[u8]); 9] = [
    ("running", b"R"),
    ("sleeping", b"S"),
    ("blocked", b"DUL"),
    ("zombies", b"Z"),
    ("stopped", b"Tt"),
    ("idle", b"I"),
    ("dead", b"Xx"),
    ("parked", b"P"),
    ("unknown", b""),
];

#[derive(Debug)]
pub(crate) struct Processes {
    root: PathBuf,
    folder: Option<OwnedFd>,
    entries: Vec<u8>,
    known: HashMap<u32, Known>,
    groups: HashMap<Box<[u8]>, Group>,
    scan: u64,
    scanned_at: Option<f64>,
    samples_to_skip: usize,
    units: Units,
    top: usize,
}

impl Processes {
    pub(crate) fn new(root: &Path, units: Units, top: usize) -> Self {
        Self {
            root: root.to_owned(),
            folder: None,
            entries: Vec::with_capacity(16 * 1024),
            known: HashMap::new(),
            groups: HashMap::new(),
            scan: 0,
            scanned_at: None,
            samples_to_skip: 0,
            units,
            top,
        }
    }

    /// Notes the counters, so that the first sample has an interval to speak of.
    pub(crate) fn prime(&mut self, uptime_seconds: Option<f64>) {
        self.scan();
        self.scanned_at = uptime_seconds;
        self.samples_to_skip = 0;
    }

    pub(crate) fn sample(&mut self, uptime_seconds: Option<f64>, memory_bytes: u64, rows: &mut Rows<'_, '_>) {
        if self.samples_to_skip > 0 {
            self.samples_to_skip -= 1;
            return;
        }
        let (census, threads) = self.scan();
        let total: u64 = census.iter().sum();
        if total == 0 {
            return;
        }
        self.samples_to_skip = (total as usize / SCANS_PER_SAMPLE).min(MAX_SAMPLES_BETWEEN - 1);
        let mut fields: Vec<Field> = STATES.iter().zip(census).map(|((name, _), count)| (*name, int(count))).collect();
        fields.push(("total", int(total)));
        fields.push(("total_threads", int(threads)));
        rows.push("processes", &[], &fields);

        let elapsed = uptime_seconds.zip(self.scanned_at).map(|(now, before)| now - before).filter(|s| *s > 0.0);
        self.scanned_at = uptime_seconds;
        self.write_busiest(elapsed, memory_bytes, rows);
    }

    /// Reads every process, adds up the groups and forgets who is gone.
    fn scan(&mut self) -> (Census, u64) {
        self.scan += 1;
        let (mut census, mut threads) = (Census::default(), 0);
        if self.folder.is_none() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            self.folder = rustix::fs::open(&self.root, flags, Mode::empty()).ok();
        }
        // The descriptor is taken out for the time of the scan, so that the rest of `self` can be changed.
        let Some(folder) = self.folder.take() else { return (census, threads) };
        let mut entries = std::mem::take(&mut self.entries);
        if rustix::fs::seek(&folder, SeekFrom::Start(0)).is_ok() {
            let mut listing = RawDir::new(&folder, entries.spare_capacity_mut());
            while let Some(Ok(entry)) = listing.next() {
                let pid = integer(entry.file_name().to_bytes()).and_then(|pid| u32::try_from(pid).ok());
                let Some(pid) = pid else { continue };
                let mut buffer = [0; 1024];
                if let Some(stat) = read_stat(&folder, pid, &mut buffer).and_then(parse_stat) {
                    threads += stat.threads;
                    let state = STATES.iter().position(|(_, letters)| letters.contains(&stat.state));
                    if let Some(count) = census.get_mut(state.unwrap_or(STATES.len() - 1)) {
                        *count += 1;
                    }
                    self.count(pid, &stat);
                }
            }
        }
        self.entries = entries;
        self.folder = Some(folder);
        let scan = self.scan;
        self.known.retain(|_, known| known.scan == scan);
        self.groups.retain(|_, group| group.scan == scan);
        (census, threads)
    }

    fn count(&mut self, pid: u32, stat: &Stat<'_>) {
        let known = self.known.entry(pid).or_insert(Known { started: stat.started, ticks: 0, scan: 0 });
        // Of a process that is new or took over a process id, all of its time belongs to the interval; at the first
        // scan there is no interval yet.
        let before = if known.started == stat.started { known.ticks } else { 0 };
        let used = if self.scan == 1 { 0 } else { stat.ticks.saturating_sub(before) };
        *known = Known { started: stat.started, ticks: stat.ticks, scan: self.scan };

        if !self.groups.contains_key(stat.name) {
            self.groups.insert(stat.name.into(), Group::default());
        }
        let Some(group) = self.groups.get_mut(stat.name) else { return };
        if group.scan != self.scan {
            *group = Group { scan: self.scan, ..Group::default() };
        }
        group.members += 1;
        group.ticks += used;
        group.rss_pages += stat.rss_pages;
        group.vms_bytes = group.vms_bytes.saturating_add(stat.vms_bytes);
        group.threads += stat.threads;
        group.leader = group.leader.max((used, stat.rss_pages, pid));
    }

    fn write_busiest(&self, elapsed: Option<f64>, memory_bytes: u64, rows: &mut Rows<'_, '_>) {
        let mut groups: Vec<(&[u8], &Group)> = self.groups.iter().map(|(name, group)| (&**name, group)).collect();
        groups.sort_unstable_by_key(|(name, group)| (std::cmp::Reverse(group.rss_pages), *name));
        let largest = groups.iter().take(self.top).filter(|(_, group)| group.rss_pages > 0);
        let mut chosen: Vec<(&[u8], &Group)> = largest.copied().collect();
        groups.sort_unstable_by_key(|(name, group)| (std::cmp::Reverse(group.ticks), *name));
        for (name, group) in groups.iter().take(self.top).filter(|(_, group)| group.ticks > 0) {
            if !chosen.iter().any(|(known, _)| known == name) {
                chosen.push((name, group));
            }
        }
        for (name, group) in chosen {
            let rss = group.rss_pages.saturating_mul(self.units.page_bytes);
            let mut fields: Vec<Field> = vec![
                ("pid", int(group.leader.2.into())),
                ("processes", int(group.members)),
                ("num_threads", int(group.threads)),
                ("memory_rss", int(rss)),
                ("memory_vms", int(group.vms_bytes)),
                ("memory_usage", percent(rss, memory_bytes)),
            ];
            if let Some(seconds) = elapsed {
                let used_seconds = group.ticks as f64 / self.units.ticks_per_second as f64;
                fields.push(("cpu_usage", Value::F64(100.0 * used_seconds / seconds)));
            }
            rows.push("procstat", &[("process_name", &text(name))], &fields);
        }
    }
}

fn read_stat<'b>(folder: &OwnedFd, pid: u32, buffer: &'b mut [u8; 1024]) -> Option<&'b [u8]> {
    let (mut path, mut length) = ([0_u8; 16], 0);
    let mut digits = [0_u8; 10];
    let mut rest = pid;
    let mut count = 0;
    for digit in &mut digits {
        *digit = b'0' + u8::try_from(rest % 10).ok()?;
        (rest, count) = (rest / 10, count + 1);
        if rest == 0 {
            break;
        }
    }
    // At most ten digits, "/stat" and the final zero: sixteen bytes.
    for byte in digits.get(..count)?.iter().rev().chain(b"/stat") {
        *path.get_mut(length)? = *byte;
        length += 1;
    }
    let path = std::ffi::CStr::from_bytes_until_nul(&path).ok()?;
    // A process may end at any moment, and other users' may be hidden: both are simply not counted.
    let file = rustix::fs::openat(folder, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let bytes = rustix::io::read(&file, buffer.as_mut_slice()).ok()?;
    buffer.get(..bytes)
}

/// The name stands in parentheses and may hold any byte, also `)`; all after the last one is numbers.
fn parse_stat(line: &[u8]) -> Option<Stat<'_>> {
    let open = line.iter().position(|byte| *byte == b'(')?;
    let close = line.iter().rposition(|byte| *byte == b')')?;
    let mut name = line.get(open + 1..close)?;
    let mut parts = words(line.get(close + 1..)?.trim_ascii_end());
    let state = *parts.next()?.first()?;
    // Numbered as in proc_pid_stat(5), where the state is 3: each step skips from the field before.
    let flags = integer(parts.nth(5)?)?; // 9
    let user = integer(parts.nth(4)?)?; // 14
    let system = integer(parts.next()?)?; // 15
    let threads = integer(parts.nth(4)?)?; // 20
    let started = integer(parts.nth(1)?)?; // 22
    let vms_bytes = integer(parts.next()?)?; // 23
    let rss_pages = integer(parts.next()?).unwrap_or(0); // 24, may be negative for a moment
    if flags & KERNEL_THREAD != 0 {
        name = name.split(|byte| *byte == b'/').next().unwrap_or(name);
    }
    Some(Stat { name, state, ticks: user + system, threads, started, vms_bytes, rss_pages })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let line = b"42 (a) R (b) S 1 42 42 0 -1 4194304 90 0 1 0 30 12 0 0 20 0 3 0 777 10485760 250 18446744073709551615 1\n";
        let stat = parse_stat(line).unwrap();
        let expected = Stat {
            name: b"a) R (b",
            state: b'S',
            ticks: 42,
            threads: 3,
            started: 777,
            vms_bytes: 10_485_760,
            rss_pages: 250,
        };
        assert_eq!(stat, expected);
    }

    #[test]
    fn kernel_threads_lose_their_instance() {
        let line = b"7 (kworker/0:1-mm) I 2 0 0 0 -1 69238880 0 0 0 0 0 5 0 0 20 0 1 0 12 0 0 18446744073709551615\n";
        assert_eq!(parse_stat(line).map(|stat| stat.name), Some(b"kworker".as_slice()));
    }

    #[test]
    fn a_torn_line_is_nothing() {
        for line in [b"".as_slice(), b"1 (x", b"1 (x)", b"1 (x) S 1 2", b") (", b"1 ) R ( 2"] {
            assert_eq!(parse_stat(line), None);
        }
    }

    #[test]
    fn the_path_of_the_largest_process_id_fits() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("4294967295")).unwrap();
        std::fs::write(folder.path().join("4294967295/stat"), "x").unwrap();
        let folder = rustix::fs::open(folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        assert_eq!(read_stat(&folder, u32::MAX, &mut [0; 1024]), Some(b"x".as_slice()));
    }
}
