//! A file whose bytes go to the disk while it is written.
//!
//! The log is synced many times a second, and a file system may have to write what other files have waiting before it answers.
//! So a data file never has much waiting.

use std::fs::File;
use std::io::{self, Write};

/// Bytes after which the file is synced.
const STEP_BYTES: usize = 1 << 20;

/// The file.
pub(crate) struct SteadyFile {
    file: File,
    waiting: usize,
}

impl SteadyFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file, waiting: 0 }
    }

    /// The file itself, to be synced in the end.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Write for SteadyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.waiting += written;
        if self.waiting >= STEP_BYTES {
            self.waiting = 0;
            self.file.sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
