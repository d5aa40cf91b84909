//! Rollups against what their source holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::Model;
use super::*;
use crate::shared::Moment;
use crate::{Aggregate, Backup, Deletion, Rollup, RollupError, RollupInfo, restore};

pub(super) const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

pub(super) fn rollup(target: &str, interval_seconds: u64) -> Rollup {
    let aggregates = Aggregate::ALL.to_vec();
    Rollup { target: target.into(), source: "t".into(), interval_seconds, aggregates, fields: Vec::new() }
}

pub(super) fn declare(store: &Store, rollup: &Rollup) {
    store.create_rollup(&key(), rollup.clone(), None).unwrap();
}

/// Brings everything to files and computes all that is pending.
pub(super) fn settle(store: &Store) {
    wait(store.flush()).unwrap();
    wait(store.roll_up()).unwrap();
    wait(store.flush()).unwrap();
    for info in store.rollups(&key()) {
        assert_eq!((info.pending_windows, info.pending_ns, info.problem), (0, None, None));
    }
}

fn aggregate<T: Copy + PartialOrd>(
    values: &[T],
    aggregate: Aggregate,
    value: fn(T) -> Value<'static>,
    sum: fn(&[T]) -> (Value<'static>, f64),
) -> Value<'static> {
    let (total, mean) = sum(values);
    match aggregate {
        Aggregate::Min => value(values.iter().copied().reduce(|a, b| if b < a { b } else { a }).unwrap()),
        Aggregate::Max => value(values.iter().copied().reduce(|a, b| if b > a { b } else { a }).unwrap()),
        Aggregate::Mean => Value::F64(mean),
        Aggregate::Sum => total,
        Aggregate::Count => Value::I64(i64::try_from(values.len()).unwrap()),
        Aggregate::First => value(values[0]),
        Aggregate::Last => value(values[values.len() - 1]),
    }
}

