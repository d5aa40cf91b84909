//! What the sampler itself costs: samples at 1 Hz and prints the share of one core and the memory of this process.
//!
//! `cargo run -p sensorium-agent --example sampler_cost -- 60`

use std::error::Error;
use std::time::{Duration, Instant};

use sensorium_agent::{Sampler, SamplerConfig};
use sensorium_model::{BatchBuilder, DatabaseSchema, IngestLimits};

#[expect(clippy::print_stdout, reason = "printing is what this example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let seconds: u32 = std::env::args().nth(1).map_or(Ok(60), |text| text.parse())?;
    let mut sampler = Sampler::new(SamplerConfig::new("here"))?;
    let schema = DatabaseSchema::default();
    let (started, before) = (Instant::now(), cpu_seconds()?);
    let (mut rows, mut now_ns) = (0, 1_700_000_000_000_000_000_i64);
    for tick in 1..=seconds {
        std::thread::sleep((started + Duration::from_secs(tick.into())).saturating_duration_since(Instant::now()));
        now_ns += 1_000_000_000;
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), now_ns);
        rows = sampler.sample(now_ns, &mut builder).rows;
    }
    let used = cpu_seconds()? - before;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    println!("{seconds} samples of {rows} rows: {:.3} % of one core, {resident}", 100.0 * used / f64::from(seconds));
    Ok(())
}

/// CPU time of this process, in seconds, from the scheduler's own nanosecond account.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanos: f64 = text.split_whitespace().next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanos / 1e9)
}
