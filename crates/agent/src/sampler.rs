//! The sampler: all collectors, read one after the other.

use std::io;
use std::path::PathBuf;

use sensorium_model::{BatchBuilder, ErrorKind, RowError};
use thiserror::Error;

use crate::cpu::Cpu;
use crate::diskio::DiskIo;
use crate::disks::Disks;
use crate::memory::Memory;
use crate::network::Network;
use crate::pressure::Pressure;
use crate::processes::Processes;
use crate::rows::Rows;
use crate::source::{MissingSource, Reader};
use crate::system::{System, Units};
use crate::temperatures::Temperatures;

/// What to sample, and where from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplerConfig {
    /// Value of the `host` tag.
    pub host: String,
    /// Where procfs is mounted; `/proc`, or the host's inside a container.
    pub root: PathBuf,
    /// Where sysfs is mounted.
    pub sys: PathBuf,
    /// How many processes to write, by CPU time and again by memory; 0 writes none.
    pub top_processes: usize,
}

impl SamplerConfig {
    /// The usual folders and the five busiest and five largest processes.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into(), root: "/proc".into(), sys: "/sys".into(), top_processes: 5 }
    }
}

/// Why the sampler cannot start.
#[derive(Debug, Error)]
pub enum SamplerError {
    /// There is no procfs.
    #[error("cannot read {path}: host metrics need Linux's procfs; mount it, or switch host_metrics.enabled off")]
    NoProc {
        /// The file that was tried.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
}

impl SamplerError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoProc { .. } => ErrorKind::Missing,
        }
    }
}

/// What a sample brought.
#[derive(Debug, Default)]
pub struct SampleReport {
    /// Rows that were added to the batch.
    pub rows: u32,
    /// Files found missing, each once in the life of the sampler; their rows are left out.
    pub missing: Vec<MissingSource>,
    /// Rows that the batch refused, with their table; a type that was stored differently before, for example.
    pub refused: Vec<(&'static str, RowError)>,
}

/// Reads this machine's vitals; one per machine, called at a steady interval.
#[derive(Debug)]
pub struct Sampler {
    host: String,
    reader: Reader,
    cpu: Cpu,
    memory: Memory,
    system: System,
    pressure: Pressure,
    disks: Disks,
    disk_io: DiskIo,
    network: Network,
    temperatures: Temperatures,
    processes: Processes,
}

impl Sampler {
    /// Opens procfs and notes the counters of CPUs and processes, so that the first sample already has an interval.
    pub fn new(config: SamplerConfig) -> Result<Self, SamplerError> {
        let SamplerConfig { host, root, sys, top_processes } = config;
        let units = Units::of_this_machine();
        let mut sampler = Self {
            host,
            reader: Reader::default(),
            cpu: Cpu::new(&root),
            memory: Memory::new(&root, units.page_bytes),
            system: System::new(&root),
            pressure: Pressure::new(&root),
            disks: Disks::new(&root),
            disk_io: DiskIo::new(&root, &sys),
            network: Network::new(&root),
            temperatures: Temperatures::new(&sys),
            processes: Processes::new(&root, units, top_processes),
        };
        sampler.cpu.prime(&mut sampler.reader);
        let uptime = sampler.system.read_uptime(&mut sampler.reader);
        sampler.processes.prime(uptime);
        let stat = root.join("stat");
        let mut missing = sampler.reader.take_missing();
        if let Some(index) = missing.iter().position(|missing| missing.path == stat) {
            let MissingSource { path, error } = missing.swap_remove(index);
            return Err(SamplerError::NoProc { path, source: error });
        }
        Ok(sampler)
    }

    /// Appends the rows of this moment to a batch.
    ///
    /// `now_ns` becomes the rows' time; shares of an interval are computed from the kernel's own clock, so that a step of
    /// the wall clock distorts nothing.
    pub fn sample(&mut self, now_ns: i64, into: &mut BatchBuilder<'_>) -> SampleReport {
        let mut rows = Rows::new(into, &self.host, now_ns);
        let reader = &mut self.reader;
        self.cpu.sample(reader, &mut rows);
        self.memory.sample(reader, &mut rows);
        let uptime = self.system.sample(reader, &mut rows);
        self.pressure.sample(reader, &mut rows);
        self.disk_io.sample(reader, &mut rows);
        self.network.sample(reader, &mut rows);
        self.disks.sample(reader, &mut rows);
        self.temperatures.sample(reader, &mut rows);
        self.processes.sample(uptime, self.memory.total(), &mut rows);
        let (rows, refused) = rows.finish();
        SampleReport { rows, missing: self.reader.take_missing(), refused }
    }
}
