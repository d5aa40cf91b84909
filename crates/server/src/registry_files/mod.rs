//! `sensorium apply` and `sensorium export-config`: the registry of devices as YAML files, to keep in version control and to move
//! from one server to another.
//!
//! What is where: `document` (what the files say), `read` (files in, one document out), `current` (what a server has), `plan`
//! (what applying would change, without any side effect), `carry_out` (the requests), `write` (one document in, files out).
//!
//! Things are known by their names, so that files hold no ids. Applying is repeatable: what is as the files say is left alone,
//! and a run that was cut off is completed by the next. Each change names the version that the plan was made for, so that
//! somebody else's change in between stops it instead of being undone.

mod carry_out;
mod current;
mod document;
mod plan;
mod read;
mod write;

use anyhow::{Result, bail};

use crate::cli::{ApplyArgs, ExportConfigArgs};
use crate::client::{self, Remote};

use self::current::Current;
use self::plan::Plan;

/// Runs `sensorium apply`.
#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
pub(crate) async fn apply(args: ApplyArgs) -> Result<()> {
    let wanted = read::read(&args.files)?;
    let remote = client::server(&args.reach).await?;
    let current = Current::of(&remote).await?;
    let plan = Plan::make(&current, &wanted, args.prune)?;
    print!("{plan}");
    if plan.is_empty() {
        return Ok(());
    }
    if !args.yes {
        bail!("nothing was changed; to do this, give the command again with --yes");
    }
    let done = carry_out::carry_out(&remote, &plan, &current).await?;
    println!("Done: {done}.");
    Ok(())
}

/// Runs `sensorium export-config`.
#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
pub(crate) async fn export(args: ExportConfigArgs) -> Result<()> {
    let remote: Remote = client::server(&args.reach).await?;
    let document = Current::of(&remote).await?.into_document();
    match args.output {
        None => print!("{}", write::text(&document)?),
        Some(folder) => {
            for path in write::files(&document, &folder)? {
                println!("Wrote {}", path.display());
            }
        }
    }
    Ok(())
}
