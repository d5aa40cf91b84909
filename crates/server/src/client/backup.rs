//! `sensorium backup` and `sensorium restore`.
//!
//! A running server only holds its files still and says where; this process copies them, so that the backup belongs to the
//! user that asks for it and the server writes nowhere but in its own folder.

use std::path::PathBuf;

use anyhow::{Context, Result};
use reqwest::Method;
use sensorium_metadata::{Engine, FILE, Metadata, MetadataConfig};
use sensorium_store::{Backup, BackupInfo, BackupReport, backups};
use serde::Deserialize;

use super::{Reach, load};
use crate::cli::{BackupArgs, ReachFlags, RestoreArgs};
use crate::maintenance::{bytes_bar, name_of_now};
use crate::open::metadata_config;

/// A backup with its key would open what is sealed to whoever finds it.
const KEY_IS_NOT_IN_IT: &str = "The key of sealed secrets (secret.key in the data folder, or secrets.key_file) is not in it: keep a copy of it elsewhere";

/// What the server holds still.
#[derive(Deserialize)]
struct Held {
    id: String,
    folder: PathBuf,
}

/// Makes a backup.
#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
pub(crate) async fn backup(args: BackupArgs) -> Result<()> {
    let metadata = metadata_config(&load(&args.config)?.settings)?;
    let flags = ReachFlags { config: args.config.clone(), ..ReachFlags::default() };
    let reach = Reach::open(&flags, false).await?;
    let outcome = make(&reach, &args, &metadata).await;
    reach.close().await?;
    let report = outcome?;
    println!("{}", summary(&report));
    if let Engine::Postgres(url) = &metadata.engine {
        println!("People, tokens and the record of changes are in {url} and not in this backup: use pg_dump for them");
    }
    println!("{KEY_IS_NOT_IN_IT}");
    Ok(())
}

async fn make(reach: &Reach, args: &BackupArgs, metadata: &MetadataConfig) -> Result<BackupReport> {
    let backup = Backup::begin(&args.folder, &name_of_now())?;
    let held = hold(reach).await?;
    let made = copy(backup, held.folder.clone(), metadata, args.keep.into()).await;
    let released = release(reach, &held).await;
    let report = made?;
    released?;
    Ok(report)
}

/// Copies what is held, then the metadata: who is named in the readings is then known in it.
async fn copy(mut backup: Backup, held: PathBuf, metadata: &MetadataConfig, keep: usize) -> Result<BackupReport> {
    let (bar, progress) = bytes_bar()?;
    let copied = tokio::task::spawn_blocking(move || backup.copy(&held, progress).map(|()| backup)).await;
    bar.finish_and_clear();
    let mut backup = copied.context("copying was interrupted")??;
    if Metadata::copy(metadata, &backup.folder().join(FILE)).await? {
        backup.add(FILE)?;
    }
    let finished = tokio::task::spawn_blocking(move || backup.finish(keep)).await;
    Ok(finished.context("ending the backup was interrupted")??)
}

async fn hold(reach: &Reach) -> Result<Held> {
    match reach {
        Reach::Server(remote) => {
            let response = remote.send(remote.request(Method::POST, "/api/v1/backup")).await?;
            response.json().await.context("the server's answer cannot be read")
        }
        Reach::Folder(folder) => {
            folder.store.flush().await?;
            let store = folder.store.clone();
            let frozen = tokio::task::spawn_blocking(move || store.freeze()).await;
            let frozen = frozen.context("the backup was interrupted")??;
            Ok(Held { id: frozen.id.to_string(), folder: frozen.folder })
        }
    }
}

async fn release(reach: &Reach, held: &Held) -> Result<()> {
    match reach {
        Reach::Server(remote) => {
            remote.send(remote.request(Method::DELETE, &format!("/api/v1/backup/{}", held.id))).await?;
        }
        Reach::Folder(folder) => {
            folder.store.thaw(held.id.parse()?)?;
        }
    }
    Ok(())
}

fn summary(report: &BackupReport) -> String {
    let BackupReport { files, rows, bytes, copied_files, copied_bytes, removed } = report;
    let mut text = format!(
        "The backup has {rows} rows, {files} files, {bytes} bytes; {copied_files} data files with {copied_bytes} bytes were new"
    );
    if *removed > 0 {
        text.push_str(&format!("; {removed} older backups were removed"));
    }
    text
}

/// Makes a data folder from a backup, or lists the backups that there are.
#[expect(clippy::print_stdout, reason = "the answer to a person or a script")]
pub(crate) fn restore(args: &RestoreArgs) -> Result<()> {
    if args.list {
        for BackupInfo { name, files, rows, bytes } in backups(&args.folder)? {
            println!("{name}  {rows} rows, {files} files, {bytes} bytes");
        }
        return Ok(());
    }
    let data_dir = load(&args.config)?.settings.data_dir;
    let (bar, progress) = bytes_bar()?;
    let restored = sensorium_store::restore(&args.folder, args.at.as_deref(), &data_dir, progress);
    bar.finish_and_clear();
    let BackupInfo { name, files, rows, bytes } = restored?;
    let folder = data_dir.display();
    println!("Restored the backup {name} to {folder}: {rows} rows, {files} files, {bytes} bytes");
    println!("{KEY_IS_NOT_IN_IT}; put it in its place before you start the server");
    Ok(())
}
