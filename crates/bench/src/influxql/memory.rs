//! The memory of a Sensorium that does the laboratory's work: two readings every five seconds over CoAP, and a panel of Grafana's
//! that is drawn anew as often.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sensorium_protocols::coap::Code;
use sensorium_protocols::coap::client::Answer;
use tokio::time::Instant;

use super::panel;
use crate::coap::port::{Port, reading};
use crate::coap::servers::{answers, free_address, start_sensorium};
use crate::influx::endpoint::Endpoint;
use crate::process::{self, peak_resident_bytes, resident_bytes};

/// The laboratory's client sends so often.
const EVERY: Duration = Duration::from_secs(5);
/// What the server is to stay below.
const AIM_BYTES: f64 = 60e6;

/// Starts a server as a person does, sends the load for so long, and says what it takes.
pub(crate) async fn run(binary: &Path, folder: &Path, seconds: u64) -> Result<String> {
    let address = free_address()?;
    // Only the port is not the one of the example.
    let server = start_sensorium(binary, address, &[], folder)?;
    answers(address)?;
    let mut port = Port::open(address, 0)?;
    let grafana = Endpoint::sensorium_with(&server, panel::DATABASE).await?;
    let process = process::folder(server.pid());
    let statements = panel::statements("time >= now() - 30m AND time <= now()");

    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s of the laboratory's load")?;
    let bar = ProgressBar::new(seconds).with_style(style);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut next = Instant::now();
    while next < until {
        for (kind, value) in [("temperature", "28.8"), ("humidity", "41.9")] {
            match port.ask_once(reading(Code::POST, kind, value)).await? {
                Answer::Response(response) if response.code == Code::CONTENT => {}
                other => bail!("a reading was not taken: {other:?}"),
            }
        }
        panel::ask(&grafana, &statements).await?;
        next += EVERY;
        tokio::time::sleep_until(next.min(until)).await;
        bar.inc(EVERY.as_secs());
    }
    bar.finish_and_clear();
    Ok(table(seconds, resident_bytes(&process)?, peak_resident_bytes(&process)?))
}

fn table(seconds: u64, resident: f64, peak: f64) -> String {
    let verdict = if resident < AIM_BYTES { "reached" } else { "not reached" };
    let mut text = format!("Sensorium alone after {seconds} s of the laboratory's load\n\n");
    let megabytes = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:<50} {:>12}  under {}: {verdict}",
        "resident memory",
        megabytes(resident),
        megabytes(AIM_BYTES)
    );
    let _ = writeln!(text, "{:<50} {:>12}", "resident memory, most since the start", megabytes(peak));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aim_is_about_the_memory_in_the_end() {
        let text = table(120, 59e6, 80e6);
        assert!(text.contains("59.0 MB  under 60.0 MB: reached") && text.contains("80.0 MB\n"), "{text}");
        assert!(table(120, 60e6, 80e6).contains("under 60.0 MB: not reached"));
    }
}
