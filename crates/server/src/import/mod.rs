//! `sensorium import`: reads a file into a database.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::cli::ReachFlags;

/// What to import, and how.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file
    pub(crate) file: PathBuf,
}

/// Runs the command; `crate::client::Reach::open(&reach, true)` finds the server or opens the folder.
pub(crate) async fn run(args: ImportArgs, reach: ReachFlags) -> Result<()> {
    let reach = crate::client::Reach::open(&reach, true).await?;
    reach.close().await?;
    bail!("{} is not read yet", args.file.display())
}
