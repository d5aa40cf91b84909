//! `/proc/meminfo` and `/proc/vmstat`: tables `mem` and `swap`, in bytes.

use std::path::Path;

use crate::rows::{Field, Rows, int, percent};
use crate::source::{Reader, Source};
use crate::text::{integer, lines, words};

/// What each line of meminfo is called by Telegraf; the order does not matter.
const FIELDS: [(&[u8], &str); 29] = [
    (b"Active:", "active"),
    (b"Buffers:", "buffered"),
    (b"CommitLimit:", "commit_limit"),
    (b"Committed_AS:", "committed_as"),
    (b"Dirty:", "dirty"),
    (b"HighFree:", "high_free"),
    (b"HighTotal:", "high_total"),
    (b"HugePages_Free:", "huge_pages_free"),
    (b"HugePages_Total:", "huge_pages_total"),
    (b"Hugepagesize:", "huge_page_size"),
    (b"Inactive:", "inactive"),
    (b"LowFree:", "low_free"),
    (b"LowTotal:", "low_total"),
    (b"Mapped:", "mapped"),
    (b"MemAvailable:", "available"),
    (b"MemFree:", "free"),
    (b"MemTotal:", "total"),
    (b"PageTables:", "page_tables"),
    (b"SReclaimable:", "sreclaimable"),
    (b"SUnreclaim:", "sunreclaim"),
    (b"Shmem:", "shared"),
    (b"Slab:", "slab"),
    (b"SwapCached:", "swap_cached"),
    (b"SwapFree:", "swap_free"),
    (b"SwapTotal:", "swap_total"),
    (b"VmallocTotal:", "vmalloc_total"),
    (b"VmallocUsed:", "vmalloc_used"),
    (b"Writeback:", "write_back"),
    (b"WritebackTmp:", "write_back_tmp"),
];

#[derive(Debug)]
pub(crate) struct Memory {
    meminfo: Source,
    vmstat: Source,
    page_bytes: u64,
    total: u64,
}

/// The figures that others are computed from.
#[derive(Debug, Default)]
struct Figures {
    total: u64,
    free: u64,
    available: Option<u64>,
    buffered: u64,
    cached: u64,
    reclaimable: u64,
    swap_total: u64,
    swap_free: u64,
}

impl Memory {
    pub(crate) fn new(root: &Path, page_bytes: u64) -> Self {
        let (meminfo, vmstat) = (Source::new(root.join("meminfo")), Source::new(root.join("vmstat")));
        Self { meminfo, vmstat, page_bytes, total: 0 }
    }

    /// Bytes of memory in the machine, 0 until the first sample.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        let Some(bytes) = reader.read(&mut self.meminfo) else { return };
        let mut fields: Vec<Field> = Vec::with_capacity(FIELDS.len() + 5);
        let figures = parse(bytes, &mut fields);
        if figures.total == 0 {
            return;
        }
        self.total = figures.total;
        let cached = figures.cached + figures.reclaimable;
        // Kernels before 3.14 do not say what is available.
        let available = figures.available.unwrap_or_else(|| {
            fields.push(("available", int(figures.free + figures.buffered + cached)));
            figures.free + figures.buffered + cached
        });
        let used = figures.total.saturating_sub(available);
        fields.push(("cached", int(cached)));
        fields.push(("used", int(used)));
        fields.push(("used_percent", percent(used, figures.total)));
        fields.push(("available_percent", percent(available, figures.total)));
        rows.push("mem", &[], &fields);
        self.sample_swap(&figures, reader, rows);
    }

    fn sample_swap(&mut self, figures: &Figures, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        let used = figures.swap_total.saturating_sub(figures.swap_free);
        let mut fields: Vec<Field> = vec![
            ("total", int(figures.swap_total)),
            ("free", int(figures.swap_free)),
            ("used", int(used)),
            ("used_percent", percent(used, figures.swap_total)),
        ];
        for line in reader.read(&mut self.vmstat).into_iter().flat_map(lines) {
            let mut parts = words(line);
            let name = match parts.next() {
                Some(b"pswpin") => "in",
                Some(b"pswpout") => "out",
                _ => continue,
            };
            if let Some(pages) = parts.next().and_then(integer) {
                fields.push((name, int(pages.saturating_mul(self.page_bytes))));
            }
        }
        rows.push("swap", &[], &fields);
    }
}

fn parse(bytes: &[u8], fields: &mut Vec<Field>) -> Figures {
    let mut figures = Figures::default();
    for line in lines(bytes) {
        let mut parts = words(line);
        let (Some(label), Some(number)) = (parts.next(), parts.next().and_then(integer)) else { continue };
        let value = if parts.next() == Some(b"kB") { number.saturating_mul(1024) } else { number };
        match label {
            b"MemTotal:" => figures.total = value,
            b"MemFree:" => figures.free = value,
            b"MemAvailable:" => figures.available = Some(value),
            b"Buffers:" => figures.buffered = value,
            b"Cached:" => figures.cached = value,
            b"SReclaimable:" => figures.reclaimable = value,
            b"SwapTotal:" => figures.swap_total = value,
            b"SwapFree:" => figures.swap_free = value,
            _ => {}
        }
        if let Some((_, name)) = FIELDS.iter().find(|(known, _)| *known == label) {
            fields.push((name, int(value)));
        }
    }
    figures
}
