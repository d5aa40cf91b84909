//! Host sampler: the vitals of this machine under Telegraf's table and field names, tagged `host`.
//!
//! [`Sampler::sample`] reads procfs and sysfs once and appends one row per CPU, disk, interface, … to a batch. What it
//! writes: `cpu`, `kernel`, `mem`, `swap`, `disk`, `diskio`, `net`, `system`, `pressure`, `processes`, `procstat`, `temp`.
//! Percentages of `cpu` and `procstat` belong to the interval since the sample before; what Telegraf reports as
//! a counter (`diskio`, `net`, `kernel`) is a counter here too.
//!
//! Invariants:
//! - files stay open and are read with `pread` into one reused buffer; nothing else is spawned, written or remembered
//!   beyond the numbers of the sample before;
//! - a file that is missing (a container, an old kernel) costs its own rows only and is reported once;
//! - the number of series is bounded: processes of one name are added up, and only the busiest are written.
//!
//! Limits: Linux only; remote file systems are left out, because asking a dead server for its free space would block.

mod cpu;
mod diskio;
mod disks;
mod memory;
mod network;
mod pressure;
mod processes;
mod rows;
mod sampler;
mod source;
mod system;
mod temperatures;
mod text;

pub use sampler::{SampleReport, Sampler, SamplerConfig, SamplerError};
pub use source::MissingSource;
