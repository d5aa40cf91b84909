//! `/proc/diskstats`: table `diskio`, counters since boot of each whole disk.
//!
//! Partitions are left out, so that adding up the rows counts no byte twice; so are loop devices, RAM disks and
//! disks that nothing has ever touched. Device-mapper and RAID devices are disks of their own here, as in Telegraf.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::rows::{Rows, int};
use crate::source::{Reader, Source};
use crate::text::{integer, lines, text, words};

/// The kernel's sector, whatever the disk's own is.
const SECTOR_BYTES: u64 = 512;

#[derive(Debug)]
pub(crate) struct DiskIo {
    diskstats: Source,
    block: PathBuf,
    /// Whether a device is a whole disk; asked once per name.
    whole: HashMap<String, bool>,
}

impl DiskIo {
    pub(crate) fn new(root: &Path, sys: &Path) -> Self {
        Self { diskstats: Source::new(root.join("diskstats")), block: sys.join("block"), whole: HashMap::new() }
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        let Some(bytes) = reader.read(&mut self.diskstats) else { return };
        for line in lines(bytes) {
            let mut parts = words(line).skip(2);
            let Some(name) = parts.next() else { continue };
            let mut counts = [0_u64; 11];
            let known = counts.iter_mut().zip(parts).map(|(slot, word)| *slot = integer(word).unwrap_or(0)).count();
            let [reads, merged_reads, sectors_read, read_ms, writes, merged_writes, sectors_written, ..] = counts;
            let [.., write_ms, in_progress, io_ms, weighted_ms] = counts;
            if known < counts.len() || reads + writes == 0 || is_memory(name) {
                continue;
            }
            let name = text(name);
            if !is_whole(&mut self.whole, &self.block, &name) {
                continue;
            }
            rows.push(
                "diskio",
                &[("name", &name)],
                &[
                    ("reads", int(reads)),
                    ("writes", int(writes)),
                    ("read_bytes", int(sectors_read.saturating_mul(SECTOR_BYTES))),
                    ("write_bytes", int(sectors_written.saturating_mul(SECTOR_BYTES))),
                    ("read_time", int(read_ms)),
                    ("write_time", int(write_ms)),
                    ("io_time", int(io_ms)),
                    ("weighted_io_time", int(weighted_ms)),
                    ("iops_in_progress", int(in_progress)),
                    ("merged_reads", int(merged_reads)),
                    ("merged_writes", int(merged_writes)),
                ],
            );
        }
    }
}

fn is_memory(name: &[u8]) -> bool {
    [b"loop".as_slice(), b"ram", b"zram"].iter().any(|prefix| name.starts_with(prefix))
}

/// A device with an entry of its own in `/sys/block` is no partition; without sysfs every device counts.
fn is_whole(known: &mut HashMap<String, bool>, block: &Path, name: &str) -> bool {
    if let Some(whole) = known.get(name) {
        return *whole;
    }
    // The kernel writes `/` in device names as `!` in sysfs.
    let whole = !block.is_dir() || block.join(name.replace('/', "!")).exists();
    known.insert(name.to_owned(), whole);
    whole
}
