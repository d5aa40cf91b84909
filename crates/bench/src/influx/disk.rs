//! What lies on disk, and when it has come to rest.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use super::influxdb::{COMPACT_AFTER, InfluxDb};
use crate::sensorium::Sensorium;

/// How often the folders are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A folder has come to rest when it did not change for so long; longer than InfluxDB waits before it compacts.
const REST: Duration = COMPACT_AFTER.saturating_add(Duration::from_secs(5));
/// When it is given up.
const PATIENCE: Duration = Duration::from_secs(600);
/// What may be left in InfluxDB's log when all readings are in files.
const LEFT_IN_LOG: u64 = 1 << 20;

/// The unit that a file system counts a file's blocks in.
const BLOCK_BYTES: u64 = 512;

/// What is seen of a folder at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    bytes: u64,
    files: usize,
    /// Whether there is anything that still has to be written or compacted.
    pending: bool,
}

/// Waits until InfluxDB has all readings in one file per shard and nothing changes any more; the bytes of its folder.
pub(crate) async fn rest_of_influxdb(server: &InfluxDb, bar: &ProgressBar) -> Result<u64> {
    rest("InfluxDB", bar, async || {
        let files = files_below(server.folder())?;
        let log: u64 = files.iter().filter(|(path, _)| path.starts_with(server.log_folder())).map(|file| file.1).sum();
        let is = |extension: &str, path: &Path| path.extension().is_some_and(|found| found == extension);
        let data: Vec<&Path> = files.iter().map(|file| file.0.as_path()).filter(|path| is("tsm", path)).collect();
        let mut shards: Vec<&Path> = data.iter().filter_map(|path| path.parent()).collect();
        shards.dedup();
        let unfinished = files.iter().any(|(path, _)| is("tmp", path));
        let pending = log > LEFT_IN_LOG || unfinished || data.is_empty() || data.len() > shards.len();
        Ok(look(&files, pending))
    })
    .await
}

/// Waits until Sensorium has no rows in memory and nothing changes any more; the bytes of its folder.
pub(crate) async fn rest_of_sensorium(server: &Sensorium, bar: &ProgressBar) -> Result<u64> {
    rest("Sensorium", bar, async || {
        let rows = server.figure("sensorium_store_memtable_rows").await?;
        Ok(look(&files_below(server.data_folder())?, rows > 0.0))
    })
    .await
}

async fn rest(name: &str, bar: &ProgressBar, now: impl AsyncFn() -> Result<Look>) -> Result<u64> {
    let started = Instant::now();
    let (mut seen, mut since) = (Look::default(), Instant::now());
    while started.elapsed() < PATIENCE {
        let found = now().await?;
        if found != seen {
            (seen, since) = (found, Instant::now());
        }
        if !found.pending && since.elapsed() >= REST {
            return Ok(found.bytes);
        }
        bar.set_message(format!("{name} writes and compacts: {} bytes in {} files", found.bytes, found.files));
        bar.tick();
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("{name} did not come to rest within {PATIENCE:?}: {seen:?}")
}

fn look(files: &[(PathBuf, u64)], pending: bool) -> Look {
    Look { bytes: files.iter().map(|file| file.1).sum(), files: files.len(), pending }
}

/// The files below a folder with what they take of the disk, sorted; one that goes away meanwhile is left out. Not their
/// lengths: InfluxDB makes some files long before it fills them.
fn files_below(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("cannot list {}", folder.display()))?,
        };
        for entry in entries {
            let path = entry?.path();
            match std::fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => open.push(path),
                Ok(found) => files.push((path, found.blocks() * BLOCK_BYTES)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot look at {}", path.display())),
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_levels_are_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("a/b/one"), [b'x'; 100_000]).unwrap();
        std::fs::write(folder.path().join("two"), [b'x'; 10_000]).unwrap();
        // A file that is long, but holds nothing.
        std::fs::File::create(folder.path().join("sparse")).unwrap().set_len(1 << 30).unwrap();
        for (path, _) in files_below(folder.path()).unwrap() {
            std::fs::File::open(path).unwrap().sync_all().unwrap();
        }
        let found = look(&files_below(folder.path()).unwrap(), false);
        assert_eq!((found.files, found.pending), (3, false));
        assert!((110_000..150_000).contains(&found.bytes), "{found:?}");
        assert_eq!(files_below(&folder.path().join("gone")).unwrap(), []);
    }
}
