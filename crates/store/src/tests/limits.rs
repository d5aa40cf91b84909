//! Bounds: memory, series, times, names.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sensorium_model::{ColumnKind, DatabaseName, ErrorKind, FieldType};

use super::*;
use crate::{CommitListener, Deletion, WriteError};

#[test]
fn a_database_must_exist_and_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let missing = wait(store.write(batch(&[reading(1, 1.0)]))).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Missing);
    assert!(store.create_database(&key()).unwrap());
    assert!(!store.create_database(&key()).unwrap());
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.databases(key().org), [DatabaseName::new("main").unwrap()]);
    assert_eq!(store.schema(&key()).unwrap().tables.len(), 0);
    wait(store.flush()).unwrap();
    drop(store);
    assert!(!open(folder.path()).create_database(&key()).unwrap());
}

#[test]
fn organisations_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let org = sensorium_model::OrgId::from_uuid(uuid::Uuid::from_u128(8));
    let other = DatabaseKey::new(org, key().name);
    assert!(store.create_database(&other).unwrap());
    write(&store, &[reading(1, 1.0)]);
    wait(store.write(batch_for(other.clone(), &[reading(2, 1.0), reading(3, 1.0)]))).unwrap();
    wait(store.flush()).unwrap();
    assert_eq!(count(&store), 1);
    assert_eq!(rows_of(&merged(&store.snapshot(&other, "t").unwrap())).len(), 2);
}

#[test]
fn a_database_takes_what_its_files_and_its_rows_in_memory_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let other = DatabaseKey::new(key().org, DatabaseName::new("other").unwrap());
    assert_eq!((store.database_bytes(&key()), store.database_bytes(&other)), (0, 0));
    write(&store, &[reading(1, 1.0), reading(2, 2.0)]);
    assert!(store.database_bytes(&key()) > 0, "rows in memory count");
    wait(store.flush()).unwrap();
    assert_eq!(store.database_bytes(&key()), store.stats().file_bytes);
    store.create_database(&other).unwrap();
    wait(store.write(batch_for(other.clone(), &[reading(3, 1.0)]))).unwrap();
    wait(store.flush()).unwrap();
    let (ours, theirs) = (store.database_bytes(&key()), store.database_bytes(&other));
    assert!(theirs > 0);
    assert_eq!(ours + theirs, store.stats().file_bytes);
    drop(store);

    let store = open(folder.path());
    assert_eq!((store.database_bytes(&key()), store.database_bytes(&other)), (ours, theirs));
    let all = Deletion { time_min_ns: 0, time_max_ns: 9, tags: Vec::new() };
    wait(store.delete(&key(), "t", all)).unwrap();
    wait(store.compact()).unwrap();
    assert_eq!((store.database_bytes(&key()), store.database_bytes(&other)), (0, theirs));
}

#[test]
fn memory_is_bounded_and_a_flush_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig { memtable_bytes: 20_000, flush_bytes: usize::MAX, ..config(folder.path()) };
    let (store, _) = Store::open(config).unwrap();
    store.create_database(&key()).unwrap();
    let points: Vec<_> = (0..100).map(|time| reading(time, 1.0)).collect();
    let mut accepted = 0;
    let busy = loop {
        match wait(store.write(batch(&points))) {
            Ok(report) => accepted += report.accepted,
            Err(error) => break error,
        }
        assert!(store.stats().memtable_bytes <= 20_000);
    };
    assert!(accepted >= 500, "{accepted}");
    assert!(matches!(busy, WriteError::Busy { limit: 20_000, .. }), "{busy:?}");
    assert_eq!(busy.kind(), ErrorKind::Busy);
    let used = store.stats().memtable_bytes;
    assert!(wait(store.write(batch(&points))).is_err());
    assert_eq!(store.stats().memtable_bytes, used, "a refused write gives its room back");
    wait(store.flush()).unwrap();
    assert_eq!(store.stats().memtable_bytes, 0);
    wait(store.write(batch(&points))).unwrap();
    let many: Vec<_> = (0..2_000).map(|time| reading(time, 1.0)).collect();
    assert!(matches!(wait(store.write(batch(&many))), Err(WriteError::TooLarge { .. })));
}

#[test]
fn sparse_columns_count_with_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    for name in ["a", "b", "c", "d", "e", "f"] {
        let points: Vec<_> =
            (0..50).map(|time| Point::new("t", time).field(name, Value::Text("long text ".into()))).collect();
        write(&store, &points);
    }
    let used = store.stats().memtable_bytes;
    assert!(used > 6 * 50 * (12 + 10), "{used}");
    wait(store.flush()).unwrap();
    assert_eq!(store.stats().memtable_bytes, 0);
    assert_eq!(count(&store), 50);
}

