//! `sensorium store`: looks after a data folder that no server has open.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use chrono::Utc;
use indicatif::{ProgressBar, ProgressStyle};
use sensorium_store::{CheckProgress, CheckReport, Repair, Salvage, check};

use crate::cli::{ConfigFlags, StoreAction, StoreArgs};
use crate::config::Config;

/// Runs the command.
pub(crate) fn store(args: &StoreArgs) -> Result<()> {
    let folder = |flags: &ConfigFlags| -> Result<PathBuf> {
        Ok(Config::load(flags.config.as_deref(), std::env::vars_os(), &flags.values())?.settings.data_dir)
    };
    match &args.action {
        StoreAction::Check { config } => check_folder(&folder(config)?),
        StoreAction::Salvage { config, yes } => salvage(&folder(config)?, *yes),
    }
}

/// A bar of bytes that were read or written, and what moves it.
pub(crate) fn bytes_bar() -> Result<(ProgressBar, impl FnMut(CheckProgress))> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}")?);
    let moved = bar.clone();
    let progress = move |progress: CheckProgress| {
        moved.set_length(progress.total_bytes);
        moved.set_position(progress.bytes);
    };
    Ok((bar, progress))
}

/// What a backup, or the folder of damaged files, of this moment is called.
pub(crate) fn name_of_now() -> String {
    Utc::now().format("%Y%m%dT%H%M%SZ").to_string()
}

#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
fn salvage(dir: &Path, yes: bool) -> Result<()> {
    let (bar, progress) = bytes_bar()?;
    let plan = Salvage::plan(dir, progress);
    bar.finish_and_clear();
    let plan = plan?;
    if plan.repairs().is_empty() {
        println!("Nothing is damaged; nothing was changed");
        return Ok(());
    }
    plan.repairs().iter().for_each(|repair| print!("{}", shown(repair)));
    if !yes {
        bail!("nothing was changed; to do this, give the command again with --yes");
    }
    let folder = plan.apply(&name_of_now())?;
    println!("Done. The damaged files are in {}", folder.display());
    Ok(())
}

fn shown(repair: &Repair) -> String {
    let mut text = format!("{}: {}\n  kept: {}\n", repair.path.display(), repair.damage, repair.kept);
    if repair.lost.is_empty() {
        text.push_str("  lost: nothing\n");
    }
    repair.lost.iter().for_each(|lost| text.push_str(&format!("  lost: {lost}\n")));
    text
}

#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
fn check_folder(dir: &Path) -> Result<()> {
    let (bar, progress) = bytes_bar()?;
    let report = check(dir, progress);
    bar.finish_and_clear();
    let report = report?;
    println!("{}", summary(&report));
    for finding in &report.findings {
        println!("damaged: {}: {}", finding.path.display(), finding.what);
    }
    match report.findings.len() {
        0 => Ok(()),
        1 => bail!(
            "one thing is damaged; `sensorium store salvage` says what could be kept, and a backup can be restored with `sensorium restore`"
        ),
        count => bail!(
            "{count} things are damaged; `sensorium store salvage` says what could be kept, and a backup can be restored with `sensorium restore`"
        ),
    }
}

fn summary(report: &CheckReport) -> String {
    let CheckReport { segments, records, files, rows, bytes, .. } = report;
    format!("Read {bytes} bytes: {files} data files with {rows} rows, {segments} log segments with {records} records")
}
