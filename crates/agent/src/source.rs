//! Files of procfs and sysfs that stay open, and the one buffer that all of them are read into.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A larger file is cut off: no file that the sampler reads comes near it on a machine with a thousand cores.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// After how many fruitless reads a missing file is looked for again.
const RETRY_READS: u32 = 60;

/// A file that could not be read; its rows are left out.
#[derive(Debug)]
pub struct MissingSource {
    /// The file.
    pub path: PathBuf,
    /// Why it could not be read.
    pub error: io::Error,
}

/// One file that is read again and again.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    file: Option<File>,
    /// Reads until the next attempt to open the file.
    wait: u32,
    reported: bool,
}

impl Source {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, wait: 0, reported: false }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn read_into(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        let mut filled = 0;
        loop {
            if filled == buffer.len() {
                if filled >= MAX_BYTES {
                    return Ok(filled);
                }
                buffer.resize((filled * 2).max(4096), 0);
            }
            let Some(free) = buffer.get_mut(filled..) else { return Ok(filled) };
            match file.read_at(free, filled as u64) {
                Ok(0) => return Ok(filled),
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The shared buffer, and the files that turned out to be missing since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
    missing: Vec<MissingSource>,
}

impl Reader {
    /// The current text of a file, or nothing when it cannot be read, which is noted the first time.
    pub(crate) fn read<'b>(&'b mut self, source: &mut Source) -> Option<&'b [u8]> {
        if source.wait > 0 {
            source.wait -= 1;
            return None;
        }
        match source.read_into(&mut self.buffer) {
            Ok(bytes) => self.buffer.get(..bytes),
            Err(error) => {
                source.file = None;
                source.wait = RETRY_READS;
                if !source.reported {
                    source.reported = true;
                    self.missing.push(MissingSource { path: source.path.clone(), error });
                }
                None
            }
        }
    }

    /// Hands over what was found missing, each file once in the life of the sampler.
    pub(crate) fn take_missing(&mut self) -> Vec<MissingSource> {
        std::mem::take(&mut self.missing)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_changes_is_read_afresh_at_any_length() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let (mut reader, mut source) = (Reader::default(), Source::new(file.path()));
        file.write_all(&[b'x'; 10_000]).unwrap();
        assert_eq!(reader.read(&mut source).map(<[u8]>::len), Some(10_000));
        file.as_file().set_len(3).unwrap();
        assert_eq!(reader.read(&mut source), Some(b"xxx".as_slice()));
    }

    #[test]
    fn a_missing_file_is_reported_once_and_found_when_it_appears() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late");
        let (mut reader, mut source) = (Reader::default(), Source::new(&path));
        assert_eq!(reader.read(&mut source), None);
        assert_eq!(reader.take_missing().len(), 1);
        std::fs::write(&path, "here").unwrap();
        let found = (0..=RETRY_READS).find_map(|_| reader.read(&mut source).map(<[u8]>::to_vec));
        assert_eq!(found.as_deref(), Some(b"here".as_slice()));
        assert!(reader.take_missing().is_empty());
    }
}
