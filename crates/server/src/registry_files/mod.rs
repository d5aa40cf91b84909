//! `sensorium apply` and `sensorium export-config`: what an organisation has set up, as YAML files, to keep in version control and
//! to move from one server to another.
//!
//! What is where: `document` (what the files say), `read` (files in, one document out), `current` (what a server has),
//! `references` (whether what things name will be there), `pictures` (the plans of places), `plan` (what applying would change,
//! without any side effect), `release` (names that devices write as and that change hands), `carry_out` (the requests), `write`
//! (one document in, files out).
//!
//! Things are known by their names, places by the names from the top down, so that files hold no ids. Applying is repeatable:
//! what is as the files say is left alone, and a run that was cut off is completed by the next. Each change names the version
//! that the plan was made for, so that somebody else's change in between stops it instead of being undone.

mod carry_out;
mod current;
mod document;
mod pictures;
mod plan;
mod read;
mod references;
mod release;
mod write;

use anyhow::{Context, Result, bail};

use crate::cli::{ApplyArgs, ExportConfigArgs};
use crate::client::{self, Remote};

use self::current::Current;
use self::plan::Plan;

/// Runs `sensorium apply`.
#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
pub(crate) async fn apply(args: ApplyArgs) -> Result<()> {
    let mut wanted = read::read(&args.files)?;
    let remote = client::server(&args.reach).await?;
    let mut current = Current::of(&remote).await?;
    if wanted.document.templates.is_some() {
        current.ask_templates(&remote).await?;
    }
    if wanted.document.groups.is_some() {
        current.ask_groups(&remote).await.context("the files hold groups, and those of the server cannot be read")?;
    }
    references::resolve(&mut current, &mut wanted, args.prune)?;
    pictures::compare(&remote, &mut current, &wanted.document).await?;
    let plan = Plan::make(&current, &wanted.document, args.prune);
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
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the answer to a person or a script, and what is not in it"
)]
pub(crate) async fn export(args: ExportConfigArgs) -> Result<()> {
    let remote: Remote = client::server(&args.reach).await?;
    let mut current = Current::of(&remote).await?;
    current.ask_templates(&remote).await?;
    let groups = current.ask_groups(&remote).await;
    if let Err(error) = &groups {
        eprintln!("Groups are not in it: {error:#}");
    }
    let Some(folder) = args.output else {
        if current.places.iter().any(|known| known.thing.plan.is_some()) {
            eprintln!("The pictures of plans are not in it; --output FOLDER writes them, too");
        }
        print!("{}", write::text(&current.into_document(groups.is_ok()))?);
        return Ok(());
    };
    let pictures = pictures::save(&remote, &mut current, &folder).await?;
    let files = write::files(current.into_document(groups.is_ok()), &folder)?;
    for path in pictures.iter().chain(&files) {
        println!("Wrote {}", path.display());
    }
    Ok(())
}
