//! Checking a store that nobody has open.

use std::path::PathBuf;

use super::*;
use crate::{CheckReport, check};

fn checked(folder: &Path) -> CheckReport {
    let mut last = None;
    let report = check(folder, |progress| last = Some(progress)).unwrap();
    if let Some(progress) = last {
        assert_eq!((progress.bytes, progress.total_bytes), (report.bytes, report.bytes));
    }
    report
}

/// A store with rows in a file and in the log.
fn stored(folder: &Path) {
    let store = create(folder);
    write(&store, &[reading(1, 1.0), reading(2, 2.0)]);
    wait(store.flush()).unwrap();
    write(&store, &[reading(3, 3.0)]);
}

fn find(folder: &Path, extension: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                return path;
            }
        }
    }
    panic!("there is no .{extension} file");
}

#[test]
fn an_intact_store_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path());
    let report = checked(folder.path());
    assert_eq!((report.files, report.rows, report.segments, report.records), (1, 2, 1, 1));
    assert_eq!(report.findings, []);
}

#[test]
fn each_kind_of_file_that_is_damaged_is_found() {
    for extension in ["parquet", "last", "wal", "json"] {
        let folder = tempfile::tempdir().unwrap();
        stored(folder.path());
        let path = find(folder.path(), extension);
        let mut bytes = std::fs::read(&path).unwrap();
        // In a log with one record, a damaged record is a torn end; its header is not.
        let at = if extension == "wal" { 3 } else { bytes.len() / 2 };
        bytes[at] ^= 0x55;
        std::fs::write(&path, bytes).unwrap();
        let report = checked(folder.path());
        assert!(!report.findings.is_empty(), "{extension}");
        let expected = if extension == "json" { folder.path().join("manifest") } else { path };
        let expected = expected.canonicalize().unwrap();
        assert!(report.findings.iter().all(|finding| finding.path.starts_with(&expected)), "{report:?}");
    }
}

#[test]
fn a_file_that_is_not_what_the_manifest_says_is_found() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path());
    let other = tempfile::tempdir().unwrap();
    let store = create(other.path());
    write(&store, &[reading(7, 7.0)]);
    wait(store.shutdown()).unwrap();
    std::fs::copy(find(other.path(), "parquet"), find(folder.path(), "parquet")).unwrap();
    let findings = checked(folder.path()).findings;
    let said: Vec<_> = findings.iter().map(|finding| finding.what.split(':').next().unwrap()).collect();
    assert!(said.contains(&"rows") && said.contains(&"times"), "{findings:?}");
}

#[test]
fn a_store_in_use_or_missing_is_not_checked() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    assert!(check(folder.path(), |_| {}).unwrap_err().to_string().contains("in use"));
    drop(store);
    let empty = tempfile::tempdir().unwrap();
    assert!(check(empty.path(), |_| {}).is_err());
    assert!(check(&empty.path().join("none"), |_| {}).is_err());
}

/// Decoders of Arrow and Parquet panic on some bytes that no encoder writes.
#[test]
fn every_flipped_bit_of_a_data_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path());
    let path = find(folder.path(), "parquet");
    let intact = std::fs::read(&path).unwrap();
    for bit in 0..intact.len() * 8 {
        let mut bytes = intact.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, bytes).unwrap();
        assert!(!checked(folder.path()).findings.is_empty(), "bit {bit}");
    }
}
