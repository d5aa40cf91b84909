//! Checksums of data files: a CRC-32C for each block, so that damage is found and its place is known.
//!
//! A block has 64 KiB, or in files of more than 16 MiB the power of two that makes at most 256 of them. In the manifest the
//! checksums of a file stand one behind the other, 8 hexadecimal digits each.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The smallest block.
const LEAST_BLOCK_BYTES: u64 = 64 << 10;

/// The most blocks of a file.
const MOST_BLOCKS: u64 = 256;

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 18;

/// The checksums of a file's blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Checksums(Vec<u32>);

/// Computes checksums of what comes piece by piece.
pub(crate) struct Summing {
    block_bytes: u64,
    /// Bytes in the block that is not full.
    in_block: u64,
    crc: u32,
    bytes: u64,
    sums: Vec<u32>,
}

/// The size of the blocks of a file of so many bytes.
fn block_bytes(file_bytes: u64) -> u64 {
    file_bytes.div_ceil(MOST_BLOCKS).next_power_of_two().max(LEAST_BLOCK_BYTES)
}

impl Summing {
    /// For a file that is to have so many bytes.
    pub(crate) fn new(file_bytes: u64) -> Self {
        Self { block_bytes: block_bytes(file_bytes), in_block: 0, crc: 0, bytes: 0, sums: Vec::new() }
    }

    /// Takes the next bytes.
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = usize::try_from(self.block_bytes - self.in_block).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.crc = crc32c::crc32c_append(self.crc, now);
            self.in_block += now.len() as u64;
            bytes = later;
            if self.in_block == self.block_bytes {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        self.sums.push(std::mem::take(&mut self.crc));
        self.in_block = 0;
    }

    /// The number of bytes and their checksums.
    pub(crate) fn finish(mut self) -> (u64, Checksums) {
        if self.in_block > 0 {
            self.end_block();
        }
        (self.bytes, Checksums(self.sums))
    }
}

impl Checksums {
    /// Those of a file as it is.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let bytes = std::fs::metadata(path)?.len();
        Ok(Self::of_file_that_had(path, bytes)?.1)
    }

    /// The size of a file, and its checksums in the blocks of a file of `file_bytes`: what it had when it was whole.
    pub(crate) fn of_file_that_had(path: &Path, file_bytes: u64) -> io::Result<(u64, Self)> {
        let mut file = File::open(path)?;
        let mut summing = Summing::new(file_bytes);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(summing.finish()),
                Ok(read) => summing.add(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The bytes of a file of `file_bytes` that are not what they were, given the checksums that it has now. Neighbouring
    /// blocks are one range.
    pub(crate) fn damaged(&self, now: &Self, file_bytes: u64) -> Vec<Range<u64>> {
        let block = block_bytes(file_bytes);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for (at, then) in (0_u64..).zip(&self.0) {
            let now = usize::try_from(at).ok().and_then(|at| now.0.get(at));
            if now == Some(then) {
                continue;
            }
            let range = at * block..((at + 1) * block).min(file_bytes);
            match ranges.last_mut().filter(|last| last.end == range.start) {
                Some(last) => last.end = range.end,
                None => ranges.push(range),
            }
        }
        ranges
    }
}

impl From<Checksums> for String {
    fn from(sums: Checksums) -> Self {
        sums.0.iter().map(|sum| format!("{sum:08x}")).collect()
    }
}

impl TryFrom<String> for Checksums {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "checksums are 8 hexadecimal digits each";
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(8) {
            return Err(WRONG);
        }
        let sum = |at: usize| text.get(at..at + 8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        (0..text.len()).step_by(8).map(sum).collect::<Option<_>>().map(Self).ok_or(WRONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(bytes: &[u8]) -> Checksums {
        let mut summing = Summing::new(bytes.len() as u64);
        bytes.chunks(7_001).for_each(|piece| summing.add(piece));
        let (len, sums) = summing.finish();
        assert_eq!(len, bytes.len() as u64);
        sums
    }

    #[test]
    fn the_damaged_blocks_are_named_and_no_others() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 7) as u8).collect();
        let whole = sums(&bytes);
        let text = String::from(whole.clone());
        assert_eq!(text.len(), 5 * 8);
        assert_eq!(text[..8], format!("{:08x}", crc32c::crc32c(&bytes[..65_536])));
        assert_eq!(Checksums::try_from(text).unwrap(), whole);
        assert_eq!(whole.damaged(&sums(&bytes), 300_000), []);

        let file = tempfile::NamedTempFile::new().unwrap();
        let damaged_by = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).unwrap();
            whole.damaged(&Checksums::of_file_that_had(file.path(), 300_000).unwrap().1, 300_000)
        };
        let mut flipped = bytes.clone();
        flipped[65_535] ^= 1;
        flipped[200_000] ^= 1;
        assert_eq!(damaged_by(&flipped), [0..65_536, 196_608..262_144]);
        assert!(damaged_by(&bytes[..140_000]).into_iter().eq(std::iter::once(131_072..300_000)));
        assert!(damaged_by(&[]).into_iter().eq(std::iter::once(0..300_000)));
    }

    #[test]
    fn a_large_file_has_few_checksums_and_a_wrong_text_is_refused() {
        assert_eq!(block_bytes(0), 64 << 10);
        assert_eq!(block_bytes(16 << 20), 64 << 10);
        assert_eq!(block_bytes((16 << 20) + 1), 128 << 10);
        assert_eq!(block_bytes(512 << 20), 2 << 20);
        for wrong in ["1234567", "1234567g", "+1234567", "ééééé"] {
            assert!(Checksums::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
