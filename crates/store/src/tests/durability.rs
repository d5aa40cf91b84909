//! What a damaged, shared, foreign or cut-off folder does to a start.

use std::path::PathBuf;

use super::*;
use crate::OpenError;

/// The log segments, oldest first.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("wal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A store whose only segment has the database and three rows, written one by one; it is closed.
fn three_rows(dir: &Path) -> PathBuf {
    let store = create(dir);
    for time in 1..=3 {
        write(&store, &[reading(time, 1.0)]);
    }
    drop(store);
    segments(dir).remove(0)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Where the records of a segment begin, and where the last one ends.
pub(super) fn offsets(segment: &Path) -> Vec<usize> {
    let bytes = std::fs::read(segment).unwrap();
    let mut offsets = vec![24];
    while *offsets.last().unwrap() < bytes.len() {
        let at = *offsets.last().unwrap();
        let len = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        offsets.push(at + 17 + len);
    }
    offsets
}

#[test]
fn the_last_record_may_be_torn_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let segment = three_rows(&original);
    let bytes = std::fs::read(&segment).unwrap();
    let last = offsets(&segment)[3];
    for end in last..bytes.len() {
        for garbage in [0, 5] {
            let dir = folder.path().join(format!("{end}-{garbage}"));
            copy(&original, &dir);
            let mut torn = bytes[..end].to_vec();
            torn.resize(end + garbage, 0);
            std::fs::write(dir.join("wal").join(segment.file_name().unwrap()), torn).unwrap();
            let (store, report) = Store::open(config(&dir)).unwrap();
            assert_eq!((count(&store), report.torn_bytes), (2, (end + garbage - last) as u64), "cut at {end}");
            write(&store, &[reading(9, 1.0)]);
            drop(store);
            let (store, report) = Store::open(config(&dir)).unwrap();
            assert_eq!((count(&store), report.torn_bytes), (3, 0), "cut at {end}, second start");
            drop(store);
            std::fs::remove_dir_all(dir).unwrap();
        }
    }
}

#[test]
fn a_torn_header_of_the_last_segment_is_an_unfinished_creation() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    three_rows(&original);
    for len in 0..=24 {
        let dir = folder.path().join(len.to_string());
        copy(&original, &dir);
        std::fs::write(dir.join("wal/00000000000000000005.wal"), vec![0; len]).unwrap();
        let store = open(&dir);
        write(&store, &[reading(9, 1.0)]);
        drop(store);
        assert_eq!(count(&open(&dir)), 4);
    }
}

#[test]
fn every_flipped_bit_before_the_last_record_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let segment = three_rows(dir);
    let bytes = std::fs::read(&segment).unwrap();
    let offsets = offsets(&segment);
    for at in 0..offsets[3] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&segment, &damaged).unwrap();
        // The header, or a record.
        let record = offsets.iter().rev().find(|offset| **offset <= at).unwrap_or(&0);
        match Store::open(config(dir)) {
            Err(OpenError::Damaged { path, offset, .. }) => {
                assert_eq!((path, offset), (segment.clone(), *record as u64), "byte {at}");
            }
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(std::fs::read(&segment).unwrap(), damaged, "nothing is changed");
    }
    std::fs::write(&segment, &bytes).unwrap();
    assert_eq!(count(&open(dir)), 3);
}

#[test]
fn damage_in_an_older_segment_or_a_missing_one_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let first = three_rows(dir);
    let store = open(dir);
    write(&store, &[reading(4, 1.0)]);
    drop(store);
    let second = segments(dir).remove(1);
    let bytes = std::fs::read(&first).unwrap();
    let last = offsets(&first)[3];

    std::fs::write(&first, &bytes[..bytes.len() - 1]).unwrap();
    let error = Store::open(config(dir)).unwrap_err().to_string();
    assert!(error.contains(first.to_str().unwrap()) && error.contains(&format!("byte {last}")), "{error}");

    std::fs::remove_file(&first).unwrap();
    let error = Store::open(config(dir)).unwrap_err().to_string();
    assert!(error.contains(second.to_str().unwrap()) && error.contains("records 1 to 4 are missing"), "{error}");

    std::fs::write(&first, &bytes).unwrap();
    assert_eq!(count(&open(dir)), 4);
}

#[test]
fn segments_that_a_crash_left_behind_are_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let first = three_rows(dir);
    let kept = std::fs::read(&first).unwrap();
    let store = open(dir);
    write(&store, &[reading(4, 1.0)]);
    wait(store.flush()).unwrap();
    write(&store, &[reading(5, 1.0)]);
    drop(store);
    assert!(!first.exists());
    std::fs::write(&first, kept).unwrap();
    let (store, report) = Store::open(config(dir)).unwrap();
    assert_eq!((count(&store), report.rows), (5, 1));
    wait(store.flush()).unwrap();
    assert_eq!(store.stats().log_segments, 0);
    write(&store, &[reading(6, 1.0)]);
    drop(store);
    assert_eq!(count(&open(dir)), 6);
}

#[test]
fn a_second_open_is_told_who_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    match Store::open(config(folder.path())) {
        Err(OpenError::InUse { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
    wait(store.shutdown()).unwrap();
    let other = open(folder.path());
    assert_eq!(other.databases(key().org).len(), 1);
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()));
    std::fs::write(folder.path().join("FORMAT"), "sensorium-store 2\n").unwrap();
    let error = Store::open(config(folder.path())).unwrap_err().to_string();
    assert!(error.contains("\"sensorium-store 2\""), "{error}");
    std::fs::remove_file(folder.path().join("FORMAT")).unwrap();
    assert!(matches!(Store::open(config(folder.path())), Err(OpenError::NotAStore { .. })));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(Store::open(config(&file)), Err(OpenError::Io { .. })));
}

#[test]
fn a_missing_or_short_data_file_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    wait(store.flush()).unwrap();
    let SourceData::File(file) = store.snapshot(&key(), "t").unwrap().sources.remove(0).data else { panic!("a file") };
    drop(store);
    let bytes = std::fs::read(&file.path).unwrap();
    std::fs::write(&file.path, &bytes[1..]).unwrap();
    let error = Store::open(config(folder.path())).unwrap_err().to_string();
    assert!(error.contains(file.path.to_str().unwrap()), "{error}");
    std::fs::remove_file(&file.path).unwrap();
    let error = Store::open(config(folder.path())).unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
}

#[test]
fn damaged_newest_values_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    wait(store.shutdown()).unwrap();
    drop(store);
    let table = folder.path().join("data").join(key().org.to_string()).join("main/t/last");
    let path = std::fs::read_dir(table).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(config(folder.path())).unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
}
