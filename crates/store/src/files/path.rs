//! Names of data files.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sensorium_model::time::NANOS_PER_DAY;
use sensorium_model::{DatabaseKey, Name};

/// Characters of a table's name that a folder's name cannot or should not have.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// The longest name of a folder that is used; file systems allow 255 bytes.
const MAX_FOLDER_BYTES: usize = 200;

/// The folder of a table.
pub(crate) fn table_folder(data: &Path, database: &DatabaseKey, table: &Name) -> PathBuf {
    data.join(database.org.to_string()).join(database.name.as_str()).join(folder_name(table))
}

/// A table's name as a folder's name; a long one is cut and told apart by a checksum and its length.
///
/// The manifest, not the folder, says which table a file belongs to.
fn folder_name(table: &str) -> String {
    let encoded = utf8_percent_encode(table, ENCODED).to_string();
    if encoded.len() <= MAX_FOLDER_BYTES {
        return encoded;
    }
    let start: String = encoded.chars().take(MAX_FOLDER_BYTES - 40).collect();
    format!("{start}~{:08x}{:08x}", crc32c::crc32c(table.as_bytes()), crc32c::crc32c(encoded.as_bytes()))
}

/// A data file of a day.
pub(crate) fn data_file(table: &Path, day: i64, version: u64, number: usize) -> PathBuf {
    let date = DateTime::from_timestamp_nanos(day.saturating_mul(NANOS_PER_DAY)).format("%Y-%m-%d");
    table.join(format!("day={date}")).join(format!("{version:020}-{number:06}.parquet"))
}

/// A file of last values.
pub(crate) fn last_file(table: &Path, version: u64, number: usize) -> PathBuf {
    table.join("last").join(format!("{version:020}-{number:06}.last"))
}

/// The version in the name of a data file; `None` if it is none of the store's names.
pub(crate) fn version_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    let stem = name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".last"))?;
    let (version, number) = stem.split_once('-')?;
    let digits = |text: &str, len: usize| text.len() >= len && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(version, 20) && digits(number, 6)).then(|| version.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tables_stay_inside_their_folder() {
        for table in ["..", ".", "a/b", "a\\b", "ä ö", "%2F", "C:", "day=x"] {
            let name = folder_name(table);
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-%".contains(&b)), "{name}");
        }
        assert_ne!(folder_name("a/b"), folder_name("a%2Fb"));
        let (one, other) = ("ä".repeat(127), "ä".repeat(126) + "ö");
        assert!(folder_name(&one).len() <= MAX_FOLDER_BYTES);
        assert_ne!(folder_name(&one), folder_name(&other));
    }

    #[test]
    fn versions_are_read_back() {
        let path = data_file(Path::new("t"), -1, 12, 3);
        assert_eq!(path, Path::new("t/day=1969-12-31/00000000000000000012-000003.parquet"));
        assert_eq!(version_of(&path), Some(12));
        assert_eq!(version_of(&crate::folder::temporary(&last_file(Path::new("t"), 7, 1))), Some(7));
        assert_eq!(version_of(Path::new("t/mine.parquet")), None);
        assert_eq!(version_of(Path::new("t/12-3.parquet")), None);
    }
}
