//! The newest values of a table, saved at a flush so that a start need not scan for them.
//!
//! ```text
//! "SENSLAST"  length of the body (u64)  CRC-32C of the body (u32)  body
//! ```
//!
//! Integers are little-endian. The body is a batch as the log encodes it, with two tables of equal rows, one per series:
//! `values`, and `times` with the time of each value. A table has one full file and files with the series that changed
//! since; they are read in order, and of each value the newest counts.

use std::path::Path;

use sensorium_model::{Batch, DatabaseKey, TableBatch};

use crate::error::{OpenError, SALVAGE};
use crate::folder::write_durably;
use crate::wal::codec::{decode_batch, encode_batch};

const MAGIC: &[u8; 8] = b"SENSLAST";
const HEAD_BYTES: usize = 20;

/// Writes last values durably; returns the file's size.
pub(crate) fn write_last(path: &Path, database: &DatabaseKey, tables: Vec<TableBatch>) -> std::io::Result<u64> {
    let mut bytes = vec![0; HEAD_BYTES];
    encode_batch(&Batch { database: database.clone(), tables }, &mut bytes);
    let (head, body) = bytes.split_at_mut(HEAD_BYTES);
    let crc = crc32c::crc32c(body);
    let (magic, rest) = head.split_at_mut(8);
    let (len, sum) = rest.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    len.copy_from_slice(&(body.len() as u64).to_le_bytes());
    sum.copy_from_slice(&crc.to_le_bytes());
    write_durably(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Reads last values: the values and their times.
pub(crate) fn read_last(path: &Path) -> Result<(TableBatch, TableBatch), OpenError> {
    let damaged = |what: String| OpenError::Damaged { path: path.to_owned(), offset: 0, what, remedy: SALVAGE };
    let bytes = std::fs::read(path).map_err(|source| OpenError::io("read", path, source))?;
    let intact = || {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<8>()?;
        let (crc, body) = rest.split_first_chunk::<4>()?;
        let intact = magic == MAGIC
            && u64::from_le_bytes(*len) == body.len() as u64
            && u32::from_le_bytes(*crc) == crc32c::crc32c(body);
        intact.then_some(body)
    };
    let body = intact().ok_or_else(|| damaged("the last values are not intact".to_owned()))?;
    let batch = decode_batch(body).map_err(|error| damaged(error.to_string()))?;
    match <[TableBatch; 2]>::try_from(batch.tables) {
        Ok([values, times]) if values.rows() == times.rows() => Ok((values, times)),
        _ => Err(damaged("there are not two tables of equal rows".to_owned())),
    }
}
