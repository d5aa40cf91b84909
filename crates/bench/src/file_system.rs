//! What kind of file system a measurement would write to.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Refuses a folder that lies in memory: syncing costs nothing there.
pub(crate) fn require_disk(folder: &Path) -> Result<()> {
    let folder = folder.canonicalize().with_context(|| format!("{} is no folder", folder.display()))?;
    let mounts = std::fs::read_to_string("/proc/mounts").context("cannot read /proc/mounts")?;
    let kind = file_system(&mounts, &folder);
    ensure!(
        !matches!(kind, Some("tmpfs" | "ramfs")),
        "{} lies in memory, where syncing costs nothing; name a folder on a disk with --folder",
        folder.display()
    );
    Ok(())
}

/// The kind of file system that a folder is on.
fn file_system<'m>(mounts: &'m str, folder: &Path) -> Option<&'m str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    // Of equally deep ones the last was mounted over the others.
    mounts.filter(|(at, _)| folder.starts_with(at)).max_by_key(|(at, _)| at.components().count()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/disk xfs rw 0 0\n";
        let on = |folder: &str| file_system(mounts, Path::new(folder));
        assert_eq!((on("/home"), on("/tmp/x"), on("/tmp/disk/y")), (Some("ext4"), Some("tmpfs"), Some("xfs")));
        assert_eq!(on("/tmpfile"), Some("ext4"));
    }
}
