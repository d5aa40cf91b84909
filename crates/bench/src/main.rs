//! Measurements of a real, running Sensorium. Each subcommand starts what it needs in a temporary folder on free
//! ports, shows its progress, prints one table and stops everything that it started.

mod coap;
mod detections;
mod file_system;
mod idle;
mod influx;
mod influxql;
mod large;
mod mqtt;
mod open_files;
mod pair;
mod percentiles;
mod pixel;
mod process;
mod report;
mod sensorium;
mod thread;
mod trucks;
mod walk;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "Measure Sensorium", version)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Confirmable requests beside libcoap's server, which keeps nothing, and beside the laboratory's with its InfluxDB
    Coap(coap::CoapArgs),
    /// Cameras that send what they see ten times a second, while others look on
    Detections(detections::DetectionsArgs),
    /// Time from the start to the first live point, then memory and processor time of a server that only samples its host
    Idle(idle::IdleArgs),
    /// Ingest, memory, disk and queries beside an InfluxDB 1.x that gets the same data in the same run
    Influx(influx::InfluxArgs),
    /// Questions in InfluxQL beside an InfluxDB 1.x with the same data, and memory at the laboratory's load
    Influxql(influxql::InfluxqlArgs),
    /// Restart, memory and newest values of a store with 100 million points
    Large(large::LargeArgs),
    /// Messages, acknowledgements and memory of the MQTT listener beside a Mosquitto that gets the same load in the same run
    Mqtt(mqtt::MqttArgs),
    /// Time from a POST of a reading to its value being painted in a browser that shows the overview
    Pixel(pixel::PixelArgs),
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command-line tool speaks to a person")]
async fn main() -> ExitCode {
    // The HTTP client asks for a TLS provider even where it speaks plain HTTP; it can only be installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let bench = async {
        match Arguments::parse().bench {
            Bench::Coap(arguments) => coap::run(arguments).await,
            Bench::Detections(arguments) => detections::run(arguments).await,
            Bench::Idle(arguments) => idle::run(arguments).await,
            Bench::Influx(arguments) => influx::run(arguments).await,
            Bench::Influxql(arguments) => influxql::run(arguments).await,
            Bench::Large(arguments) => large::run(arguments).await,
            Bench::Mqtt(arguments) => mqtt::run(arguments).await,
            Bench::Pixel(arguments) => pixel::run(arguments).await,
        }
    };
    // A measurement that is left off is dropped, and with it its servers and folders.
    let outcome = tokio::select! {
        outcome = bench => outcome,
        signal = interrupted() => Err(match signal {
            Ok(()) => anyhow!("interrupted; what was started has been stopped"),
            Err(error) => anyhow!(error).context("signals cannot be received"),
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns when a person or the system asks the process to end.
async fn interrupted() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
