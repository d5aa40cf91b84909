//! Development tasks, run as `cargo xtask TASK`.
//!
//! `tidy` checks what the compiler does not: module headers, the direction of dependencies between crates, that
//! their features are the same whatever is selected, files that nothing uses, links in the documentation, the length of files
//! and the drift of `openapi.json`. `soak` runs the tests that try to lose data, for as long as one likes.

mod cargo;
mod soak;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Development tasks of Sensorium")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the tree for what the compiler does not see
    Tidy,
    /// Write openapi.json anew from the code
    Openapi,
    /// Kill the server and damage the store with other seeds, for so many minutes; stops at the first failure
    Soak {
        /// How long
        minutes: u64,
        /// The seed of the first round (default: the time); each further round has the next number
        #[arg(long)]
        seed: Option<u64>,
        /// Only one of the two parts
        #[arg(long)]
        only: Option<soak::Part>,
    },
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to a person")]
fn main() -> ExitCode {
    let outcome = project_root().and_then(|root| match Arguments::parse().task {
        Task::Tidy => tidy::run(&root),
        Task::Openapi => tidy::openapi::write(&root).map(|()| Vec::new()),
        Task::Soak { minutes, seed, only } => {
            soak::run(&root, &soak::Options { minutes, seed, only }).map(|()| Vec::new())
        }
    });
    match outcome {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            for finding in &findings {
                println!("{finding}");
            }
            eprintln!("tidy: {} findings", findings.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn project_root() -> Result<PathBuf> {
    // Cargo says it to what it runs. Asked at build time, it could be another clone with the same target folder.
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("start this with `cargo xtask`")?);
    here.ancestors().nth(2).map(PathBuf::from).context("the task crate lies in crates/xtask of the project")
}
