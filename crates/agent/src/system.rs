//! `/proc/loadavg` and `/proc/uptime`: table `system`; and the constants of this machine that other figures need.

use std::path::Path;

use sensorium_model::Value;

use crate::rows::{Field, Rows, int};
use crate::source::{Reader, Source};
use crate::text::{decimal, words};

const AT_PAGESZ: u64 = 6;
const AT_CLKTCK: u64 = 17;

/// Units in which the kernel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) page_bytes: u64,
    pub(crate) ticks_per_second: u64,
}

impl Units {
    /// From the auxiliary vector that the kernel gave to this process; common values where it cannot be read.
    pub(crate) fn of_this_machine() -> Self {
        Self::from_auxv(&std::fs::read("/proc/self/auxv").unwrap_or_default())
    }

    fn from_auxv(bytes: &[u8]) -> Self {
        let mut units = Self { page_bytes: 4096, ticks_per_second: 100 };
        let (words, _) = bytes.as_chunks::<{ size_of::<usize>() }>();
        let words: Vec<u64> = words.iter().map(|word| usize::from_ne_bytes(*word) as u64).collect();
        for pair in words.chunks_exact(2) {
            match *pair {
                [AT_PAGESZ, bytes] if bytes > 0 => units.page_bytes = bytes,
                [AT_CLKTCK, ticks] if ticks > 0 => units.ticks_per_second = ticks,
                _ => {}
            }
        }
        units
    }
}

#[derive(Debug)]
pub(crate) struct System {
    loadavg: Source,
    uptime: Source,
    cpus: u64,
}

impl System {
    pub(crate) fn new(root: &Path) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
        let (loadavg, uptime) = (Source::new(root.join("loadavg")), Source::new(root.join("uptime")));
        Self { loadavg, uptime, cpus }
    }

    /// Seconds since boot: the clock by which shares of an interval are computed, since it never jumps.
    pub(crate) fn read_uptime(&mut self, reader: &mut Reader) -> Option<f64> {
        words(reader.read(&mut self.uptime)?).next().and_then(decimal)
    }

    /// Writes the row and returns the uptime that it holds.
    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) -> Option<f64> {
        let mut fields: Vec<Field> = vec![("n_cpus", int(self.cpus))];
        let uptime = self.read_uptime(reader);
        fields.extend(uptime.map(|seconds| ("uptime", int(seconds as u64))));
        let loads = reader.read(&mut self.loadavg).into_iter().flat_map(words).map_while(decimal);
        fields.extend(["load1", "load5", "load15"].into_iter().zip(loads.map(Value::F64)));
        rows.push("system", &[], &fields);
        uptime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_from_the_auxiliary_vector() {
        let vector = [6_usize, 16_384, 17, 250, 0, 0].map(usize::to_ne_bytes).concat();
        assert_eq!(Units::from_auxv(&vector), Units { page_bytes: 16_384, ticks_per_second: 250 });
        assert_eq!(Units::from_auxv(&[]), Units { page_bytes: 4096, ticks_per_second: 100 });
        assert!(Units::of_this_machine().page_bytes.is_power_of_two());
    }
}
