//! A flush that is interrupted between its steps.

use super::*;
use crate::shared::Moment;

fn crash_at(moment: Moment) {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0), reading(2, 2.0)]);
    wait(store.flush()).unwrap();
    write(&store, &[reading(2, 2.5), reading(3, 3.0)]);
    let before = read(&store, "t");
    *store.shared.crash_at.lock() = Some(moment);
    assert!(wait(store.flush()).is_err());
    assert_eq!(read(&store, "t"), before, "readers go on");
    drop(store);

    let (store, report) = Store::open(config(folder.path())).unwrap();
    assert_eq!(read(&store, "t"), before);
    let in_memory = store.stats().memtable_rows;
    match moment {
        // The Parquet file and the newest values of the flush that did not end.
        Moment::FilesWritten => assert_eq!((report.removed_files, report.rows, in_memory), (2, 2, 2)),
        _ => assert_eq!((report.rows, report.files, in_memory), (0, 2, 0)),
    }
    assert_eq!(store.last_values(&key(), "t")[0].fields[0].time_ns, 3);
    write(&store, &[reading(4, 4.0)]);
    wait(store.flush()).unwrap();
    drop(store);
    let (store, report) = Store::open(config(folder.path())).unwrap();
    assert_eq!((count(&store), report.rows, report.removed_files), (4, 0, 0));
}

#[test]
fn files_that_no_manifest_names_are_removed_and_their_rows_are_in_the_log() {
    crash_at(Moment::FilesWritten);
}

#[test]
fn rows_that_the_manifest_names_are_not_read_from_the_log_again() {
    crash_at(Moment::ManifestWritten);
}

#[test]
fn rows_written_during_a_failed_flush_are_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    // A file where the table's folder must be makes each flush fail.
    let obstacle = folder.path().join("data").join(key().org.to_string());
    std::fs::write(&obstacle, "").unwrap();
    assert!(wait(store.flush()).is_err());
    write(&store, &[reading(1, 1.5), reading(2, 2.0)]);
    assert!(wait(store.flush()).is_err());
    assert_eq!((count(&store), store.stats().memtable_rows), (2, 3));
    std::fs::remove_file(&obstacle).unwrap();
    wait(store.flush()).unwrap();
    let stats = store.stats();
    assert_eq!((stats.memtable_rows, stats.memtable_bytes, stats.files), (0, 0, 1));
    assert_eq!(read(&store, "t").values().next().unwrap()["value"], Value::F64(1.5));
    drop(store);
    assert_eq!(count(&open(folder.path())), 2);
}

fn crash_in_merge_at(moment: Moment) {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    for value in 0..3 {
        write(&store, &[reading(1, f64::from(value)), reading(2 + i64::from(value), 2.0)]);
        wait(store.flush()).unwrap();
    }
    let before = read(&store, "t");
    *store.shared.crash_at.lock() = Some(moment);
    assert!(wait(store.compact()).is_err());
    assert_eq!(read(&store, "t"), before, "readers go on");
    drop(store);

    let (store, report) = Store::open(config(folder.path())).unwrap();
    assert_eq!(read(&store, "t"), before);
    match moment {
        Moment::MergeWritten => assert_eq!((report.removed_files, report.files), (1, 3)),
        _ => assert_eq!((report.removed_files, report.files), (3, 1)),
    }
    wait(store.compact()).unwrap();
    assert_eq!((read(&store, "t"), store.stats().files), (before, 1));
    drop(store);
    let report = Store::open(config(folder.path())).unwrap().1;
    assert_eq!((report.removed_files, report.unknown_files, report.files), (0, 0, 1));
}

#[test]
fn a_merged_file_that_no_manifest_names_is_removed() {
    crash_in_merge_at(Moment::MergeWritten);
}

#[test]
fn inputs_of_a_merge_that_the_manifest_names_are_removed() {
    crash_in_merge_at(Moment::MergeNamed);
}

#[test]
fn what_an_unfinished_merge_left_is_removed_at_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()));
    let left = folder.path().join("tmp").join("merge.parquet");
    std::fs::write(&left, "half").unwrap();
    drop(open(folder.path()));
    assert!(!left.exists());
}

#[test]
fn a_reader_keeps_the_files_that_a_merge_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    for time in 0..3 {
        write(&store, &[reading(time, 1.0)]);
        wait(store.flush()).unwrap();
    }
    let snapshot = store.snapshot(&key(), "t").unwrap();
    wait(store.compact()).unwrap();
    assert_eq!(store.stats().files, 1);
    assert_eq!(rows_of(&merged(&snapshot)).len(), 3);
    let parquet_files = || {
        let day = folder.path().join("data").join(key().org.to_string()).join("main/t/day=1970-01-01");
        std::fs::read_dir(day).unwrap().count()
    };
    assert_eq!(parquet_files(), 4);
    drop(snapshot);
    assert_eq!(parquet_files(), 1);
}