/// An aggregate of values of one type, in order of time.
fn of_values(values: &[Value<'static>], wanted: Aggregate) -> Option<Value<'static>> {
    macro_rules! values {
        ($variant:ident) => {
            values.iter().filter_map(|v| if let Value::$variant(v) = v { Some(*v) } else { None }).collect::<Vec<_>>()
        };
    }
    Some(match values[0] {
        Value::F64(_) => aggregate(&values!(F64), wanted, Value::F64, |values| {
            let sum = values.iter().fold(0.0, |sum, value| sum + value);
            (Value::F64(sum), sum / values.len() as f64)
        }),
        Value::I64(_) => aggregate(&values!(I64), wanted, Value::I64, |values| {
            let sum: i128 = values.iter().map(|value| i128::from(*value)).sum();
            let total = sum.clamp(i64::MIN.into(), i64::MAX.into());
            (Value::I64(i64::try_from(total).unwrap()), sum as f64 / values.len() as f64)
        }),
        Value::U64(_) => aggregate(&values!(U64), wanted, Value::U64, |values| {
            let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
            (Value::U64(u64::try_from(sum).unwrap_or(u64::MAX)), sum as f64 / values.len() as f64)
        }),
        _ => return None,
    })
}

/// What a rollup of these rows must hold.
fn expected(rows: &Rows, rollup: &Rollup) -> Rows {
    let mut values: BTreeMap<(SeriesKey, i64), BTreeMap<String, Vec<Value<'static>>>> = BTreeMap::new();
    for ((series, time), fields) in rows {
        let window = values.entry((series.clone(), rollup.window_of(*time))).or_default();
        for (name, value) in fields
            .iter()
            .filter(|(name, _)| rollup.fields.is_empty() || rollup.fields.iter().any(|f| f.as_ref() == name.as_str()))
        {
            window.entry(name.clone()).or_default().push(value.clone());
        }
    }
    let row = |fields: BTreeMap<String, Vec<Value<'static>>>| -> BTreeMap<String, Value<'static>> {
        let of_field = |(name, values): (String, Vec<Value<'static>>)| {
            let results = rollup.aggregates.iter();
            let results = results.filter_map(|one| Some((format!("{name}_{one}"), of_values(&values, *one)?)));
            results.collect::<Vec<_>>()
        };
        fields.into_iter().flat_map(of_field).collect()
    };
    values.into_iter().map(|(key, fields)| (key, row(fields))).filter(|(_, fields)| !fields.is_empty()).collect()
}

pub(super) fn check(store: &Store, rollup: &Rollup) {
    assert_eq!(read(store, &rollup.target), expected(&read(store, "t"), rollup), "{rollup:?}");
}

pub(super) fn info(store: &Store, target: &str) -> RollupInfo {
    store.rollups(&key()).into_iter().find(|info| info.rollup.target.as_ref() == target).unwrap()
}

pub(super) fn all(time_min_ns: i64, time_max_ns: i64) -> Deletion {
    Deletion { time_min_ns, time_max_ns, tags: Vec::new() }
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Point<'static>>),
    Flush,
    Compact,
    RollUp,
    Delete(Deletion),
    Declare(usize),
    Undeclare(usize),
    Restart,
    ShutDownAndRestart,
    /// The process ends at a moment of a flush, a merge or a rollup.
    Crash(Moment, bool),
}

fn field() -> impl Strategy<Value = (&'static str, Value<'static>)> {
    prop_oneof![
        3 => any::<i32>().prop_map(|v| ("double", Value::F64(f64::from(v) / 100.0))),
        2 => prop_oneof![any::<i64>(), -9..9_i64].prop_map(|v| ("signed", Value::I64(v))),
        1 => prop_oneof![any::<u64>(), 0..9_u64].prop_map(|v| ("unsigned", Value::U64(v))),
        1 => any::<bool>().prop_map(|v| ("truth", Value::Bool(v))),
        1 => "[a-c]{0,2}".prop_map(|v| ("text", Value::Text(v.into()))),
    ]
}

prop_compose! {
    fn point()(
        tags in proptest::collection::btree_map(prop_oneof!["x", "y"], "[ab]", 0..3),
        fields in vec(field(), 1..4),
        day in -1..3_i64,
        part in 0..30_i64,
    ) -> Point<'static> {
        // Half an hour, so that hours have some readings and minutes few.
        let mut point = Point::new("t", day * DAY + part * 150 * SECOND);
        point.tags = tags.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        point.fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        point
    }
}

prop_compose! {
    fn deletion()(
        day in -1..3_i64,
        part in 0..30_i64,
        parts in prop_oneof![1..30_i64, Just(600_i64), Just(3_000_i64)],
        tags in proptest::collection::btree_map(prop_oneof!["x", "y"], "[ab]", 0..2),
    ) -> Deletion {
        let tags = tags.into_iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
        let start = day * DAY + part * 150 * SECOND;
        Deletion { time_min_ns: start, time_max_ns: start + parts * 150 * SECOND, tags }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let moment = prop_oneof![
        1 => Just(Moment::FilesWritten),
        1 => Just(Moment::ManifestWritten),
        1 => Just(Moment::MergeNamed),
        2 => Just(Moment::RollupCleared),
        3 => Just(Moment::RollupWritten),
    ];
    prop_oneof![
        8 => vec(point(), 1..12).prop_map(Step::Write),
        4 => Just(Step::Flush),
        1 => Just(Step::Compact),
        2 => Just(Step::RollUp),
        2 => deletion().prop_map(Step::Delete),
        2 => (0..3_usize).prop_map(Step::Declare),
        1 => (0..3_usize).prop_map(Step::Undeclare),
        1 => Just(Step::Restart),
        1 => Just(Step::ShutDownAndRestart),
        2 => (moment, any::<bool>()).prop_map(|(moment, flush)| Step::Crash(moment, flush)),
    ]
}

/// Three rollups of the table `t`: short windows, long ones, and some fields only.
fn rollups() -> [Rollup; 3] {
    let some = Rollup {
        aggregates: vec![Aggregate::Mean, Aggregate::Last],
        fields: vec!["double".into()],
        ..rollup("t_hours", 3_600)
    };
    [rollup("t_minutes", 300), some, rollup("t_days", 2 * 86_400)]
}

/// Declares a rollup, if there is something to roll up and its table is free.
fn try_to_declare(store: &Store, rollup: &Rollup) {
    match store.create_rollup(&key(), rollup.clone(), None) {
        Ok(())
        | Err(RollupError::MissingTable { .. } | RollupError::MissingField { .. } | RollupError::Exists { .. }) => {}
        // It was deleted, and its rows were kept.
        Err(RollupError::TableExists { target }) => {
            wait(store.delete(&key(), &target, all(i64::MIN, i64::MAX))).unwrap();
            store.create_rollup(&key(), rollup.clone(), None).unwrap();
        }
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(proptest_config(24))]
    #[test]
    fn rollups_are_what_their_source_gives_whatever_happened(steps in vec(step(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = create(folder.path());
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Write(points) => {
                    prop_assert_eq!(write(&store, &points).accepted, points.len());
                    points.iter().for_each(|point| model.write(point));
                }
                Step::Flush => wait(store.flush()).unwrap(),
                Step::Compact => wait(store.compact()).unwrap(),
                Step::RollUp => wait(store.roll_up()).unwrap(),
                Step::Delete(deletion) => {
                    wait(store.delete(&key(), "t", deletion.clone())).unwrap();
                    model.delete("t", &deletion);
                }
                Step::Declare(which) => try_to_declare(&store, &rollups()[which]),
                Step::Undeclare(which) => drop(store.delete_rollup(&key(), &rollups()[which].target)),
                Step::Restart => {
                    drop(store);
                    store = open(folder.path());
                }
                Step::ShutDownAndRestart => {
                    wait(store.shutdown()).unwrap();
                    drop(store);
                    store = open(folder.path());
                }
                Step::Crash(moment, flush) => {
                    *store.shared.crash_at.lock() = Some(moment);
                    // Whether the moment comes depends on what there is to do.
                    let _done = if flush { wait(store.flush()) } else { Ok(()) };
                    let _done = if moment == Moment::MergeNamed { wait(store.compact()) } else { wait(store.roll_up()) };
                    drop(store);
                    store = open(folder.path());
                }
            }
        }
        let written = model.rows.contains_key("t");
        prop_assert_eq!(&read(&store, "t"), &model.rows.get("t").cloned().unwrap_or_default());
        for rollup in rollups() {
            try_to_declare(&store, &rollup);
        }
        settle(&store);
        let declared = store.rollups(&key()).len();
        prop_assert!(declared >= if written { 2 } else { 0 }, "the one of a single field may lack it");
        for again in [false, true] {
            if again {
                drop(store);
                store = open(folder.path());
                wait(store.compact()).unwrap();
            }
            for info in store.rollups(&key()) {
                prop_assert_eq!(read(&store, &info.rollup.target), expected(&read(&store, "t"), &info.rollup));
            }
        }
        prop_assert_eq!(crate::check(&{ drop(store); folder.path().to_owned() }, |_| {}).unwrap().findings, []);
    }
}

#[test]
fn late_readings_change_their_window_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let hours = rollup("t_hours", 3_600);
    write(&store, &[reading(HOUR, 1.0), reading(2 * HOUR, 2.0), reading(3 * HOUR, 3.0)]);
    wait(store.flush()).unwrap();
    declare(&store, &hours);
    settle(&store);
    check(&store, &hours);
    let before = store.stats().last_seq;
    write(&store, &[reading(2 * HOUR + 5, 4.0)]);
    settle(&store);
    check(&store, &hours);
    assert_eq!(store.stats().last_seq, before + 2, "the reading, and one row of the rollup");
    let row = &read(&store, "t_hours").into_values().nth(1).unwrap();
    assert_eq!((&row["value_mean"], &row["value_count"]), (&Value::F64(3.0), &Value::I64(2)));
}

#[test]
fn more_results_than_fit_into_one_write_are_written_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |series: i64, time: i64| {
        Point::new("t", time).tag("series", series.to_string()).field("value", Value::F64(series as f64 / 7.0))
    };
    let points: Vec<_> = (0..40_000).map(|series| point(series, HOUR + series)).collect();
    write(&store, &points);
    declare(&store, &rollup("t_hours", 3_600));
    settle(&store);
    assert!(store.stats().last_seq > 3, "{:?}", store.stats());
    check(&store, &rollup("t_hours", 3_600));
}

