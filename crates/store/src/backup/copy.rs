//! Copying a file so that it is known to be what it was.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::BackupError;
use crate::error::OpenError;
use crate::files::checksum::{Checksums, Summing};
use crate::folder::{create_folders_durably, sync_parent, temporary};

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// Copies a file below `root`, durably, and reads the copy back; `to` appears whole or not at all. Returns the file's size and
/// checksums. `wanted` is what they are to be, where that is known.
pub(super) fn copy(
    from: &Path,
    root: &Path,
    to: &Path,
    wanted: Option<(u64, &Checksums)>,
    mut copied: impl FnMut(u64),
) -> Result<(u64, Checksums), BackupError> {
    let reading = |source| OpenError::io("read", from, source);
    let writing = |source| OpenError::io("write", to, source);
    create_folders_durably(root, to.parent().unwrap_or(root)).map_err(writing)?;
    let draft = temporary(to);
    let mut source = File::open(from).map_err(reading)?;
    let bytes = source.metadata().map_err(reading)?.len();
    let mut target =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(writing)?;
    let mut summing = Summing::new(wanted.map_or(bytes, |(bytes, _)| bytes));
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(reading(error).into()),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        summing.add(piece);
        target.write_all(piece).map_err(writing)?;
        copied(read as u64);
    }
    target.sync_all().map_err(writing)?;
    let (bytes, sums) = summing.finish();
    if wanted.is_some_and(|wanted| wanted != (bytes, &sums)) {
        // Half of the truth is no backup.
        let _removed = std::fs::remove_file(&draft);
        return Err(BackupError::Damaged { path: from.to_owned(), what: "it does not match its checksum".to_owned() });
    }
    if Checksums::of_file_that_had(&draft, bytes).map_err(writing)? != (bytes, sums.clone()) {
        return Err(BackupError::Damaged { path: draft, what: "it is not what was written a moment ago".to_owned() });
    }
    std::fs::rename(&draft, to).map_err(writing)?;
    sync_parent(to).map_err(writing)?;
    Ok((bytes, sums))
}
