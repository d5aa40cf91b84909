//! The `sensorium` binary: configuration, wiring and command line.
//!
//! What is where: `cli` (what can be typed), `config` (where settings come from), `serve` (the server), `client` (commands
//! that ask a server or a folder), `import` (files), `maintenance` (of a folder), `local` (how commands find the server of this machine),
//! `registry_files` (devices and their types as YAML), `simulate` (devices that are not there), `tls` (the certificate of all listeners).
//!
//! Invariants: a failure is one sentence on standard error and exit code 1, never a backtrace; answers go to standard
//! output, everything else to standard error.

mod cli;
mod client;
mod config;
mod import;
mod local;
mod logging;
mod maintenance;
mod open;
mod registry_files;
mod serve;
mod simulate;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tikv_jemallocator::Jemalloc;

use cli::{Cli, Command, ConfigFormat};
use config::Config;

/// Readings are allocated by one thread and freed by another, some seconds later; for such memory it takes less than the C
/// library's allocator (`docs/adr/005-allocator.md`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Threads that serve connections; each has its own part of the allocator's memory, and more serve no purpose here.
const MAX_WORKERS: usize = 8;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes on one line.
#[expect(clippy::print_stderr, reason = "the last word to the person who typed the command")]
fn report(error: &anyhow::Error) {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors repeat their cause in their own sentence.
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    eprintln!("sensorium: {sentence}");
}

#[expect(clippy::print_stdout, reason = "the answers of two commands")]
fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Serve(args) => {
            let config = load(&args.flags)?;
            block_on(serve::serve(config))
        }
        Command::Import(command) => block_on(import::run(command.import, command.reach)),
        Command::Query(args) => block_on(client::query(args)),
        Command::Export(args) => block_on(client::export(args)),
        Command::Token(args) => block_on(client::token(args)),
        Command::Mail(args) => block_on(client::mail(args)),
        Command::Simulate(args) => block_on(simulate::simulate(args)),
        Command::Apply(args) => block_on(registry_files::apply(args)),
        Command::ExportConfig(args) => block_on(registry_files::export(args)),
        Command::Store(args) => maintenance::store(&args),
        Command::Backup(args) => block_on(client::backup(args)),
        Command::Restore(args) => client::restore(&args),
        Command::Config(args) => {
            let config = load(&args.flags)?;
            match args.format {
                ConfigFormat::Toml => print!("{}", config::show(&config)),
                ConfigFormat::Json => print!("{}", config::show_json(&config)),
            }
            Ok(())
        }
        Command::Version => {
            println!("sensorium {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

fn load(flags: &cli::ServeFlags) -> Result<Config> {
    Ok(Config::load(flags.config.config.as_deref(), std::env::vars_os(), &flags.values())?)
}

/// Runs a command to its end. Work that a thread is stuck in afterwards does not hold up the end of the process.
fn block_on(command: impl Future<Output = Result<()>>) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, MAX_WORKERS))
        .max_blocking_threads(32)
        .thread_keep_alive(Duration::from_secs(10))
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}