#[test]
fn a_deletion_takes_away_what_was_computed_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let hours = rollup("t_hours", 3_600);
    let other = |time| Point::new("t", time).tag("place", "room2").field("other", Value::I64(7));
    write(&store, &[reading(1, 1.0), reading(2, 2.0), other(3), reading(HOUR, 5.0), other(HOUR + 1)]);
    declare(&store, &hours);
    settle(&store);
    let names = |store: &Store| read(store, "t_hours").into_values().map(|row| row.len()).collect::<Vec<_>>();
    assert_eq!(names(&store), [7, 7, 7, 7]);
    // One of two readings, all of a series, all of a window.
    wait(store.delete(&key(), "t", all(1, 1))).unwrap();
    wait(store.delete(&key(), "t", Deletion { tags: vec![("place".into(), "room2".into())], ..all(0, 9) })).unwrap();
    settle(&store);
    check(&store, &hours);
    assert_eq!(read(&store, "t_hours").len(), 3);
    wait(store.delete(&key(), "t", all(HOUR, 2 * HOUR))).unwrap();
    settle(&store);
    check(&store, &hours);
    assert_eq!(read(&store, "t_hours").len(), 1);
}

#[test]
fn a_field_that_is_deleted_leaves_the_rows_of_its_windows() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let hours = rollup("t_hours", 3_600);
    write(&store, &[reading(1, 1.0), reading(2, 2.0).field("other", Value::I64(7))]);
    declare(&store, &hours);
    settle(&store);
    assert_eq!(read(&store, "t_hours").into_values().next().unwrap().len(), 14);
    wait(store.delete(&key(), "t", all(2, 2))).unwrap();
    settle(&store);
    check(&store, &hours);
    assert_eq!(read(&store, "t_hours").into_values().next().unwrap().len(), 7);
}