#[test]
fn rows_of_series_beyond_the_limit_are_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig { series_per_table: 2, ..config(folder.path()) };
    let (store, _) = Store::open(config).unwrap();
    store.create_database(&key()).unwrap();
    let point = |place: &'static str| Point::new("t", 1).tag("place", place).field("value", Value::F64(1.0));
    let report = write(&store, &[point("a"), point("b"), point("c"), point("a")]);
    assert_eq!((report.accepted, report.rejected.len(), report.rejected[0].line), (3, 1, 3));
    let error = report.rejected[0].error.to_string();
    assert!(error.contains("store.series_per_table") && error.contains("cardinality('t')"), "{error}");
    let report = write(&store, &[point("d")]);
    assert_eq!((report.accepted, report.seq), (0, 2));
    assert_eq!(count(&store), 2);
}

#[test]
fn of_two_writers_that_race_for_a_type_one_loses_its_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    let wrong = Point::new("t", 2).field("value", Value::Text("x".into()));
    let right = Point::new("t", 3).field("other", Value::Bool(true));
    let report = write(&store, &[wrong, right]);
    assert_eq!((report.accepted, report.rejected[0].line), (1, 1));
    assert_eq!(report.rejected[0].error.kind(), ErrorKind::Conflict);
    drop(store);
    let store = open(folder.path());
    let schema = store.schema(&key()).unwrap();
    assert_eq!(schema.tables["t"].kind("value"), Some(ColumnKind::Field(FieldType::F64)));
    assert_eq!(schema.tables["t"].len(), 3);
}

#[test]
fn extreme_times_are_stored_and_flushed_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let day = 86_400_000_000_000;
    write(&store, &[reading(i64::MIN + day, 1.0), reading(0, 2.0), reading(i64::MAX - day, 3.0)]);
    wait(store.flush()).unwrap();
    assert_eq!(store.stats().files, 3);
    drop(store);
    assert_eq!(count(&open(folder.path())), 3);
}

#[test]
fn decades_of_daily_readings_become_few_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let points: Vec<_> = (0..5_000).map(|day| reading(day * 86_400_000_000_000, day as f64)).collect();
    write(&store, &points);
    wait(store.flush()).unwrap();
    assert_eq!((store.stats().files, count(&store)), (1, 5_000));
}

#[test]
fn names_of_tables_may_be_anything() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let long = "ö".repeat(127);
    for name in ["../../etc", "a/b", ".", "day=1", "last", long.as_str()] {
        wait(store.write(batch(&[Point::new(name, 1).field("f", Value::F64(1.0))]))).unwrap();
    }
    wait(store.shutdown()).unwrap();
    drop(store);
    let store = open(folder.path());
    for name in ["../../etc", "a/b", ".", "day=1", "last", long.as_str()] {
        assert_eq!(read(&store, name).len(), 1, "{name}");
    }
}

#[test]
fn the_listener_hears_each_batch_after_it_is_visible() {
    let folder = tempfile::tempdir().unwrap();
    let heard = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let store: Arc<parking_lot::Mutex<Option<Store>>> = Arc::default();
    let rows = Arc::new(AtomicUsize::new(0));
    let listener: CommitListener = {
        let (heard, store, rows) = (Arc::clone(&heard), Arc::clone(&store), Arc::clone(&rows));
        Arc::new(move |seq, batch| {
            heard.lock().push((seq, batch.rows()));
            if let Some(store) = store.lock().as_ref() {
                rows.store(count(store), Ordering::SeqCst);
            }
        })
    };
    let opened = Store::open(StoreConfig { on_commit: Some(listener), ..config(folder.path()) }).unwrap().0;
    opened.create_database(&key()).unwrap();
    *store.lock() = Some(opened.clone());
    write(&opened, &[reading(1, 1.0), reading(2, 1.0)]);
    write(&opened, &[reading(3, 1.0)]);
    wait(opened.shutdown()).unwrap();
    assert_eq!(*heard.lock(), [(2, 2), (3, 1)]);
    assert_eq!(rows.load(Ordering::SeqCst), 3);
    assert!(matches!(wait(opened.write(batch(&[reading(9, 1.0)]))), Err(WriteError::Closed)));
    store.lock().take();
}
