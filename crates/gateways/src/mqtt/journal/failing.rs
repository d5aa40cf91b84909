//! A disk of tests that fails.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{Database, StorageBackend};

use super::{Journal, JournalError, Restored, tables};

/// A file whose syncs fail while another one is beside it.
#[derive(Debug)]
struct Failing(FileBackend, PathBuf);

impl StorageBackend for Failing {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        match self.1.exists() {
            true => Err(io::Error::from(io::ErrorKind::StorageFull)),
            false => self.0.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.0.write(offset, data)
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("fails")
}

fn opener(path: &Path) -> Result<Database, redb::Error> {
    Ok(Database::builder().create_with_backend(Failing(tables::backend(path)?, beside(path)))?)
}

/// A journal in such a file.
pub(in crate::mqtt) fn open(path: &Path, most_bytes: usize) -> Result<(Arc<Journal>, Restored), JournalError> {
    Journal::open_with(path, most_bytes, opener)
}

/// Has the syncs of a file fail, or not any more.
pub(in crate::mqtt) fn fail(path: &Path, fails: bool) {
    match fails {
        true => std::fs::write(beside(path), "").unwrap(),
        false => std::fs::remove_file(beside(path)).unwrap(),
    }
}