/// A store at a time that the test sets.
fn at(folder: &Path, now: &Arc<AtomicI64>) -> Store {
    let now = Arc::clone(now);
    let config = StoreConfig { clock: Arc::new(move || now.load(Ordering::SeqCst)), ..config(folder) };
    Store::open(config).unwrap().0
}

#[test]
fn rows_of_a_rollup_outlive_the_readings_that_they_were_computed_from() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(10 * HOUR));
    let store = at(folder.path(), &now);
    store.create_database(&key()).unwrap();
    let hours = rollup("t_hours", 3_600);
    write(&store, &[reading(8 * HOUR, 1.0), reading(8 * HOUR + 1, 2.0), reading(9 * HOUR, 3.0)]);
    declare(&store, &hours);
    store.set_retention(&key(), Some(&"t".into()), Some(Duration::from_secs(3 * 3_600))).unwrap();
    settle(&store);
    let before = read(&store, "t_hours");
    assert_eq!(before, expected(&read(&store, "t"), &hours));
    now.store(20 * HOUR, Ordering::SeqCst);
    wait(store.compact()).unwrap();
    assert_eq!((count(&store), store.stats().file_rows), (0, 2), "only rows of the rollup");
    assert_eq!(read(&store, "t_hours"), before);
    // What is written to a window that lost readings does not count, also after a restart.
    store.set_retention(&key(), Some(&"t".into()), None).unwrap();
    drop(store);
    let store = at(folder.path(), &now);
    write(&store, &[reading(8 * HOUR + 7, 100.0), reading(10 * HOUR, 4.0)]);
    settle(&store);
    let mut after = before;
    after.extend(expected(&read(&store, "t"), &hours).into_iter().filter(|((_, time), _)| *time == 10 * HOUR));
    assert_eq!(read(&store, "t_hours"), after);
    wait(store.delete(&key(), "t", all(0, 9 * HOUR))).unwrap();
    settle(&store);
    assert_eq!(read(&store, "t_hours"), after, "nor does what is deleted from it");
}

