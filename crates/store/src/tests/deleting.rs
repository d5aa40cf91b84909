//! Deleting rows and keeping them for a limited time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::*;
use crate::Deletion;

const SECOND: i64 = 1_000_000_000;

fn all(time_min_ns: i64, time_max_ns: i64) -> Deletion {
    Deletion { time_min_ns, time_max_ns, tags: Vec::new() }
}

fn times(store: &Store) -> Vec<i64> {
    read(store, "t").into_keys().map(|(_, time)| time).collect()
}

fn newest(store: &Store) -> Vec<(i64, Value<'static>)> {
    let rows = store.last_values(&key(), "t");
    rows.into_iter().flat_map(|row| row.fields).map(|field| (field.time_ns, field.value)).collect()
}

#[test]
fn deleted_rows_stay_deleted_and_may_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0), reading(2, 2.0), reading(3, 3.0)]);
    wait(store.delete(&key(), "t", all(2, 3))).unwrap();
    assert_eq!(times(&store), [1]);
    assert_eq!(newest(&store), [(1, Value::F64(1.0))]);
    write(&store, &[reading(2, 2.5)]);
    assert_eq!(times(&store), [1, 2], "what is written later is not touched");
    drop(store);
    let store = open(folder.path());
    assert_eq!(times(&store), [1, 2]);
    wait(store.flush()).unwrap();
    wait(store.compact()).unwrap();
    assert_eq!((times(&store), store.stats().file_rows), (vec![1, 2], 2));
    drop(store);
    let store = open(folder.path());
    assert_eq!((times(&store), newest(&store)), (vec![1, 2], vec![(2, Value::F64(2.5))]));
}

#[test]
fn only_the_series_that_has_all_tags_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |place: &'static str, floor: &'static str| {
        let point = Point::new("t", 1).field("value", Value::F64(1.0)).tag("place", place);
        if floor.is_empty() { point } else { point.tag("floor", floor) }
    };
    write(&store, &[point("a", "1"), point("a", "2"), point("b", "1"), point("a", "")]);
    let tags = vec![("place".into(), "a".into()), ("floor".into(), "1".into())];
    wait(store.delete(&key(), "t", Deletion { tags, ..all(0, 9) })).unwrap();
    assert_eq!(times(&store).len(), 3);
    let unknown = vec![("nobody".into(), "has this".into())];
    wait(store.delete(&key(), "t", Deletion { tags: unknown, ..all(0, 9) })).unwrap();
    assert_eq!(times(&store).len(), 3);
    assert_eq!(newest(&store).len(), 3);
}

#[test]
fn a_table_whose_rows_are_all_deleted_has_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    wait(store.delete(&key(), "t", all(i64::MIN, i64::MAX))).unwrap();
    wait(store.compact()).unwrap();
    assert_eq!((times(&store), store.stats().files, newest(&store)), (vec![], 0, vec![]));
    drop(store);
    assert_eq!(times(&open(folder.path())), [] as [i64; 0]);
}

/// A store at a time that the test sets.
fn at(folder: &Path, now: &Arc<AtomicI64>) -> Store {
    let now = Arc::clone(now);
    let config = StoreConfig { clock: Arc::new(move || now.load(Ordering::SeqCst)), ..config(folder) };
    Store::open(config).unwrap().0
}

#[test]
fn rows_are_kept_for_the_time_that_was_set_and_their_files_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(100 * SECOND));
    let store = at(folder.path(), &now);
    store.create_database(&key()).unwrap();
    write(&store, &[reading(10 * SECOND, 1.0), reading(20 * SECOND, 2.0)]);
    wait(store.flush()).unwrap();
    write(&store, &[reading(90 * SECOND, 9.0)]);
    store.set_retention(&key(), None, Some(Duration::from_secs(85))).unwrap();
    assert_eq!(times(&store), [20 * SECOND, 90 * SECOND], "exact for readers");
    let refused = write(&store, &[reading(14 * SECOND, 1.0), reading(15 * SECOND, 1.5)]);
    assert_eq!((refused.accepted, refused.rejected[0].line), (1, 1));
    assert!(refused.rejected[0].error.to_string().contains("retention"), "{}", refused.rejected[0].error);

    store.set_retention(&key(), Some(&"t".into()), Some(Duration::from_secs(50))).unwrap();
    wait(store.compact()).unwrap();
    assert_eq!((times(&store), store.stats().files), (vec![90 * SECOND], 0));
    drop(store);
    let store = at(folder.path(), &now);
    assert_eq!(store.retention(&key(), None), Some(Duration::from_secs(85)));
    assert_eq!(store.retention(&key(), Some("t")), Some(Duration::from_secs(50)));
    assert_eq!(times(&store), [90 * SECOND]);
    now.store(200 * SECOND, Ordering::SeqCst);
    assert_eq!((times(&store), newest(&store)), (vec![], vec![]));
    store.set_retention(&key(), Some(&"t".into()), None).unwrap();
    store.set_retention(&key(), None, None).unwrap();
    assert_eq!(times(&store), [15 * SECOND, 90 * SECOND], "what is still in memory shows again");
}
