//! `sensorium store`: looks after a data folder that no server has open.

use std::path::Path;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sensorium_store::{CheckReport, check};

use crate::cli::{StoreAction, StoreArgs};
use crate::config::Config;

/// Runs the command.
pub(crate) fn store(args: &StoreArgs) -> Result<()> {
    let StoreAction::Check { config: flags } = &args.action;
    let config = Config::load(flags.config.as_deref(), std::env::vars_os(), &flags.values())?;
    check_folder(&config.settings.data_dir)
}

#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
fn check_folder(dir: &Path) -> Result<()> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}")?);
    let report = check(dir, |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    let report = report?;
    println!("{}", summary(&report));
    for finding in &report.findings {
        println!("damaged: {}: {}", finding.path.display(), finding.what);
    }
    match report.findings.len() {
        0 => Ok(()),
        1 => bail!("one thing is damaged; keep a copy of the folder before anything else"),
        count => bail!("{count} things are damaged; keep a copy of the folder before anything else"),
    }
}

fn summary(report: &CheckReport) -> String {
    let CheckReport { segments, records, files, rows, bytes, .. } = report;
    format!("Read {bytes} bytes: {files} data files with {rows} rows, {segments} log segments with {records} records")
}
