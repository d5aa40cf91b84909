//! Measurements of a real, running Sensorium. Each subcommand starts what it needs in a temporary folder on free
//! ports, shows its progress, prints one table and stops everything that it started.

mod idle;
mod percentiles;
mod pixel;
mod sensorium;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measure Sensorium", version)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Time from the start to the first live point, then memory and processor time of a server that only samples its host
    Idle(idle::IdleArgs),
    /// Time from a POST of a reading to its value being painted in a browser that shows the overview
    Pixel(pixel::PixelArgs),
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command-line tool speaks to a person")]
async fn main() -> ExitCode {
    // The HTTP client asks for a TLS provider even where it speaks plain HTTP; it can only be installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let outcome = match Arguments::parse().bench {
        Bench::Idle(arguments) => idle::run(arguments).await,
        Bench::Pixel(arguments) => pixel::run(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
