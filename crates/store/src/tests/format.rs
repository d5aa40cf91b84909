//! Files of each released format stay readable.

use std::path::{Path, PathBuf};

use super::*;

/// A folder of the store as the first release wrote it: times in nanoseconds, plain doubles, no version in the Parquet files.
fn format_1() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/fixtures/format-1")
}

/// Copies a folder, so that a test may open it.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What was written to it: the second batch replaces fields of rows of the first.
fn points(batch: i64) -> Vec<Point<'static>> {
    let start = 1_700_000_000_000_000_000;
    let row = |row: i64| {
        let point = Point::new("t", start + row * 1_000_000_007).tag("place", ["hall", "roof"][(row % 2) as usize]);
        let point = point.field("temperature", Value::F64((2_000 + 7 * row + batch) as f64 / 100.0));
        let point = point.field("precise", Value::F64((row as f64 + 1.0).ln()));
        match row % 3 {
            0 => point.field("count", Value::I64(row - 10)).field("on", Value::Bool(row % 2 == 0)),
            1 => point.field("large", Value::U64(u64::MAX - row.cast_unsigned())),
            _ => point.field("note", Value::Text(format!("row {row}").into())),
        }
    };
    (batch * 20..batch * 20 + 30).map(row).collect()
}

#[test]
fn a_folder_of_format_1_reads_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    copy(&format_1(), &old);
    let old = open(&old);
    let stored = old.snapshot(&key(), "t").unwrap();
    assert!(
        stored.sources.len() == 2 && stored.sources.iter().all(|source| matches!(source.data, SourceData::File(_)))
    );

    let new = create(&folder.path().join("new"));
    for batch in 0..2 {
        write(&new, &points(batch));
        wait(new.flush()).unwrap();
    }
    assert_eq!(read(&old, "t").len(), 50);
    assert_eq!(read(&old, "t"), read(&new, "t"));
    // Old and new files of one table are read together.
    write(&old, &points(2));
    write(&new, &points(2));
    wait(old.flush()).unwrap();
    assert_eq!(read(&old, "t"), read(&new, "t"));
}

#[test]
fn a_manifest_of_a_later_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()));
    let path = folder.path().join("manifest/00000000000000000000.checkpoint.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(r#"{"format":2,"#, r#"{"format":4,"#)).unwrap();
    let error = Store::open(config(folder.path())).unwrap_err().to_string();
    assert!(error.contains(r#"format "4""#), "{error}");
}

#[test]
fn files_without_checksums_are_backed_up_once_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data"), folder.path().join("backups"));
    copy(&format_1(), &data);
    let store = open(&data);
    assert_eq!(backup::back_up(&store, &to, "1").copied_files, 2);
    assert_eq!(backup::back_up(&store, &to, "2").copied_files, 0);
    let restored = folder.path().join("restored");
    crate::restore(&to, None, &restored, |_| {}).unwrap();
    assert_eq!(read(&open(&restored), "t"), read(&store, "t"));
}

#[test]
fn a_folder_of_format_1_is_checked_without_checksums_and_new_files_have_them() {
    let folder = tempfile::tempdir().unwrap();
    copy(&format_1(), folder.path());
    let report = crate::check(folder.path(), |_| {}).unwrap();
    assert_eq!((report.findings, report.files, report.rows), (Vec::new(), 2, 60));
    let store = open(folder.path());
    write(&store, &points(2));
    wait(store.shutdown()).unwrap();
    drop(store);
    let manifest = crate::manifest::Manifest::load(&folder.path().join("manifest")).unwrap();
    let files = manifest.state().tables.values().flat_map(|table| &table.files);
    assert_eq!(files.map(|file| file.crc32c.is_some()).collect::<Vec<_>>(), [false, false, true]);
}
