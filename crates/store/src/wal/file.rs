//! The few operations of the file system that the log's promise rests on, behind a trait so that tests can make them fail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A log segment that is being written.
pub(crate) trait LogFile: Send {
    /// Writes all bytes at an offset.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Brings what was written to disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}

/// The folder of the log.
pub(crate) trait LogFolder: Send + Sync {
    /// Creates an empty segment.
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;
    /// Brings the folder's entries to disk.
    fn sync(&self, folder: &Path) -> io::Result<()>;
    /// Removes a segment.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The room that is left on the folder's disk for ordinary users, in bytes.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
}

/// The real file system.
pub(crate) struct LocalFolder;

struct LocalFile(File);

impl LogFolder for LocalFolder {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        // A file of this name can only be one whose creation did not finish: it has no records.
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(LocalFile(file)))
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

impl LogFile for LocalFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

/// Brings a folder's entries to disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
