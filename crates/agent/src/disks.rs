//! `/proc/self/mounts` and `statvfs`: table `disk`, the space of each local file system.
//!
//! Left out: what only looks like a file system (proc, cgroup, tmpfs, …), remote ones, whose server may hang, and
//! further mounts of a device that is already reported. A container's overlay is reported where it is the root.

use std::path::Path;

use crate::rows::{Rows, int, percent};
use crate::source::{Reader, Source};
use crate::text::{lines, words};

/// File systems that hold files on local storage.
const LOCAL: [&str; 26] = [
    "apfs", "bcachefs", "btrfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "hfs", "hfsplus", "jfs",
    "jffs2", "msdos", "nilfs2", "ntfs", "ntfs3", "overlay", "reiserfs", "ubifs", "udf", "ufs", "vfat", "xfs", "zfs",
];
/// Samples between two readings of the list of mounts.
const LIST_EVERY: u32 = 10;
/// File systems on one machine.
const MAX_MOUNTS: usize = 64;

#[derive(Debug, PartialEq, Eq)]
struct Mount {
    path: String,
    device: String,
    fstype: String,
    mode: &'static str,
}

#[derive(Debug)]
pub(crate) struct Disks {
    list: Source,
    mounts: Vec<Mount>,
    until_list: u32,
}

impl Disks {
    pub(crate) fn new(root: &Path) -> Self {
        Self { list: Source::new(root.join("self/mounts")), mounts: Vec::new(), until_list: 0 }
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        if self.until_list == 0 {
            self.until_list = LIST_EVERY;
            self.mounts = reader.read(&mut self.list).map(parse).unwrap_or_default();
        }
        self.until_list -= 1;
        for mount in &self.mounts {
            let Ok(space) = rustix::fs::statvfs(mount.path.as_str()) else { continue };
            let total = space.f_blocks.saturating_mul(space.f_frsize);
            if total == 0 {
                continue;
            }
            let free = space.f_bavail.saturating_mul(space.f_frsize);
            let used = space.f_blocks.saturating_sub(space.f_bfree).saturating_mul(space.f_frsize);
            let inodes_used = space.f_files.saturating_sub(space.f_ffree);
            rows.push(
                "disk",
                &[("path", &mount.path), ("device", &mount.device), ("fstype", &mount.fstype), ("mode", mount.mode)],
                &[
                    ("total", int(total)),
                    ("free", int(free)),
                    ("used", int(used)),
                    // As df does: blocks reserved for root are neither used nor free.
                    ("used_percent", percent(used, used.saturating_add(free))),
                    ("inodes_total", int(space.f_files)),
                    ("inodes_free", int(space.f_ffree)),
                    ("inodes_used", int(inodes_used)),
                    ("inodes_used_percent", percent(inodes_used, space.f_files)),
                ],
            );
        }
    }
}

fn parse(bytes: &[u8]) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for line in lines(bytes) {
        let mut parts = words(line).map(unescape);
        let (Some(device), Some(path), Some(fstype), Some(options)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if !LOCAL.contains(&fstype.as_str()) || (fstype == "overlay" && path != "/") {
            continue;
        }
        let mode = if options.split(',').any(|option| option == "ro") { "ro" } else { "rw" };
        let device = device.strip_prefix("/dev/").unwrap_or(&device).to_owned();
        let mount = Mount { path, device, fstype, mode };
        // ZFS data sets have a device name each; of bind mounts the shortest path is the file system itself.
        match mounts.iter_mut().find(|known| known.device == mount.device || known.path == mount.path) {
            Some(known) if known.path.len() > mount.path.len() || known.path == mount.path => *known = mount,
            Some(_) => {}
            None => mounts.push(mount),
        }
        if mounts.len() == MAX_MOUNTS {
            break;
        }
    }
    mounts
}

/// Undoes the octal escapes (`\040` for a space) of the list of mounts.
fn unescape(word: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| *first == b'\\').and_then(|digits| {
            digits.iter().try_fold(0_u8, |value, digit| {
                let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
                value.checked_mul(8)?.checked_add(digit)
            })
        });
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_file_systems_once_each() {
        let mounts = parse(
            b"proc /proc proc rw 0 0\n\
              overlay / overlay rw,relatime 0 0\n\
              overlay /var/lib/docker/x overlay rw 0 0\n\
              /dev/sda1 /etc/hosts ext4 rw 0 0\n\
              /dev/sda1 /home ext4 ro,relatime 0 0\n\
              server:/x /mnt nfs4 rw 0 0\n\
              /dev/sdb1 /media/my\\040disk vfat rw 0 0\n\
              tmpfs /run tmpfs rw 0 0\n\
              broken\n",
        );
        let seen: Vec<_> = mounts.iter().map(|m| (m.path.as_str(), m.device.as_str(), m.mode)).collect();
        assert_eq!(seen, [("/", "overlay", "rw"), ("/home", "sda1", "ro"), ("/media/my disk", "sdb1", "rw")]);
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescape(b"a\\040b\\0\\999"), "a b\\0\\999");
    }
}