#[test]
fn readings_stay_in_files_until_they_are_rolled_up() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(10 * HOUR));
    let store = at(folder.path(), &now);
    store.create_database(&key()).unwrap();
    let hours = rollup("t_hours", 3_600);
    write(&store, &[reading(9 * HOUR, 1.0), reading(9 * HOUR + 1, 3.0)]);
    declare(&store, &hours);
    store.set_retention(&key(), Some(&"t".into()), Some(Duration::from_secs(3_600))).unwrap();
    let rows = read(&store, "t");
    let computing = store.shared.rolling.writing.lock();
    now.store(20 * HOUR, Ordering::SeqCst);
    wait(store.flush()).unwrap();
    wait(store.compact()).unwrap();
    assert_eq!((count(&store), store.stats().file_rows), (0, 2), "gone for readers, not for the rollup");
    let pending = info(&store, "t_hours");
    assert_eq!((pending.pending_windows, pending.pending_ns), (1, Some((9 * HOUR, 10 * HOUR))));
    drop(computing);
    settle(&store);
    assert_eq!(read(&store, "t_hours"), expected(&rows, &hours));
    wait(store.compact()).unwrap();
    assert_eq!(store.stats().file_rows, 1);
}

#[test]
fn a_rollup_is_kept_for_its_own_time_and_takes_no_older_windows() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(10 * HOUR));
    let store = at(folder.path(), &now);
    store.create_database(&key()).unwrap();
    write(&store, &[reading(2 * HOUR, 1.0), reading(9 * HOUR, 3.0)]);
    store.create_rollup(&key(), rollup("t_hours", 3_600), Some(Duration::from_secs(5 * 3_600))).unwrap();
    settle(&store);
    let times = |store: &Store| read(store, "t_hours").into_keys().map(|(_, time)| time).collect::<Vec<_>>();
    assert_eq!(times(&store), [9 * HOUR]);
    assert_eq!(info(&store, "t_hours").keep, Some(Duration::from_secs(5 * 3_600)));
    now.store(15 * HOUR, Ordering::SeqCst);
    assert_eq!((times(&store), count(&store)), (vec![], 2));
}

#[test]
fn results_in_the_log_are_no_part_of_a_backup_but_what_is_pending_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data"), folder.path().join("backups"));
    let store = create(&data);
    let hours = rollup("t_hours", 3_600);
    write(&store, &[reading(1, 1.0), reading(HOUR, 2.0)]);
    declare(&store, &hours);
    wait(store.flush()).unwrap();
    wait(store.roll_up()).unwrap();
    assert_eq!((store.stats().memtable_rows, info(&store, "t_hours").pending_windows), (2, 0));
    let mut backup = Backup::begin(&to, "1").unwrap();
    let frozen = store.freeze().unwrap();
    backup.copy(&frozen.folder, |_| {}).unwrap();
    backup.finish(7).unwrap();
    let restored = folder.path().join("restored");
    restore(&to, None, &restored, |_| {}).unwrap();
    let restored = open(&restored);
    wait(restored.roll_up()).unwrap();
    check(&restored, &hours);
    assert_eq!(read(&restored, "t_hours"), read(&store, "t_hours"));
}

#[test]
fn a_rollup_on_what_is_there_is_filled_and_says_how_much_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let points: Vec<_> = (0..48).map(|hour| reading(hour * HOUR, 1.0)).collect();
    write(&store, &points);
    wait(store.flush()).unwrap();
    store.shared.rolling.requests.stop();
    assert!(wait(store.roll_up()).is_err(), "nobody computes");
    declare(&store, &rollup("t_hours", 3_600));
    let left = info(&store, "t_hours");
    assert_eq!((left.pending_windows, left.pending_ns, left.problem), (48, Some((0, 48 * HOUR)), None));
    drop(store);
    let store = open(folder.path());
    settle(&store);
    check(&store, &rollup("t_hours", 3_600));
    let manifest = crate::manifest::Manifest::load(&folder.path().join("manifest")).unwrap();
    assert!(manifest.state().rollups.values().all(|state| state.pending.is_empty()));
}
